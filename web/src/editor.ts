/**
 * The editor: a textarea, and over it the lines in sight in colour, with what is wrong underlined.
 *
 * Only lines in sight are made, so that a program may have 100,000 of them. It must not know the grammar or the server.
 */
import { byId, eachFrame, el } from "./dom";
import { marked, pieces } from "./highlight";
import type { Range } from "./script";

const LINE_PIXELS = 20;
const PADDING_PIXELS = 6;
/** Longer lines are shown without colours and underlines. */
const LINE_UNITS_MAX = 5000;

export class Editor {
  readonly area = byId("program", HTMLTextAreaElement);
  private readonly frame = byId("editor", HTMLElement);
  private readonly gutter = byId("gutter", HTMLElement);
  private readonly overlay = byId("overlay", HTMLElement);
  /** Where each line begins. */
  private starts: number[] = [0];
  private wrong: Range | undefined;
  private readonly draw = eachFrame(() => this.drawNow());

  constructor(changed: () => void) {
    this.area.addEventListener("input", () => {
      this.wrong = undefined;
      this.read();
      changed();
    });
    this.area.addEventListener("scroll", this.draw, { passive: true });
    new ResizeObserver(this.draw).observe(this.area);
    this.read();
  }

  /** What stands in it. Asking the textarea each time would cost a copy of all. */
  text = "";

  /** As if it had been typed. */
  setText(text: string): void {
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.area.scrollTop = 0;
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Replaces a range, so that undo works where the browser lets it. */
  replace(range: Range, by: string): void {
    const { selectionStart } = this.area;
    this.area.setRangeText(by, range.start, range.end, "preserve");
    const caret = selectionStart > range.end ? selectionStart : range.start + by.length;
    this.area.setSelectionRange(caret, caret);
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  mark(wrong: Range | undefined): void {
    this.wrong = wrong;
    this.area.setAttribute("aria-invalid", String(wrong !== undefined));
    this.draw();
  }

  /** Puts the caret there, and brings it into sight. */
  select({ start, end }: Range): void {
    this.area.focus();
    this.area.setSelectionRange(start, end);
    const line = this.lineOf(start);
    const top = line * LINE_PIXELS;
    if (top < this.area.scrollTop || top > this.area.scrollTop + this.area.clientHeight - 40) {
      this.area.scrollTop = Math.max(0, top - this.area.clientHeight / 2);
    }
  }

  /** The place in the text under a point of the screen. */
  offsetAt(clientX: number, clientY: number): number {
    const box = this.area.getBoundingClientRect();
    const y = clientY - box.top + this.area.scrollTop - PADDING_PIXELS;
    const x = clientX - box.left + this.area.scrollLeft - 8;
    const line = Math.min(this.starts.length - 1, Math.max(0, Math.floor(y / LINE_PIXELS)));
    const start = this.starts[line]!;
    const column = Math.max(0, Math.round(x / this.unitPixels()));
    return Math.min(this.endOf(line), start + column);
  }

  private unitPixels(): number {
    const context = document.createElement("canvas").getContext("2d");
    if (!context) return 8;
    context.font = getComputedStyle(this.area).font;
    return context.measureText("0000000000").width / 10;
  }

  private read(): void {
    const { value } = this.area;
    this.text = value;
    this.starts = [0];
    let longest = 0;
    for (let at = value.indexOf("\n"); at >= 0; at = value.indexOf("\n", at + 1)) {
      longest = Math.max(longest, at - this.starts.at(-1)!);
      this.starts.push(at + 1);
    }
    longest = Math.max(longest, value.length - this.starts.at(-1)!);
    this.frame.classList.toggle("plain", longest > LINE_UNITS_MAX);
    this.draw();
  }

  private lineOf(offset: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private endOf(line: number): number {
    const next = this.starts[line + 1];
    return next === undefined ? this.text.length : next - 1;
  }

  private drawNow(): void {
    const { scrollTop, scrollLeft, clientHeight } = this.area;
    const first = Math.max(0, Math.floor((scrollTop - PADDING_PIXELS) / LINE_PIXELS));
    const seen = Math.ceil(clientHeight / LINE_PIXELS) + 1;
    const last = Math.min(this.starts.length - 1, first + seen);
    const top = first * LINE_PIXELS + PADDING_PIXELS - scrollTop;
    const wrongLine = this.wrong ? this.lineOf(this.wrong.start) : -1;
    const lines = el("div");
    const numbers: HTMLElement[] = [];
    for (let line = first; line <= last; line += 1) {
      const number = el("span", line === wrongLine ? "bad" : "", String(line + 1));
      number.style.top = `${top + (line - first) * LINE_PIXELS}px`;
      numbers.push(number);
      this.drawLine(lines, line);
    }
    lines.style.transform = `translate(${-scrollLeft}px, ${top}px)`;
    lines.style.top = "0";
    this.overlay.replaceChildren(lines);
    this.gutter.replaceChildren(...numbers);
    this.gutter.style.width = `${Math.max(2, String(this.starts.length).length) + 2}ch`;
  }

  private drawLine(into: HTMLElement, line: number): void {
    const start = this.starts[line]!;
    const end = this.endOf(line);
    const { wrong } = this;
    const text = this.text.slice(start, Math.min(end, start + LINE_UNITS_MAX));
    const from = wrong ? wrong.start - start : 0;
    const to = wrong ? wrong.end - start : 0;
    for (const piece of marked(pieces(text), from, to)) {
      const span = el("span", piece.kind, piece.text);
      if (piece.wrong) {
        span.classList.add("wrong");
        span.dataset["testid"] = "program-wrong";
      }
      into.append(span);
    }
    into.append("\n");
  }
}
