/** A thousand turns, each a command of its own; how they spread over the workers, and whether all are right. */
import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Calls } from "./calls";
import { bits } from "./compare";
import { button, byId, el, setNote } from "./dom";
import {
  CleaningMode,
  RobotCommandSchema,
  type RobotCommand,
  type RobotResult,
} from "./gen/robot/v1/robot_pb";
import { counted } from "./rates";
import { callErrorText } from "./rpc";

const TURNS = 1000;
const TURNS_PER_CALL = 50;
/** Browsers hold six connections to a server of HTTP/1.1, and one of them follows the workers. */
const CALLS_AT_ONCE_MAX = 4;
const DEADLINE_MS = 120_000;

export function attachTurns(calls: Calls): void {
  const send = button("turns-run", () => {
    send.disabled = true;
    setNote("turns-note", "sending …");
    void thousandTurns(calls)
      .then(show, (error) => {
        setNote("turns-note", callErrorText(ConnectError.from(error)), "bad");
      })
      .finally(() => {
        send.disabled = false;
      });
  });
}

interface Turned {
  ms: number;
  calls: number;
  /** Turns by the number of the worker that ran them. */
  spread: Map<number, number>;
  right: number;
}

async function thousandTurns(calls: Calls): Promise<Turned> {
  const commands = Array.from({ length: TURNS }, (_, at) => turn(at));
  const perCall = Math.min(TURNS_PER_CALL, calls.callLimits.commandsMax);
  const batches: RobotCommand[][] = [];
  for (let at = 0; at < TURNS; at += perCall) batches.push(commands.slice(at, at + perCall));
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const results: RobotResult[] = [];
  const waiting = [...batches];
  const began = performance.now();
  const send = async () => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      results.push(...(await calls.execute(batch, signal)));
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE_MAX }, send));
  const ms = performance.now() - began;
  const spread = new Map<number, number>();
  for (const { execution } of results) {
    const worker = execution?.worker ?? 0;
    spread.set(worker, (spread.get(worker) ?? 0) + 1);
  }
  return { ms, calls: batches.length, spread, right: results.filter(isRight).length };
}

/** Turn `at` begins at `at` degrees, so that each has an answer of its own. */
function turn(at: number): RobotCommand {
  const state = { headingDegrees: at };
  return create(RobotCommandSchema, { id: BigInt(at + 1), state, script: "turn 1" });
}

/** The sum of two whole numbers as small as these is exact: there is one right answer, to the bit. */
function isRight({ id, outcome }: RobotResult): boolean {
  if (outcome.case !== "state") return false;
  const { x, y, headingDegrees, mode } = outcome.value;
  return (
    bits(x) === 0n &&
    bits(y) === 0n &&
    bits(headingDegrees) === bits(Number(id)) &&
    mode === CleaningMode.WATER
  );
}

function show({ ms, calls, spread, right }: Turned): void {
  const perSecond = counted(Math.round((TURNS * 1000) / ms));
  const verdict =
    right === TURNS
      ? `all ${counted(TURNS)} right`
      : `${counted(right)} of ${counted(TURNS)} right`;
  const workers = spread.size === 1 ? "1 worker" : `${spread.size} workers`;
  setNote(
    "turns-note",
    `${verdict}, by ${workers}, in ${ms.toFixed(0)} ms (${perSecond} a second, ${calls} calls)`,
    right === TURNS ? "good" : "bad",
  );
  byId("turns-table", HTMLElement).hidden = false;
  const most = Math.max(...spread.values());
  const rows = [...spread]
    .toSorted(([a], [b]) => a - b)
    .map(([worker, turns]) => row(worker, turns, most));
  byId("turns-rows", HTMLElement).replaceChildren(...rows);
}

function row(worker: number, turns: number, most: number): HTMLElement {
  const element = el("tr");
  const head = el("th", "", String(worker));
  head.setAttribute("scope", "row");
  const bar = el("i");
  bar.style.width = `${(100 * turns) / most}%`;
  const meter = el("span", "busy");
  meter.ariaHidden = "true";
  meter.append(bar);
  const cell = el("div", "busy-cell");
  cell.append(meter, el("span", "", `${((100 * turns) / TURNS).toFixed(1)}%`));
  const column = el("td");
  column.append(cell);
  element.append(head, column, el("td", "number", counted(turns)));
  return element;
}
