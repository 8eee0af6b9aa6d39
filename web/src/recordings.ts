/** Saves the run that is shown, opens recordings, and has the server compute them again to compare every bit. */
import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Calls } from "./calls";
import { announce, button, byId, el, setNote } from "./dom";
import { HeaderSchema } from "./gen/console/v1/recording_pb";
import type { Run } from "./history";
import { counted } from "./rates";
import {
  encodingOf,
  FORMAT,
  NoRecording,
  read,
  write,
  type Encoding,
  type Entry,
  type Recording,
} from "./recording";
import { programOf } from "./retold";
import type { Program } from "./run";
import { callErrorText } from "./rpc";
import { statements } from "./script";
import { isGood, Pairs, type Report } from "./verify";

/** The page holds a recording as a whole. */
const FILE_BYTES_MAX = 64 << 20;

export class Recordings {
  private opened: Recording | undefined;
  private readonly file = byId("recording-file", HTMLInputElement);
  private readonly saveButtons = [
    button("save-binary", () => this.save("binary")),
    button("save-json", () => this.save("jsonLines")),
  ];
  private readonly verifyButton = button("recording-verify", () => void this.verify());
  private readonly showButton = button("recording-show", () => {
    const program = this.opened && programOf(this.opened);
    if (program) this.show(program);
  });

  constructor(
    private readonly calls: Calls,
    private readonly run: () => Run | undefined,
    private readonly show: (program: Program) => void,
  ) {
    this.file.addEventListener("change", () => void this.open());
  }

  /** There is a run to save. */
  enable(): void {
    for (const element of this.saveButtons) element.disabled = false;
  }

  private save(encoding: Encoding): void {
    const run = this.run();
    if (!run) return;
    const { info } = this.calls.connection;
    const header = create(HeaderSchema, {
      format: FORMAT,
      clientVersion: `console ${info?.version ?? ""}`.trim(),
      serverVersion: info?.version ?? "",
      semanticsVersion: info?.semanticsVersion ?? 0,
      actionsPerCommandMax: info?.limits?.actionsPerCommandMax ?? 0,
      address: location.origin,
      startedAt: run.at.toISOString().replace(/\.\d+Z$/, "Z"),
    });
    const entries = run.exchanges.flatMap(({ command, result }): Entry[] => [
      { case: "command", value: command },
      { case: "result", value: result },
    ]);
    const ending = encoding === "binary" ? "rec" : "jsonl";
    download(write(header, entries, encoding), `robot-run-${run.number}.${ending}`);
    announce(`saved run ${run.number}`);
  }

  private async open(): Promise<void> {
    const file = this.file.files?.[0];
    if (!file) return;
    this.opened = undefined;
    setNote("verify-note", "");
    byId("differences", HTMLElement).hidden = true;
    try {
      if (file.size > FILE_BYTES_MAX) {
        throw new NoRecording(
          `it has ${counted(file.size)} bytes; the page opens ${counted(FILE_BYTES_MAX)} at most`,
        );
      }
      this.opened = read(new Uint8Array(await file.arrayBuffer()), encodingOf(file.name));
      setNote("recording-note", openedText(this.opened), this.opened.damage ? "bad" : "none");
    } catch (error) {
      setNote(
        "recording-note",
        `${file.name}: ${error instanceof Error ? error.message : String(error)}`,
        "bad",
      );
    }
    this.verifyButton.disabled = !this.opened;
    this.showButton.hidden = !this.opened || !programOf(this.opened);
  }

  private async verify(): Promise<void> {
    const { opened } = this;
    if (!opened) return;
    const version = this.calls.connection.info?.semanticsVersion;
    const recorded = opened.header.semanticsVersion;
    if (version !== undefined && version !== recorded) {
      setNote(
        "verify-note",
        `it was computed by semantics ${recorded}, this server has ${version}: their bits may differ`,
        "bad",
      );
      return;
    }
    const pairs = new Pairs(opened);
    this.verifyButton.disabled = true;
    setNote("verify-note", "verifying …");
    let stopped = "";
    try {
      const events = ({ withEvents, actions, script }: (typeof pairs.commands)[number]) =>
        withEvents ? actions.length || statements(script).length : 0;
      await this.calls.executeAll(
        pairs.commands,
        events,
        AbortSignal.timeout(600_000),
        (results) => {
          for (const result of results) pairs.replayed(result);
        },
      );
    } catch (error) {
      stopped = callErrorText(ConnectError.from(error));
    }
    this.verifyButton.disabled = false;
    showReport(pairs.now, stopped, opened.damage);
  }
}

function openedText({ header, entries, damage }: Recording): string {
  const commands = entries.filter((entry) => entry.case === "command").length;
  const results = entries.length - commands;
  const end =
    damage === "torn"
      ? " The last record is cut off; all before it is whole."
      : damage === "corrupt"
        ? " What follows is not what was written."
        : "";
  return (
    `${plural(commands, "command")}, ${plural(results, "result")}, recorded ${header.startedAt} ` +
    `from robot-server ${header.serverVersion} at ${header.address}.${end}`
  );
}

function plural(count: number, what: string): string {
  return `${counted(count)} ${what}${count === 1 ? "" : "s"}`;
}

function showReport(report: Report, stopped: string, damage: Recording["damage"]): void {
  const good = isGood(report) && stopped === "" && damage !== "corrupt";
  const parts = [
    `${good ? "ok" : "failed"}: ${counted(report.compared)} of ${counted(report.commands)} compared`,
    report.differing === 0 ? "every bit is the same" : `${counted(report.differing)} differ`,
    ...(report.unrecorded > 0 ? [`${counted(report.unrecorded)} had no recorded result`] : []),
    ...(report.unasked > 0 ? [`${counted(report.unasked)} results of no command`] : []),
    ...(stopped ? [`stopped: ${stopped}`] : []),
  ];
  setNote("verify-note", parts.join(", "), good ? "good" : "bad");
  const list = byId("differences", HTMLElement);
  list.replaceChildren(...report.shown.map((line) => el("li", "", line)));
  list.hidden = report.shown.length === 0;
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
