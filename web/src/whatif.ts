/**
 * What if a number of the program were another: runs the program with each of many values, and shows all ways at once.
 *
 * It knows the editor and the picture, and must not know what the number means.
 */
import { ConnectError } from "@connectrpc/connect";
import type { Calls } from "./calls";
import { button, byId, numberIn, setNote, setText } from "./dom";
import type { Editor } from "./editor";
import { shortest, type Path } from "./path";
import { callErrorText } from "./rpc";
import { runPrograms, TooLong, type Program, type Ran } from "./run";
import { numberAt, placeOf, replaced } from "./script";
import { around, numberText, spread } from "./values";

type Spot = NonNullable<ReturnType<typeof numberAt>>;

export interface WhatIfPage {
  /** The program as it stands; none if its fields cannot be read. */
  program(): Program | undefined;
  showFutures(futures: readonly Path[], chosen: number | undefined): void;
  run(): void;
}

const FUTURES_MAX = 200;
const DEADLINE_MS = 60_000;
/** While a field is changed or a number dragged, the server is asked after a pause. */
const PAUSE_MS = 150;
const DRAG_PIXELS = 8;

export class WhatIf {
  private spot: Spot | undefined;
  private values: number[] = [];
  private futures: Path[] = [];
  /** What came of each, as text. */
  private ends: string[] = [];
  private asked: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private replacing = false;
  private readonly body = byId("whatif-body", HTMLElement);
  private readonly from = byId("whatif-from", HTMLInputElement);
  private readonly to = byId("whatif-to", HTMLInputElement);
  private readonly steps = byId("whatif-steps", HTMLInputElement);
  private readonly slider = byId("whatif-slider", HTMLInputElement);
  private readonly clearButton = button("whatif-clear", () => this.clear());

  constructor(
    private readonly calls: Calls,
    private readonly editor: Editor,
    private readonly page: WhatIfPage,
  ) {
    button("whatif-show", () => void this.ask());
    button("whatif-use", () => this.use());
    for (const field of [this.from, this.to, this.steps]) {
      field.addEventListener("input", () => this.fieldsChanged());
    }
    this.slider.addEventListener("input", () => this.slid());
    document.addEventListener("selectionchange", () => {
      if (document.activeElement === editor.area) this.look();
    });
    editor.area.addEventListener("pointerdown", (event) => this.drag(event));
  }

  /** The program was edited: what was shown is of another one. */
  edited(): void {
    if (!this.replacing) this.clear();
    this.look();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.asked?.abort();
    if (this.futures.length > 0) this.page.showFutures([], undefined);
    this.futures = [];
    this.ends = [];
    setText("whatif-end", "");
    this.clearButton.hidden = true;
    setNote("whatif-note", "");
  }

  /** Takes the number at the caret. Where there is none, the last one stays. */
  private look(): void {
    const spot = numberAt(this.editor.text, this.editor.area.selectionStart);
    if (!spot) {
      if (this.spot && !this.stillThere(this.spot)) this.take(undefined);
      return;
    }
    const same = this.spot?.start === spot.start && this.spot.value === spot.value;
    if (!same && !this.replacing) this.take(spot);
  }

  private stillThere({ start, end, value }: Spot): boolean {
    const found = numberAt(this.editor.text, start);
    return found?.end === end && found.value === value;
  }

  private take(spot: Spot | undefined): void {
    this.clear();
    this.spot = spot;
    this.body.hidden = !spot;
    byId("whatif-none", HTMLElement).hidden = spot !== undefined;
    if (!spot) return;
    const { text } = this.editor;
    const lineStart = text.lastIndexOf("\n", spot.start - 1) + 1;
    const before = text.slice(Math.max(lineStart, spot.start - 24), spot.start);
    const word = /(?:move|turn)[ \t\r]+$/.exec(before)?.[0].trim() ?? "";
    setText("whatif-line", String(placeOf(text, spot.start).line));
    setText("whatif-statement", `${word} ${text.slice(spot.start, spot.end)}`);
    const [from, to] = around(spot.value, word === "turn");
    this.from.value = numberText(from);
    this.to.value = numberText(to);
    this.readFields();
  }

  private readFields(): boolean {
    const from = numberIn(this.from);
    const to = numberIn(this.to);
    const steps = numberIn(this.steps);
    if (from === undefined || to === undefined || steps === undefined) return false;
    this.values = spread(from, to, Math.min(FUTURES_MAX, Math.max(2, Math.round(steps))));
    this.ends = [];
    const chosen = this.nearest(this.spot?.value ?? from);
    this.slider.max = String(this.values.length - 1);
    this.choose(chosen);
    return true;
  }

