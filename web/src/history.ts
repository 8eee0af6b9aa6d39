/** The runs of this page, to go back to. Only as many as memory is meant for; the oldest go first. */
import { button, byId, el } from "./dom";
import { counted } from "./rates";
import { shortest } from "./path";
import type { Ran } from "./run";

export interface Run extends Ran {
  number: number;
  at: Date;
  ms: number;
}

const RUNS_MAX = 20;
const STEPS_MAX = 600_000;

export class History {
  private readonly list = byId("history", HTMLElement);
  private readonly loadButton = button("history-load", () => {
    if (this.shown) this.edit(this.shown);
  });
  private runs: Run[] = [];
  shown: Run | undefined;
  private number = 0;

  constructor(
    private readonly show: (run: Run) => void,
    private readonly edit: (run: Run) => void,
  ) {}

  add(ran: Ran, ms: number): void {
    this.number += 1;
    this.runs.unshift({ ...ran, number: this.number, at: new Date(), ms });
    let steps = 0;
    this.runs = this.runs.filter((run, index) => {
      steps += run.path.steps;
      return index === 0 || (index < RUNS_MAX && steps <= STEPS_MAX);
    });
    this.choose(this.runs[0]!);
  }

  private choose(run: Run): void {
    this.shown = run;
    this.draw();
    this.loadButton.disabled = false;
    this.show(run);
  }

  private draw(): void {
    byId("history-none", HTMLElement).hidden = this.runs.length > 0;
    const focused = document.activeElement?.id;
    this.list.replaceChildren(...this.runs.map((run) => this.entry(run)));
    if (focused?.startsWith("run-entry-")) document.getElementById(focused)?.focus();
  }

  private entry(run: Run): HTMLElement {
    const item = el("li");
    const entry = el("button");
    entry.id = `run-entry-${run.number}`;
    entry.setAttribute("type", "button");
    entry.dataset["testid"] = `run-${run.number}`;
    if (run === this.shown) entry.setAttribute("aria-current", "true");
    const failed = "failure" in run.outcome;
    const time = el("time", "", run.at.toLocaleTimeString("en-GB"));
    entry.append(
      el("span", "", `#${run.number}`),
      el("span", failed ? "bad" : "", summary(run)),
      time,
    );
    entry.addEventListener("click", () => this.choose(run));
    item.append(entry);
    return item;
  }
}

export function summary({ outcome, path }: Ran): string {
  if ("failure" in outcome) return outcome.failure.message;
  const { x, y } = outcome.state;
  return `${counted(path.steps)} actions, to ${shortest(x)}, ${shortest(y)}`;
}
