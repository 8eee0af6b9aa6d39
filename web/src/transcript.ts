/**
 * The events of a run as a list of which only what is in sight exists, so that there may be 100,000 of them.
 *
 * To a screen reader it is a list box with one entry chosen: the step that is looked at.
 */
import { byId, eachFrame, el, setText } from "./dom";
import { stepText, type Path } from "./path";
import { counted } from "./rates";

const ROW_PIXELS = 22;
const PAGE_ROWS = 12;

export class Transcript {
  private readonly box = byId("transcript", HTMLElement);
  private readonly room = byId("transcript-room", HTMLElement);
  private path: Path | undefined;
  private step = 0;
  private readonly draw = eachFrame(() => this.drawNow());

  constructor(private readonly chosen: (step: number) => void) {
    this.box.addEventListener("scroll", this.draw, { passive: true });
    new ResizeObserver(this.draw).observe(this.box);
    this.box.addEventListener("click", (event) => {
      const { target } = event;
      if (!(target instanceof Element)) return;
      const row = target.closest<HTMLElement>("[role=option]");
      if (row) this.chosen(Number(row.dataset["step"]));
    });
    this.box.addEventListener("keydown", (event) => {
      const step = this.stepBy(event.key);
      if (step === undefined || !this.path) return;
      event.preventDefault();
      this.chosen(Math.min(this.path.steps, Math.max(0, step)));
    });
  }

  show(path: Path | undefined): void {
    this.path = path;
    this.step = 0;
    this.room.style.height = `${path ? (path.steps + 1) * ROW_PIXELS : 0}px`;
    setText("transcript-count", path ? `${counted(path.steps)} of them` : "");
    this.draw();
  }

  setStep(step: number): void {
    this.step = step;
    const top = step * ROW_PIXELS;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW_PIXELS > scrollTop + clientHeight) {
      this.box.scrollTop = top + ROW_PIXELS - clientHeight;
    }
    this.draw();
  }

  private stepBy(key: string): number | undefined {
    switch (key) {
      case "ArrowDown":
        return this.step + 1;
      case "ArrowUp":
        return this.step - 1;
      case "PageDown":
        return this.step + PAGE_ROWS;
      case "PageUp":
        return this.step - PAGE_ROWS;
      case "Home":
        return 0;
      case "End":
        return this.path?.steps;
      default:
        return undefined;
    }
  }

  private drawNow(): void {
    const rows: HTMLElement[] = [];
    if (this.path) {
      const { scrollTop, clientHeight } = this.box;
      const first = Math.max(0, Math.floor(scrollTop / ROW_PIXELS) - 2);
      const last = Math.min(this.path.steps, first + Math.ceil(clientHeight / ROW_PIXELS) + 4);
      for (let step = first; step <= last; step += 1) rows.push(this.row(this.path, step));
    }
    this.room.replaceChildren(...rows);
    const active = rows.find((row) => row.ariaSelected === "true");
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  private row(path: Path, step: number): HTMLElement {
    const row = el("div");
    row.id = `event-${step}`;
    row.dataset["step"] = String(step);
    row.dataset["testid"] = "event";
    row.role = "option";
    row.ariaSelected = String(step === this.step);
    row.ariaPosInSet = String(step + 1);
    row.ariaSetSize = String(path.steps + 1);
    row.style.top = `${step * ROW_PIXELS}px`;
    row.append(el("span", "step", String(step)), el("span", "", stepText(path.at(step))));
    return row;
  }
}
