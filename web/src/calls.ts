/**
 * Commands in, results out: Execute calls that wait for a server that is gone and send again what is unanswered, which
 * commands allow, since they are pure.
 *
 * It must not know what the commands are for.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  LimitsSchema,
  RobotCommandSchema,
  type Limits,
  type RobotCommand,
  type RobotResult,
} from "./gen/robot/v1/robot_pb";
import {
  ANSWER_BYTES_MAX,
  chunks,
  EVENT_BYTES_MAX,
  RESULT_BYTES_MAX,
  type CallLimits,
} from "./chunk";
import type { Connection } from "./connection";
import { mayPass, robot, wantsToken } from "./rpc";

const TRIES_MAX = 5;
/** Times the tries so far. */
const PAUSE_MS = 250;
const CALL_MS_MAX = 60_000;
/** More in one call bring nothing. */
const COMMANDS_MAX = 1000;

export class Calls {
  constructor(readonly connection: Connection) {}

  /** What the server takes; before it has been asked, as little as the defaults. */
  get limits(): Limits {
    return this.connection.info?.limits ?? create(LimitsSchema, DEFAULTS);
  }

  get callLimits(): CallLimits {
    const { commandsPerMessageMax, messageBytesMax } = this.limits;
    return {
      commandsMax: Math.min(COMMANDS_MAX, commandsPerMessageMax),
      requestBytesMax: Number(messageBytesMax),
      answerBytesMax: ANSWER_BYTES_MAX,
    };
  }

  /** One call. The results are in the order of the commands. */
  async execute(commands: RobotCommand[], signal: AbortSignal): Promise<RobotResult[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        const { results } = await robot.execute({ commands }, { signal, timeoutMs: CALL_MS_MAX });
        checkAnswered(commands, results);
        return results;
      } catch (error) {
        const failed = ConnectError.from(error);
        signal.throwIfAborted();
        if (wantsToken(failed)) {
          this.connection.refused(failed);
        } else {
          if (!mayPass(failed) || tries >= TRIES_MAX) throw failed;
          this.connection.suspect();
          await pause(PAUSE_MS * tries);
        }
        await this.connection.whenUp(signal);
      }
    }
  }

  /** As many calls as it takes, one after the other. `events` says how many a command may give. */
  async executeAll(
    commands: RobotCommand[],
    events: (command: RobotCommand) => number,
    signal: AbortSignal,
    each: (results: readonly RobotResult[]) => void = () => {},
  ): Promise<RobotResult[]> {
    const sizeOf = (command: RobotCommand) => ({
      requestBytes: toBinary(RobotCommandSchema, command).length,
      answerBytes: RESULT_BYTES_MAX + EVENT_BYTES_MAX * events(command),
    });
    const all: RobotResult[] = [];
    for (const call of chunks(commands, sizeOf, this.callLimits)) {
      const results = await this.execute(call, signal);
      for (const result of results) all.push(result);
      each(results);
    }
    return all;
  }
}

const DEFAULTS = {
  commandsPerMessageMax: 4096,
  actionsPerCommandMax: 10_000,
  messageBytesMax: 1n << 20n,
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function checkAnswered(commands: RobotCommand[], results: RobotResult[]): void {
  const matched = results.every((result, index) => result.id === commands[index]?.id);
  if (results.length === commands.length && matched) return;
  throw new ConnectError("the answer's ids are not those of the commands", Code.DataLoss);
}
