import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { chunks } from "../src/chunk";
import { differences } from "../src/compare";
import {
  CommandError_Reason,
  RobotResultSchema,
  WatchWorkersResponseSchema,
} from "../src/gen/robot/v1/robot_pb";
import { marked, pieces } from "../src/highlight";
import { rates } from "../src/rates";
import { around, FUTURES, numberText, spread } from "../src/values";

describe("rates", () => {
  const snapshot = (uptimeNanos: bigint, commands: bigint, busyNanos: bigint) =>
    create(WatchWorkersResponseSchema, {
      uptimeNanos,
      workers: [{ worker: 1, commands, busyNanos }],
    });

  test("are what was done between two snapshots, over the server's clock", () => {
    const [rate] = rates(
      snapshot(1_000_000_000n, 100n, 0n),
      snapshot(3_000_000_000n, 700n, 500_000_000n),
    );
    expect(rate).toEqual({ worker: 1, commands: 700n, commandsPerSecond: 300, busy: 0.25 });
  });

  test("are none across a restart", () => {
    expect(rates(snapshot(9n, 100n, 0n), snapshot(3n, 0n, 0n))).toEqual([]);
  });
});

describe("chunks", () => {
  const limits = { commandsMax: 3, requestBytesMax: 100, answerBytesMax: 1000 };
  const cut = (sizes: [number, number][]) =>
    chunks(sizes, ([requestBytes, answerBytes]) => ({ requestBytes, answerBytes }), limits).map(
      (call) => call.length,
    );

  test("hold as many commands, bytes and bytes of answers as may be", () => {
    expect(cut([])).toEqual([]);
    expect(cut(Array.from({ length: 7 }, () => [1, 1]))).toEqual([3, 3, 1]);
    expect(
      cut([
        [44, 1],
        [44, 1],
        [44, 1],
      ]),
    ).toEqual([2, 1]);
    expect(
      cut([
        [1, 600],
        [1, 400],
        [1, 1],
      ]),
    ).toEqual([2, 1]);
  });

  test("leave what is too large to the server, alone", () => {
    expect(
      cut([
        [1, 1],
        [500, 1],
        [1, 5000],
        [1, 1],
      ]),
    ).toEqual([1, 1, 1, 1]);
  });
});

describe("differences", () => {
  const state = (x: number) =>
    create(RobotResultSchema, { outcome: { case: "state", value: { x, mode: 1 } } });
  const error = (line: number, message: string) =>
    create(RobotResultSchema, {
      outcome: {
        case: "error",
        value: {
          reason: CommandError_Reason.SCRIPT_SYNTAX,
          message,
          location: { case: "scriptPosition", value: { line, column: 1 } },
        },
      },
    });
  const found = (a: ReturnType<typeof state>, b: ReturnType<typeof state>) =>
    differences(a, b, ["recorded", "now"]);

  test("are told by bits", () => {
    expect(found(state(0.1), state(0.1))).toEqual([]);
    expect(found(state(0), state(-0))).toEqual([
      "x: recorded 0 (0000000000000000), now -0 (8000000000000000)",
    ]);
  });

  test("of errors are reason and place, not words", () => {
    expect(found(error(1, "a"), error(1, "b"))).toEqual([]);
    expect(found(error(1, "a"), error(2, "a"))[0]).toContain("line 1, column 1");
    expect(found(error(1, "a"), state(1))[0]).toContain("outcome: recorded SCRIPT_SYNTAX: a");
  });
});

test("values are spread from one end to the other, the number in the middle", () => {
  expect(spread(0, 1, 3)).toEqual([0, 0.5, 1]);
  expect(spread(0, 0.3, 4)).toEqual([0, 0.1, 0.2, 0.3]);
  expect(around(90, true)).toEqual([70, 110]);
  expect(around(10, false)).toEqual([5, 15]);
  expect(around(-0.3, false)).toEqual([-0.8, 0.2]);
  expect(spread(...around(7.25, false), FUTURES)[FUTURES - 1 - 10]).toBe(7.25);
  expect(numberText(1e-7)).toBe("1e-7");
});

test("a line is coloured piece by piece, and nothing of it is lost", () => {
  const line = "  move -1.5e3;set soap # move 1";
  const found = pieces(line);
  expect(found.map(({ text }) => text).join("")).toBe(line);
  expect(found.filter(({ kind }) => kind).map(({ text, kind }) => [text, kind])).toEqual([
    ["move", "word"],
    ["-1.5e3", "number"],
    ["set", "word"],
    ["soap", "soap"],
    ["# move 1", "comment"],
  ]);
  const wrong = marked(found, 2, 6).filter((piece) => piece.wrong);
  expect(wrong.map(({ text }) => text)).toEqual(["move"]);
});
