/** The page: makes its parts, and carries what one says to the others. */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Calls } from "./calls";
import { Picture } from "./canvas";
import { Connection } from "./connection";
import { attachCopying } from "./copying";
import { announce, button, byId, numberIn, setNote, setText } from "./dom";
import { Editor } from "./editor";
import { attachExamples, FIRST } from "./examples";
import { RobotStateSchema, type RobotState } from "./gen/robot/v1/robot_pb";
import { attachGestures } from "./gestures";
import { History, summary, type Run } from "./history";
import { modeWord, shortest, stepText, type Path } from "./path";
import { Player } from "./player";
import { counted } from "./rates";
import { Recordings } from "./recordings";
import { callErrorText } from "./rpc";
import { partLimits, runPrograms, TooLong, type Failure, type Program } from "./run";
import { parts } from "./script";
import { attachStatus } from "./status";
import { attachTheme } from "./theme";
import { Tip } from "./tip";
import { Transcript } from "./transcript";
import { attachTurns } from "./turns";
import type { Point } from "./view";
import { WhatIf } from "./whatif";
import { attachWorkers } from "./workers";

const RUN_MS_MAX = 600_000;

export class App {
  private readonly connection = new Connection();
  private readonly calls = new Calls(this.connection);
  private readonly picture = new Picture();
  private readonly editor = new Editor(() => this.edited());
  private readonly tip = new Tip();
  private readonly transcript = new Transcript((step) => this.player.go(step));
  private readonly player: Player = new Player(
    (step, along) => this.moved(step, along),
    (step) => (this.shown ? stepText(this.shown.path.at(step)) : ""),
  );
  private readonly history = new History(
    (run) => this.show(run),
    ({ program }) => this.edit(program),
  );
  private readonly recordings = new Recordings(
    this.calls,
    () => this.shown,
    (program) => {
      this.edit(program);
      void this.run();
    },
  );
  private readonly whatIf = new WhatIf(this.calls, this.editor, {
    program: () => this.program(),
    showFutures: (futures, chosen) => this.showFutures(futures, chosen),
    run: () => void this.run(),
  });
  private readonly runButton = button("run", () => void this.run());
  private readonly cancelButton = button("cancel", () => this.running?.abort());
  private readonly goOn = button("go-on", () => this.beginWhereItEnded());
  private running: AbortController | undefined;
  private shown: Run | undefined;
  private failure: Failure | undefined;

