/**
 * Runs programs, each in as many commands as the server's limits make it, side by side.
 *
 * One program is what Run does, many that differ in a number are the futures of What if. It must not know the page.
 */
import { create } from "@bufbuild/protobuf";
import {
  CommandError_Reason,
  RobotCommandSchema,
  type CommandError,
  type RobotCommand,
  type RobotResult,
  type RobotState,
} from "./gen/robot/v1/robot_pb";
import type { Calls } from "./calls";
import { ANSWER_BYTES_MAX, EVENT_BYTES_MAX, RESULT_BYTES_MAX } from "./chunk";
import { Path } from "./path";
import { offsetOf, parts, placeOf, statements, wordAt, type Part, type Range } from "./script";

export interface Program {
  state: RobotState;
  script: string;
}

export interface Exchange {
  command: RobotCommand;
  result: RobotResult;
}

export interface Failure {
  reason: string;
  message: string;
  /** Where in the program, if it is in one place; the line and column are from 1. */
  place?: { range: Range; line: number; column: number };
}

export interface Ran {
  program: Program;
  exchanges: Exchange[];
  /** As far as it went. */
  path: Path;
  outcome: { state: RobotState } | { failure: Failure };
}

/** What this needs of the calls. */
export type Executor = Pick<Calls, "limits" | "executeAll">;

/** Steps that the page keeps and draws of one run. */
export const STEPS_MAX = 500_000;

export class TooLong extends Error {}

let lastId = 0n;

/** All of them, in order. Rejects if a call fails; what is wrong with one program is its outcome. */
export async function runPrograms(
  calls: Executor,
  programs: readonly Program[],
  signal: AbortSignal,
  progress: (steps: number) => void,
): Promise<Ran[]> {
  const limits = partLimits(calls);
  const lanes = programs.map((program) => new Lane(program, parts(program.script, limits)));
  const total = lanes.reduce((sum, lane) => sum + lane.statements, 0);
  if (total > STEPS_MAX) {
    throw new TooLong(`these are ${total} actions in all; the page draws ${STEPS_MAX} at most`);
  }
  for (;;) {
    const open = lanes.filter((lane) => lane.next !== undefined);
    if (open.length === 0) break;
    const counts = new Map(open.map((lane) => [lane.id, lane.next!.statements]));
    const commands = open.map((lane) => lane.command());
    const events = ({ id }: RobotCommand) => counts.get(id) ?? 0;
    const results = await calls.executeAll(commands, events, signal);
    results.forEach((result, index) => open[index]!.answered(commands[index]!, result));
    progress(lanes.reduce((sum, lane) => sum + lane.path.steps, 0));
  }
  return lanes.map((lane) => lane.ran());
}

export function partLimits(calls: Executor) {
  const answerEvents = Math.floor((ANSWER_BYTES_MAX - RESULT_BYTES_MAX) / EVENT_BYTES_MAX);
  return {
    statementsMax: Math.min(calls.limits.actionsPerCommandMax, answerEvents),
    // Beside the script there are the state and the keys.
    bytesMax: Math.max(1, Number(calls.limits.messageBytesMax) - 256),
  };
}

/** One program on its way. */
class Lane {
  readonly path: Path;
  readonly statements: number;
  id = 0n;
  private readonly exchanges: Exchange[] = [];
  private state: RobotState;
  private failure: Failure | undefined;
  private done = 0;

  constructor(
    private readonly program: Program,
    private readonly cuts: Part[],
  ) {
    this.state = program.state;
    this.path = new Path(program.state);
    this.statements = cuts.reduce((sum, part) => sum + part.statements, 0);
    this.id = ++lastId;
  }

  get next(): Part | undefined {
    return this.failure ? undefined : this.cuts[this.done];
  }

  command(): RobotCommand {
    const { id, state } = this;
    return create(RobotCommandSchema, { id, state, script: this.next!.text, withEvents: true });
  }

  answered(command: RobotCommand, result: RobotResult): void {
    const part = this.next!;
    this.exchanges.push({ command, result });
    this.done += 1;
    this.id = ++lastId;
    if (result.outcome.case === "state") {
      this.state = result.outcome.value;
      this.path.push(result.events);
    } else if (result.outcome.case === "error") {
      this.failure = failureOf(this.program.script, part, result.outcome.value);
    } else {
      this.failure = { reason: "NOTHING", message: "the result has neither a state nor an error" };
    }
  }

  ran(): Ran {
    const { program, exchanges, path, failure, state } = this;
    return { program, exchanges, path, outcome: failure ? { failure } : { state } };
  }
}

function failureOf(
  script: string,
  part: Part,
  { reason, message, location }: CommandError,
): Failure {
  // The server's own place is that in the part.
  const failure: Failure = {
    reason: CommandError_Reason[reason] ?? String(reason),
    message: message.replace(/^(?:line \d+, column \d+|actions\[\d+\]): /, ""),
  };
  let range: Range | undefined;
  if (location.case === "scriptPosition") {
    const { line, column } = location.value;
    range = wordAt(script, part.offset + offsetOf(part.text, line, column));
  } else if (location.case === "actionIndex") {
    range = statements(script)[part.before + location.value];
  }
  return range ? { ...failure, place: { range, ...placeOf(script, range.start) } } : failure;
}
