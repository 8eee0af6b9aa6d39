/**
 * Which step is looked at: the scrubber, its buttons, and playing. All else that shows a step is told by `moved`.
 *
 * It must not know what a step is.
 */
import { button, byId, reducedMotion, setText } from "./dom";

/** Playing takes about so long, whatever is played. */
const PLAY_MS = 8000;
const STEPS_PER_SECOND_MIN = 3;
const STEPS_PER_SECOND_MAX = 50_000;
/** Who wants less motion gets so many pictures a second, and nothing between two steps. */
const STILL_MS = 500;

const PLAY_ICON = "M4 3v10l9-5z";
const PAUSE_ICON = "M4 3h3v10H4zM9 3h3v10H9z";

export class Player {
  step = 0;
  private steps = 0;
  private playing = false;
  private along = 0;
  private readonly scrubber = byId("scrubber", HTMLInputElement);
  private readonly play = button("play", () => this.toggle());
  private readonly icon = this.play.querySelector("path")!;
  private readonly buttons = [
    button("to-begin", () => this.go(0)),
    button("step-back", () => this.go(this.step - 1)),
    button("step-on", () => this.go(this.step + 1)),
    button("to-end", () => this.go(this.steps)),
  ];

  constructor(
    private readonly moved: (step: number, along: number) => void,
    private readonly textOf: (step: number) => string,
  ) {
    this.scrubber.addEventListener("input", () => this.go(Number(this.scrubber.value)));
  }

  /** So many steps, and the last one is looked at. */
  load(steps: number, any: boolean): void {
    this.steps = steps;
    this.scrubber.max = String(steps);
    for (const element of [this.scrubber, this.play, ...this.buttons]) element.disabled = !any;
    this.go(steps);
  }

  go(step: number): void {
    this.stop();
    this.enter(Math.min(this.steps, Math.max(0, step)), 0);
  }

  private enter(step: number, along: number): void {
    this.step = step;
    this.along = along;
    this.scrubber.value = String(step);
    this.scrubber.setAttribute(
      "aria-valuetext",
      `step ${step} of ${this.steps}, ${this.textOf(step)}`,
    );
    setText("step-count", `${step} / ${this.steps}`);
    this.moved(step, along);
  }

  private toggle(): void {
    if (this.playing) {
      this.stop();
      return;
    }
    this.playing = true;
    this.icon.setAttribute("d", PAUSE_ICON);
    this.play.setAttribute("aria-label", "Pause");
    if (this.step >= this.steps) this.enter(0, 0);
    const still = reducedMotion();
    let last = performance.now();
    const tick = (now: number) => {
      if (!this.playing) return;
      if (!still || now - last >= STILL_MS) {
        this.advance(now - last, still);
        last = now;
      }
      if (this.playing) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  private advance(ms: number, still: boolean): void {
    const pace = (this.steps * 1000) / PLAY_MS;
    const perSecond = Math.min(STEPS_PER_SECOND_MAX, Math.max(STEPS_PER_SECOND_MIN, pace));
    // A page in the background has no frames: it goes on from where it was.
    const position =
      this.step + this.along + (Math.max(0, Math.min(ms, STILL_MS * 2)) * perSecond) / 1000;
    if (position >= this.steps) {
      this.go(this.steps);
      return;
    }
    const step = Math.floor(position);
    if (still) this.enter(Math.min(this.steps, Math.max(step, this.step + 1)), 0);
    else this.enter(step, position - step);
  }

  private stop(): void {
    this.playing = false;
    this.icon.setAttribute("d", PLAY_ICON);
    this.play.setAttribute("aria-label", "Play");
  }
}
