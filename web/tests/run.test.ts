import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  LimitsSchema,
  RobotResultSchema,
  RobotStateSchema,
  type RobotCommand,
  type RobotResult,
} from "../src/gen/robot/v1/robot_pb";
import { runPrograms, TooLong, type Executor } from "../src/run";
import { offsetOf, statements } from "../src/script";

const state = create(RobotStateSchema, { mode: 1 });
const nothing = () => {};
const never = new AbortController().signal;

/** A server that takes three actions a command, moves by one a statement, and knows no word that begins with f. */
function server(actionsPerCommandMax = 3) {
  const calls: RobotCommand[][] = [];
  const executor: Executor = {
    limits: create(LimitsSchema, { actionsPerCommandMax, messageBytesMax: 1n << 20n }),
    executeAll: async (commands) => {
      calls.push(commands);
      return commands.map(answer);
    },
  };
  return { calls, executor };
}

function answer({ id, state: begin, script }: RobotCommand): RobotResult {
  const found = statements(script);
  const wrong = found.find(({ start }) => script[start] === "f");
  const x = begin?.x ?? NaN;
  if (!wrong) {
    const events = found.map((_, at) => ({
      kind: { case: "moved" as const, value: { x: x + at + 1, y: 0 } },
    }));
    const outcome = { case: "state" as const, value: { ...state, x: x + found.length } };
    return create(RobotResultSchema, { id, outcome, events });
  }
  const line = script.slice(0, wrong.start).split("\n").length;
  const column = wrong.start - offsetOf(script, line, 1) + 1;
  const location = { case: "scriptPosition" as const, value: { line, column } };
  const value = { reason: 8, message: `line ${line}, column ${column}: found "fly"`, location };
  return create(RobotResultSchema, { id, outcome: { case: "error", value } });
}

test("a long program goes out in parts, each from the state of the one before", async () => {
  const { calls, executor } = server();
  const script = Array.from({ length: 8 }, () => "move 1").join("\n");
  const [ran] = await runPrograms(executor, [{ state, script }], never, nothing);
  expect(calls.map(([command]) => command?.state?.x)).toEqual([0, 3, 6]);
  expect(ran?.path.steps).toBe(8);
  expect(ran?.outcome).toMatchObject({ state: { x: 8 } });
  expect(ran?.exchanges.map(({ command, result }) => command.id === result.id)).toEqual([
    true,
    true,
    true,
  ]);
});

test("an error in a later part is where it is in the program, and what came before is kept", async () => {
  const { executor } = server();
  const script = "move 1; move 1\nmove 1\n  move 1; fly 3\nmove 1";
  const [ran] = await runPrograms(executor, [{ state, script }], never, nothing);
  expect(ran?.path.steps).toBe(3);
  const at = script.indexOf("fly");
  expect(ran?.outcome).toEqual({
    failure: {
      reason: "SCRIPT_SYNTAX",
      message: 'found "fly"',
      place: { range: { start: at, end: at + 3 }, line: 3, column: 11 },
    },
  });
});

test("futures go side by side, and one that fails stops no other", async () => {
  const { calls, executor } = server();
  const scripts = ["move 1; move 2; move 3; move 4", "fly 1; move 2; move 3; move 4"];
  const ran = await runPrograms(
    executor,
    scripts.map((script) => ({ state, script })),
    never,
    nothing,
  );
  expect(calls.map((commands) => commands.length)).toEqual([2, 1]);
  expect(ran.map(({ path }) => path.steps)).toEqual([4, 0]);
  expect(ran.map(({ outcome }) => "state" in outcome)).toEqual([true, false]);
});

test("an empty program ends where it begins", async () => {
  const [ran] = await runPrograms(
    server().executor,
    [{ state, script: "# nothing" }],
    never,
    nothing,
  );
  expect(ran?.path.steps).toBe(0);
  expect(ran?.outcome).toMatchObject({ state: { x: 0 } });
});

test("more than the page can draw is not sent", async () => {
  const { calls, executor } = server(1_000_000);
  const program = { state, script: "start\n".repeat(100_000) };
  const programs = Array.from({ length: 6 }, () => program);
  await expect(runPrograms(executor, programs, never, nothing)).rejects.toThrow(TooLong);
  expect(calls).toEqual([]);
});