  start(): void {
    attachTheme(() => this.picture.recolour());
    attachStatus(this.connection);
    attachWorkers(this.connection);
    attachTurns(this.calls);
    attachExamples((text) => this.editor.setText(text));
    attachCopying(() => {
      const program = this.program();
      if (!program) return undefined;
      const scripts = parts(program.script, partLimits(this.calls)).map(({ text }) => text);
      return { state: program.state, scripts };
    });
    const hover = (step: number | undefined, at: Point) => {
      this.picture.setHovered(step);
      this.tip.show(this.shown?.path, step, at, this.picture.size);
    };
    this.picture.onMove = () => hover(undefined, { x: 0, y: 0 });
    attachGestures(this.picture, {
      hover,
      click: (step) => this.player.go(step),
    });
    byId("program", HTMLElement).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.run();
    });
    button("program-error-go", () => {
      if (this.failure?.place) this.editor.select(this.failure.place.range);
    });
    this.connection.listen({
      state: ({ name }) => {
        if (this.running)
          setNote("result", name === "up" ? "running …" : "waiting for the server …");
      },
    });
    this.editor.setText(FIRST);
    void this.connection.run();
  }

  private async run(): Promise<void> {
    const program = this.program();
    if (!program || this.running) return;
    this.whatIf.clear();
    this.fail(undefined);
    this.running = new AbortController();
    this.busy(true);
    setNote("result", "running …");
    const began = performance.now();
    try {
      const signal = AbortSignal.any([this.running.signal, AbortSignal.timeout(RUN_MS_MAX)]);
      const [ran] = await runPrograms(this.calls, [program], signal, (steps) => {
        setNote("result", `running … ${counted(steps)} actions`);
      });
      this.history.add(ran!, performance.now() - began);
      if ("failure" in ran!.outcome && this.editor.text === program.script) {
        // Whoever hears it as an alert need not hear it twice.
        this.fail(ran!.outcome.failure);
      } else announce(`Run ${this.shown!.number}: ${summary(ran!)}`);
    } catch (error) {
      const why = runErrorText(error);
      setNote("result", `Not run: ${why}.`, "bad");
      announce(`Not run: ${why}`);
    } finally {
      this.running = undefined;
      this.busy(false);
    }
  }

  private busy(busy: boolean): void {
    this.runButton.disabled = busy;
    this.cancelButton.hidden = !busy;
  }

  /** The program as it stands; none if the fields of its state cannot be read, and then that is said. */
  private program(): Program | undefined {
    const [x, y, headingDegrees] = ["state-x", "state-y", "state-heading"].map((id) =>
      numberIn(byId(id, HTMLInputElement)),
    );
    const good = x !== undefined && y !== undefined && headingDegrees !== undefined;
    byId("state-error", HTMLElement).hidden = good;
    setText("state-error", good ? "" : "x, y and heading must be finite numbers");
    if (!good) return undefined;
    const mode = Number(byId("state-mode", HTMLSelectElement).value);
    const state = create(RobotStateSchema, { x, y, headingDegrees, mode });
    return { state, script: this.editor.text };
  }

  private edit({ state, script }: Program): void {
    this.setState(state);
    this.editor.setText(script);
  }

  private setState({ x, y, headingDegrees, mode }: RobotState): void {
    byId("state-x", HTMLInputElement).value = String(x);
    byId("state-y", HTMLInputElement).value = String(y);
    byId("state-heading", HTMLInputElement).value = String(headingDegrees);
    byId("state-mode", HTMLSelectElement).value = String(mode || 1);
  }

  private beginWhereItEnded(): void {
    if (this.shown && "state" in this.shown.outcome) this.setState(this.shown.outcome.state);
  }

  private edited(): void {
    this.fail(undefined);
    this.whatIf.edited();
  }

  private fail(failure: Failure | undefined): void {
    this.failure = failure;
    this.editor.mark(failure?.place?.range);
    const box = byId("program-error", HTMLElement);
    box.hidden = failure === undefined;
    const place = failure?.place;
    const where = place ? `Line ${place.line}, column ${place.column}: ` : "";
    const text = failure ? `${where}${failure.message}` : "";
    setText("program-error-text", text);
    setText("program-alert", text);
    byId("program-error-go", HTMLElement).hidden = !place;
  }

  private show(run: Run): void {
    this.shown = run;
    this.whatIf.clear();
    byId("stage-empty", HTMLElement).hidden = true;
    this.picture.show({ path: run.path, futures: [], chosen: undefined }, true);
    this.transcript.show(run.path);
    this.player.load(run.path.steps, true);
    this.recordings.enable();
    showOutcome(run);
    this.goOn.disabled = !("state" in run.outcome);
    this.tip.show(undefined, undefined, { x: 0, y: 0 }, this.picture.size);
  }

  private showFutures(futures: readonly Path[], chosen: number | undefined): void {
    // The path is drawn with its futures only if it is of the same program.
    const same = this.shown?.program.script === this.editor.text;
    const path = futures.length === 0 || same ? this.shown?.path : undefined;
    byId("stage-empty", HTMLElement).hidden = futures.length > 0 || this.shown !== undefined;
    this.picture.show({ path, futures, chosen }, false);
  }

  private moved(step: number, along: number): void {
    this.picture.setNow({ step, along });
    const path = this.shown?.path;
    if (!path) return;
    this.transcript.setStep(step);
    const { x, y, heading, mode, cleaning } = path.at(step);
    setText("at-x", shortest(x));
    setText("at-y", shortest(y));
    setText("at-heading", `${shortest(heading)}°`);
    setText("at-mode", modeWord(mode));
    setText("at-cleaning", cleaning ? "yes" : "no");
    setText(
      "stage-text",
      `${counted(path.steps)} steps. At step ${step}: ${stepText(path.at(step))}`,
    );
  }
}

function showOutcome(run: Run): void {
  const { outcome, exchanges, path, ms, number } = run;
  const final = byId("final", HTMLElement);
  final.hidden = !("state" in outcome);
  const workers = [...new Set(exchanges.map(({ result }) => result.execution?.worker ?? 0))];
  const by = workers.length === 1 ? `worker ${workers[0]}` : `${workers.length} workers`;
  const commands = exchanges.length === 1 ? "1 command" : `${counted(exchanges.length)} commands`;
  const what = `Run ${number}: ${counted(path.steps)} actions in ${commands}, by ${by}, ${ms.toFixed(0)} ms.`;
  if ("failure" in outcome) {
    setNote("result", `Run ${number} failed: ${outcome.failure.message}.`, "bad");
    return;
  }
  setNote("result", what);
  const { x, y, headingDegrees, mode } = outcome.state;
  setText("final-x", String(x));
  setText("final-y", String(y));
  setText("final-heading", `${headingDegrees}°`);
  setText("final-mode", modeWord(mode));
}

function runErrorText(error: unknown): string {
  if (error instanceof TooLong) return error.message;
  const failed = ConnectError.from(error);
  if (failed.code === Code.Canceled || (error instanceof Error && error.name === "AbortError"))
    return "cancelled";
  return callErrorText(failed);
}
