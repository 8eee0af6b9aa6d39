/** The state under the pointer, beside the pointer. */
import { byId } from "./dom";
import { modeWord, shortest, type Path } from "./path";
import type { Point, Size } from "./view";

export class Tip {
  private readonly box = byId("tip", HTMLElement);

  show(path: Path | undefined, step: number | undefined, at: Point, size: Size): void {
    this.box.hidden = !path || step === undefined;
    if (!path || step === undefined) return;
    const { x, y, heading, mode, cleaning } = path.at(step);
    this.box.textContent =
      `step ${step}\nx ${shortest(x)}\ny ${shortest(y)}\n` +
      `heading ${shortest(heading)}°\n${modeWord(mode)}${cleaning ? ", cleaning" : ""}`;
    const { offsetWidth, offsetHeight } = this.box;
    const left = at.x + 16 + offsetWidth > size.width ? at.x - offsetWidth - 16 : at.x + 16;
    const top = Math.min(at.y + 12, size.height - offsetHeight - 4);
    this.box.style.transform = `translate(${Math.max(0, left)}px, ${Math.max(0, top)}px)`;
  }
}
