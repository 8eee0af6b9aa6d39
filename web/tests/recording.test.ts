import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { crc32 } from "../src/crc32";
import { HeaderSchema } from "../src/gen/console/v1/recording_pb";
import {
  CleaningMode,
  RobotCommandSchema,
  RobotResultSchema,
  type RobotCommand,
} from "../src/gen/robot/v1/robot_pb";
import { encodingOf, NoRecording, read, write, type Encoding, type Entry } from "../src/recording";
import { programOf } from "../src/retold";
import { isGood, Pairs } from "../src/verify";

const header = create(HeaderSchema, {
  format: 1,
  clientVersion: "console 0.1.0",
  serverVersion: "0.1.0",
  semanticsVersion: 1,
  actionsPerCommandMax: 10_000,
  address: "http://127.0.0.1:50051",
  startedAt: "2026-11-25T22:00:00Z",
});
const command = (id: bigint, heading: number, script = "turn 1"): Entry => ({
  case: "command",
  value: create(RobotCommandSchema, {
    id,
    state: { headingDegrees: heading },
    script,
    withEvents: true,
  }),
});
const result = (id: bigint, headingDegrees: number): Entry => ({
  case: "result",
  value: create(RobotResultSchema, {
    id,
    outcome: { case: "state", value: { headingDegrees, mode: CleaningMode.WATER } },
    events: [{ kind: { case: "turned", value: { headingDegrees } } }],
    execution: { worker: 2, queueNanos: 1n << 40n, runNanos: 9n, jobCommands: 1 },
  }),
});
const entries = [
  command(1n, 0.1),
  result(1n, 1.1),
  command(1n << 63n, -1e300),
  result(1n << 63n, -1e300),
];
const encodings: Encoding[] = ["binary", "jsonLines"];

test("the checksum is that of IEEE 802.3", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

describe.each(encodings)("%s", (encoding) => {
  test("what is written is read, all bits of it", () => {
    expect(read(write(header, entries, encoding), encoding)).toEqual({ header, entries });
  });

  test("a tail that was cut off is torn, and all before it is whole", () => {
    const bytes = write(header, entries, encoding);
    const { entries: whole, damage } = read(bytes.subarray(0, bytes.length - 3), encoding);
    expect(whole).toEqual(entries.slice(0, 3));
    expect(damage).toBe("torn");
  });

  test("what is not what was written is corrupt", () => {
    const bytes = write(header, entries, encoding);
    const at = encoding === "binary" ? bytes.length - 10 : bytes.lastIndexOf(123) - 2;
    bytes[at] = bytes[at]! ^ 0xff;
    const { entries: whole, damage } = read(bytes, encoding);
    expect(whole).toEqual(entries.slice(0, 3));
    expect(damage).toBe("corrupt");
  });

  test("what does not begin with a header of this format is refused", () => {
    expect(() => read(new TextEncoder().encode("move 1\n"), encoding)).toThrow(NoRecording);
    expect(() => read(new Uint8Array(), encoding)).toThrow("must begin with a header");
    const other = create(HeaderSchema, { ...header, format: 2 });
    expect(() => read(write(other, [], encoding), encoding)).toThrow("the format is 2");
  });
});

test("lines are as robot-client writes them", () => {
  const [first, second] = new TextDecoder()
    .decode(write(header, [command(7n, 0, "")], "jsonLines"))
    .trimEnd()
    .split("\n");
  expect(JSON.parse(first!)).toEqual({
    header: {
      format: 1,
      client_version: "console 0.1.0",
      server_version: "0.1.0",
      semantics_version: 1,
      actions_per_command_max: 10_000,
      address: "http://127.0.0.1:50051",
      started_at: "2026-11-25T22:00:00Z",
    },
  });
  expect(JSON.parse(second!)).toEqual({ command: { id: "7", state: {}, withEvents: true } });
});

test("the encoding is told by the file's ending", () => {
  expect(["run.rec", "run.jsonl", "run"].map(encodingOf)).toEqual([
    "binary",
    "jsonLines",
    "binary",
  ]);
});

describe("verifying", () => {
  const verify = (recorded: Entry[], answer: (command: RobotCommand) => Entry["value"]) => {
    const pairs = new Pairs({ header, entries: recorded });
    for (const sent of pairs.commands) {
      const value = answer(sent);
      if (value.$typeName === "robot.v1.RobotResult") pairs.replayed(value);
    }
    return pairs.now;
  };
  const turned = ({ id, state }: RobotCommand) =>
    result(id, (state?.headingDegrees ?? 0) + 1).value;

  test("compares ids that are used again, and takes no notice of who ran them", () => {
    const recorded = [command(7n, 1), result(7n, 2), command(7n, 5), result(7n, 6), command(8n, 0)];
    const report = verify(recorded, turned);
    expect(report).toMatchObject({
      commands: 3,
      compared: 2,
      differing: 0,
      unrecorded: 1,
      unasked: 0,
    });
    expect(isGood(report)).toBe(true);
  });

  test("names what differs by one bit", () => {
    const report = verify(
      [command(7n, 0.1), result(7n, 1.1)],
      ({ id }) => result(id, 1.1000000000000003).value,
    );
    expect(report.differing).toBe(1);
    expect(report.shown[0]).toContain(
      "command 7, no. 1: heading_degrees: recorded 1.1 (3ff199999999999a)",
    );
    expect(isGood(report)).toBe(false);
  });

  test("counts results that nobody asked for", () => {
    const report = verify([result(3n, 0), command(4n, 0), result(4n, 1)], turned);
    expect(report).toMatchObject({ compared: 1, unasked: 1 });
    expect(isGood(report)).toBe(false);
  });
});

describe("a recording as a program", () => {
  test("is one if each command begins where the one before ended", () => {
    const recorded = [command(1n, 0, "turn 1 # one"), result(1n, 1), command(2n, 1), result(2n, 2)];
    const program = programOf({ header, entries: recorded });
    expect(program?.script).toBe("turn 1 # one\nturn 1");
    expect(program?.state.headingDegrees).toBe(0);
  });

  test("is none of commands that have nothing to do with each other", () => {
    expect(programOf({ header, entries: [command(1n, 0), command(2n, 1)] })).toBeUndefined();
    const apart = [command(1n, 0), result(1n, 1), command(2n, 7), result(2n, 8)];
    expect(programOf({ header, entries: apart })).toBeUndefined();
  });

  test("says actions as a script does", () => {
    const acted = create(RobotCommandSchema, {
      state: {},
      actions: [
        { kind: { case: "move", value: { distance: 1e21 } } },
        { kind: { case: "setMode", value: { mode: CleaningMode.BRUSH } } },
        { kind: { case: "stop", value: {} } },
      ],
    });
    const actions: Entry[] = [{ case: "command", value: acted }];
    expect(programOf({ header, entries: actions })?.script).toBe("move 1e+21\nset brush\nstop");
  });
});
