/**
 * What differs between two results, field by field, numbers by their bits; as `robot-client replay` compares them. Pure.
 *
 * Ids and executions are left out, and so are the messages of errors: they are for people.
 */
import { equals, toBinary } from "@bufbuild/protobuf";
import {
  CommandError_Reason,
  EventSchema,
  ScriptPositionSchema,
  type CommandError,
  type Event,
  type RobotResult,
  type RobotState,
} from "./gen/robot/v1/robot_pb";
import { modeWord } from "./path";

/** A line for each difference, `a` and `b` named as the caller likes. */
export function differences(a: RobotResult, b: RobotResult, names: [string, string]): string[] {
  const line = (what: string, left: string, right: string) =>
    `${what}: ${names[0]} ${left}, ${names[1]} ${right}`;
  const lines: string[] = [];
  if (a.outcome.case === "state" && b.outcome.case === "state") {
    for (const [what, left, right] of stateDifferences(a.outcome.value, b.outcome.value)) {
      lines.push(line(what, left, right));
    }
  } else if (a.outcome.case !== "error" || b.outcome.case !== "error") {
    if (a.outcome.case !== b.outcome.case) {
      lines.push(line("outcome", outcomeText(a), outcomeText(b)));
    }
  } else if (!sameError(a.outcome.value, b.outcome.value)) {
    lines.push(line("error", errorText(a.outcome.value), errorText(b.outcome.value)));
  }
  const event = eventDifference(a.events, b.events);
  if (event) lines.push(line(...event));
  return lines;
}

/** The bits of a double, as a number. */
export function bits(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
const view = new DataView(new ArrayBuffer(8));

export function bitsText(value: number): string {
  return `${Object.is(value, -0) ? "-0" : value} (${bits(value).toString(16).padStart(16, "0")})`;
}

export function sameState(a: RobotState, b: RobotState): boolean {
  return stateDifferences(a, b).length === 0;
}

export function errorText({ reason, message, location }: CommandError): string {
  const place =
    location.case === "actionIndex"
      ? ` (action ${location.value})`
      : location.case === "scriptPosition"
        ? ` (line ${location.value.line}, column ${location.value.column})`
        : "";
  return `${CommandError_Reason[reason] ?? reason}: ${message}${place}`;
}

function stateDifferences(a: RobotState, b: RobotState): [string, string, string][] {
  const found: [string, string, string][] = [];
  for (const field of ["x", "y", "headingDegrees"] as const) {
    if (bits(a[field]) !== bits(b[field])) {
      const name = field === "headingDegrees" ? "heading_degrees" : field;
      found.push([name, bitsText(a[field]), bitsText(b[field])]);
    }
  }
  if (a.mode !== b.mode) found.push(["mode", modeWord(a.mode), modeWord(b.mode)]);
  return found;
}

function sameError(a: CommandError, b: CommandError): boolean {
  if (a.reason !== b.reason || a.location.case !== b.location.case) return false;
  if (a.location.case === "actionIndex") return a.location.value === b.location.value;
  if (a.location.case === "scriptPosition" && b.location.case === "scriptPosition") {
    return equals(ScriptPositionSchema, a.location.value, b.location.value);
  }
  return true;
}

/** The first event that differs: those after it mostly do too. */
function eventDifference(a: Event[], b: Event[]): [string, string, string] | undefined {
  if (a.length !== b.length) return ["events", `${a.length} of them`, `${b.length} of them`];
  const index = a.findIndex((event, at) => !sameEvent(event, b[at]!));
  if (index < 0) return undefined;
  return [`event ${index}`, eventText(a[index]!), eventText(b[index]!)];
}

function sameEvent({ kind: a }: Event, { kind: b }: Event): boolean {
  if (a.case !== b.case) return false;
  if (a.case === "moved" && b.case === "moved") {
    return bits(a.value.x) === bits(b.value.x) && bits(a.value.y) === bits(b.value.y);
  }
  if (a.case === "turned" && b.case === "turned") {
    return bits(a.value.headingDegrees) === bits(b.value.headingDegrees);
  }
  return encoded(a) === encoded(b);
}

function encoded(kind: Event["kind"]): string {
  return toBinary(EventSchema, { $typeName: "robot.v1.Event", kind }).join();
}

function eventText({ kind }: Event): string {
  switch (kind.case) {
    case "moved":
      return `moved x ${bitsText(kind.value.x)}, y ${bitsText(kind.value.y)}`;
    case "turned":
      return `turned ${bitsText(kind.value.headingDegrees)}`;
    case "modeSet":
    case "started":
      return `${kind.case} ${modeWord(kind.value.mode)}`;
    default:
      return kind.case ?? "nothing";
  }
}

function outcomeText({ outcome }: RobotResult): string {
  if (outcome.case === "state") return "a state";
  return outcome.case === "error" ? errorText(outcome.value) : "nothing";
}
