/**
 * The vectors: which scenarios there are, what is sent, and what has to come
 * back. It knows their format, and nothing of the network.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clone, equals, fromJson, toJsonString, type JsonValue } from "@bufbuild/protobuf";
import {
  RobotCommandSchema,
  RobotResultSchema,
  type RobotCommand,
  type RobotResult,
} from "./gen/robot/v1/robot_pb.js";

export interface Scenario {
  name: string;
  call: string;
  commands: string;
  times: number;
  messagesOf: number;
  inFlightMax: number;
  halfClose: string;
  metadata: Record<string, string>;
  deadlineMs: number;
  cancelAfter: number;
  restartAfter: number;
  status: string;
}

export interface Entry {
  command: RobotCommand;
  result: RobotResult;
  /** Of each double of the result's state, as 16 hexadecimal digits; if it has a state. */
  bits: Bits | undefined;
}

const DOUBLES = ["x", "y", "headingDegrees"] as const;
type Bits = Record<(typeof DOUBLES)[number], string>;

export function scenariosIn(directory: string): Scenario[] {
  const contents: { scenarios: Scenario[] } = JSON.parse(
    readFileSync(join(directory, "scenarios.json"), "utf8"),
  );
  return contents.scenarios;
}

export function commandsIn(directory: string, name: string): Entry[] {
  const contents: { commands: { command: JsonValue; result: JsonValue; bits?: Bits }[] } =
    JSON.parse(readFileSync(join(directory, "commands", `${name}.json`), "utf8"));
  return contents.commands.map(({ command, result, bits }) => ({
    command: fromJson(RobotCommandSchema, command),
    result: fromJson(RobotResultSchema, result),
    bits,
  }));
}

/** What is wrong with a result; nothing if it is the entry's, bit for bit. */
export function differenceFrom(expected: Entry, actual: RobotResult): string | undefined {
  const { outcome, execution } = actual;
  if (execution === undefined || execution.worker < 1) return "no worker is named";
  if (outcome.case === "error" && outcome.value.message === "") return "the message is empty";
  if (outcome.case === "state" && expected.bits !== undefined) {
    for (const name of DOUBLES) {
      const bits = bitsOf(outcome.value[name]);
      if (bits !== expected.bits[name]) return `${name} is ${bits}, not ${expected.bits[name]}`;
    }
  }
  const [wanted, got] = [comparable(expected.result), comparable(actual)];
  if (equals(RobotResultSchema, wanted, got)) return undefined;
  return `is ${json(got)}, not ${json(wanted)}`;
}

function bitsOf(double: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(double);
  return bytes.toString("hex");
}

/** Without what may differ from server to server and from run to run. */
function comparable(result: RobotResult): RobotResult {
  const copy = clone(RobotResultSchema, result);
  delete copy.execution;
  if (copy.outcome.case === "error") copy.outcome.value.message = "";
  return copy;
}

function json(result: RobotResult): string {
  return toJsonString(RobotResultSchema, result);
}