  private fieldsChanged(): void {
    if (this.readFields()) this.askSoon();
  }

  private slid(): void {
    this.choose(Number(this.slider.value));
    if (this.futures.length > 0) this.page.showFutures(this.futures, Number(this.slider.value));
    else this.askSoon();
  }

  private choose(index: number): void {
    this.slider.value = String(index);
    const text = numberText(this.values[index] ?? 0);
    const end = this.ends[index] ?? "";
    this.slider.setAttribute("aria-valuetext", end ? `${text}, ${end}` : text);
    setText("whatif-value", text);
    setText("whatif-end", end);
  }

  private nearest(value: number): number {
    const distances = this.values.map((one) => Math.abs(one - value));
    return distances.indexOf(Math.min(...distances));
  }

  private askSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    this.asked?.abort();
    const program = this.page.program();
    const { spot, values } = this;
    if (!spot || !program) return;
    const asked = new AbortController();
    this.asked = asked;
    const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(DEADLINE_MS)]);
    setNote("whatif-note", "asking …");
    const programs = values.map((value) => ({
      state: program.state,
      script: replaced(program.script, spot, numberText(value)),
    }));
    try {
      const ran = await runPrograms(this.calls, programs, signal, () => {});
      if (asked.signal.aborted) return;
      this.futures = ran.map(({ path }) => path);
      this.ends = ran.map(endText);
      this.choose(Number(this.slider.value));
      this.page.showFutures(this.futures, Number(this.slider.value));
      this.clearButton.hidden = false;
      const failed = ran.filter(({ outcome }) => "failure" in outcome).length;
      const range = `${numberText(values[0]!)} to ${numberText(values.at(-1)!)}`;
      const text = `${values.length} futures, ${range}`;
      setNote(
        "whatif-note",
        failed > 0 ? `${text}; ${failed} of them fail` : text,
        failed > 0 ? "bad" : "none",
      );
    } catch (error) {
      if (asked.signal.aborted) return;
      const why =
        error instanceof TooLong ? error.message : callErrorText(ConnectError.from(error));
      setNote("whatif-note", why, "bad");
    }
  }

  /** Writes the value into the program. */
  private use(): void {
    if (!this.write()) return;
    this.clear();
    this.page.run();
  }

  private write(): boolean {
    const { spot } = this;
    const value = this.values[Number(this.slider.value)];
    if (!spot || value === undefined) return false;
    const text = numberText(value);
    this.replacing = true;
    this.editor.replace(spot, text);
    this.replacing = false;
    this.spot = { start: spot.start, end: spot.start + text.length, value };
    const statement = byId("whatif-statement", HTMLElement);
    statement.textContent = statement.textContent.replace(/\S+$/, text);
    return true;
  }

  /** Alt and drag on a number: its futures are shown, and where the pointer is let go it stays. */
  private drag(event: PointerEvent): void {
    if (!event.altKey || event.button !== 0) return;
    const spot = numberAt(this.editor.text, this.editor.offsetAt(event.clientX, event.clientY));
    if (!spot) return;
    event.preventDefault();
    const { area } = this.editor;
    area.focus();
    area.setSelectionRange(spot.end, spot.end);
    this.take(spot);
    void this.ask();
    area.setPointerCapture(event.pointerId);
    const begin = Number(this.slider.value);
    const move = (to: PointerEvent) => {
      const by = Math.round((to.clientX - event.clientX) / DRAG_PIXELS);
      this.choose(Math.min(this.values.length - 1, Math.max(0, begin + by)));
      this.slid();
    };
    const end = (up: PointerEvent) => {
      area.removeEventListener("pointermove", move);
      area.removeEventListener("pointerup", end);
      area.removeEventListener("pointercancel", end);
      if (up.type === "pointerup" && Number(this.slider.value) !== begin) this.write();
    };
    area.addEventListener("pointermove", move);
    area.addEventListener("pointerup", end);
    area.addEventListener("pointercancel", end);
  }
}

function endText({ outcome }: Ran): string {
  if ("failure" in outcome) return `fails: ${outcome.failure.message}`;
  const { x, y, headingDegrees } = outcome.state;
  return `ends at x ${shortest(x)}, y ${shortest(y)}, heading ${shortest(headingDegrees)}°`;
}
