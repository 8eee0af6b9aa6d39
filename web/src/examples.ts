/** Programs to begin with: those of the repository's examples folder, and one that is short. */
import rosette from "../../examples/rosette.robot?raw";
import spiral from "../../examples/spiral.robot?raw";
import square from "../../examples/square.robot?raw";
import sweep from "../../examples/sweep.robot?raw";
import { byId } from "./dom";

const EXAMPLES: Record<string, string> = { rosette, spiral, square, sweep };

export const FIRST = `# A star: eight spikes, each mode in turn.
start
set water
move 10; turn 135
move 10; turn 135
move 10; turn 135
set soap
move 10; turn 135
move 10; turn 135
move 10; turn 135
set brush
move 10; turn 135
move 10; turn 135
stop
move 4
`;

export function attachExamples(load: (text: string) => void): void {
  const select = byId("example", HTMLSelectElement);
  for (const name of Object.keys(EXAMPLES)) select.append(new Option(name, name));
  select.addEventListener("change", () => {
    const text = EXAMPLES[select.value];
    select.value = "";
    if (text !== undefined) load(text);
  });
}
