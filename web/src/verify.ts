/**
 * Brings together what was recorded of each command and what came of it now, and counts what differs. Pure.
 *
 * It must not know how commands are sent, nor where the recording came from.
 */
import { clone } from "@bufbuild/protobuf";
import { differences } from "./compare";
import { RobotCommandSchema, type RobotCommand, type RobotResult } from "./gen/robot/v1/robot_pb";
import type { Recording } from "./recording";

export interface Report {
  commands: number;
  compared: number;
  differing: number;
  /** Commands whose result was not recorded: they were under way when the run ended. */
  unrecorded: number;
  /** Recorded results of commands that were not. */
  unasked: number;
  shown: string[];
}

const SHOWN_MAX = 20;

export class Pairs {
  /** The recorded commands, with ids of their own: a recording may use one again. */
  readonly commands: RobotCommand[] = [];
  private readonly recorded: (RobotResult | undefined)[] = [];
  private readonly report: Report;

  constructor({ entries }: Recording) {
    const unanswered = new Map<bigint, number>();
    let unasked = 0;
    for (const { case: kind, value } of entries) {
      if (kind === "command") {
        const command = clone(RobotCommandSchema, value);
        unanswered.set(value.id, this.commands.length);
        this.commands.push(command);
        command.id = BigInt(this.commands.length);
        continue;
      }
      const index = unanswered.get(value.id);
      if (index === undefined) unasked += 1;
      else this.recorded[index] = value;
      unanswered.delete(value.id);
    }
    const recorded = this.recorded.filter((result) => result !== undefined).length;
    this.report = {
      commands: this.commands.length,
      compared: 0,
      differing: 0,
      unrecorded: this.commands.length - recorded,
      unasked,
      shown: [],
    };
  }

  /** What came of a command now, by the id that it has here. */
  replayed(result: RobotResult): void {
    const recorded = this.recorded[Number(result.id) - 1];
    if (!recorded) return;
    this.report.compared += 1;
    const found = differences(recorded, result, ["recorded", "now"]);
    if (found.length === 0) return;
    this.report.differing += 1;
    if (this.report.shown.length < SHOWN_MAX) {
      this.report.shown.push(`command ${recorded.id}, no. ${result.id}: ${found.join("; ")}`);
    }
  }

  get now(): Report {
    return this.report;
  }
}

export function isGood({ differing, unasked }: Report): boolean {
  return differing === 0 && unasked === 0;
}
