/** A recording as one program, if it is one robot's way: each command begins where the one before ended. Pure. */
import { create } from "@bufbuild/protobuf";
import { sameState } from "./compare";
import {
  RobotStateSchema,
  type Action,
  type RobotCommand,
  type RobotState,
} from "./gen/robot/v1/robot_pb";
import { modeWord } from "./path";
import type { Recording } from "./recording";

export function programOf({
  entries,
}: Recording): { state: RobotState; script: string } | undefined {
  let begin: RobotState | undefined;
  let end: RobotState | undefined;
  let open = false;
  const scripts: string[] = [];
  for (const { case: kind, value } of entries) {
    if (kind === "result") {
      if (value.outcome.case !== "state") return undefined;
      end = value.outcome.value;
      open = false;
      continue;
    }
    const state = withMode(value.state);
    if (open || !state || (end && !sameState(end, state))) return undefined;
    begin ??= state;
    open = true;
    scripts.push(scriptOf(value));
  }
  return begin && { state: begin, script: scripts.join("\n") };
}

/** An absent mode is water. */
function withMode(state: RobotState | undefined): RobotState | undefined {
  return state && create(RobotStateSchema, { ...state, mode: state.mode || 1 });
}

function scriptOf({ actions, script }: RobotCommand): string {
  return script === "" ? actions.map(statementOf).join("\n") : script;
}

function statementOf({ kind }: Action): string {
  switch (kind.case) {
    case "move":
      return `move ${kind.value.distance}`;
    case "turn":
      return `turn ${kind.value.angleDegrees}`;
    case "setMode":
      return `set ${modeWord(kind.value.mode)}`;
    case undefined:
      return "";
    default:
      return kind.case;
  }
}
