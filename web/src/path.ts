/**
 * A robot's way through a program, step by step, as arrays that 100,000 steps do not strain. Pure.
 *
 * Step 0 is the state to begin from, step n the state after the n-th action. It must not know screens or servers.
 */
import { CleaningMode, type Event, type RobotState } from "./gen/robot/v1/robot_pb";

export type Kind = "begin" | "moved" | "turned" | "modeSet" | "started" | "stopped";
const KINDS: readonly Kind[] = ["begin", "moved", "turned", "modeSet", "started", "stopped"];

export interface Step {
  kind: Kind;
  x: number;
  y: number;
  heading: number;
  mode: CleaningMode;
  cleaning: boolean;
}

export interface Bounds {
  xMin: number;
  yMin: number;
  xMax: number;
  yMax: number;
}

const MODE_WORDS: Record<CleaningMode, string> = {
  [CleaningMode.UNSPECIFIED]: "water",
  [CleaningMode.WATER]: "water",
  [CleaningMode.SOAP]: "soap",
  [CleaningMode.BRUSH]: "brush",
};

export function modeWord(mode: CleaningMode): string {
  return MODE_WORDS[mode] ?? "water";
}

/** Steps in arrays that grow. */
export class Path {
  /** How many steps there are behind the first. */
  steps = 0;
  x = new Float64Array(64);
  y = new Float64Array(64);
  heading = new Float64Array(64);
  /** Mode, and {@link CLEANING} if it cleans: what decides how the line to this step looks. */
  style = new Uint8Array(64);
  private kind = new Uint8Array(64);

  constructor(begin: RobotState) {
    this.x[0] = begin.x;
    this.y[0] = begin.y;
    this.heading[0] = begin.headingDegrees;
    this.style[0] = begin.mode || CleaningMode.WATER;
  }

  /** Goes on by what the events say. */
  push(events: readonly Event[]): void {
    this.reserve(this.steps + events.length + 1);
    for (const { kind } of events) {
      const from = this.steps;
      const at = from + 1;
      this.x[at] = this.x[from]!;
      this.y[at] = this.y[from]!;
      this.heading[at] = this.heading[from]!;
      this.style[at] = this.style[from]!;
      if (kind.case === undefined) continue;
      this.kind[at] = KINDS.indexOf(kind.case);
      this.steps = at;
      switch (kind.case) {
        case "moved":
          this.x[at] = kind.value.x;
          this.y[at] = kind.value.y;
          break;
        case "turned":
          this.heading[at] = kind.value.headingDegrees;
          break;
        case "modeSet":
          this.style[at] = kind.value.mode | (this.style[from]! & CLEANING);
          break;
        case "started":
          this.style[at] = this.style[from]! | CLEANING;
          break;
        case "stopped":
          this.style[at] = this.style[from]! & ~CLEANING;
          break;
      }
    }
  }

  at(step: number): Step {
    const style = this.style[step]!;
    return {
      kind: KINDS[this.kind[step]!]!,
      x: this.x[step]!,
      y: this.y[step]!,
      heading: this.heading[step]!,
      mode: style & ~CLEANING,
      cleaning: (style & CLEANING) !== 0,
    };
  }

  isMove(step: number): boolean {
    return KINDS[this.kind[step]!] === "moved";
  }

  bounds(): Bounds {
    const bounds = { xMin: this.x[0]!, yMin: this.y[0]!, xMax: this.x[0]!, yMax: this.y[0]! };
    for (let at = 1; at <= this.steps; at += 1) {
      const x = this.x[at]!;
      const y = this.y[at]!;
      if (x < bounds.xMin) bounds.xMin = x;
      else if (x > bounds.xMax) bounds.xMax = x;
      if (y < bounds.yMin) bounds.yMin = y;
      else if (y > bounds.yMax) bounds.yMax = y;
    }
    return bounds;
  }

  /** The step whose line is nearest to a point, if it is within a distance. */
  nearest(x: number, y: number, distanceMax: number): number | undefined {
    let best = distanceMax * distanceMax;
    let found: number | undefined;
    for (let at = 0; at <= this.steps; at += 1) {
      if (at > 0 && !this.isMove(at)) continue;
      const distance = this.squaredDistanceTo(at, x, y);
      if (distance <= best) {
        best = distance;
        found = at;
      }
    }
    return found;
  }

  private squaredDistanceTo(at: number, x: number, y: number): number {
    const xTo = this.x[at]!;
    const yTo = this.y[at]!;
    const xFrom = at > 0 ? this.x[at - 1]! : xTo;
    const yFrom = at > 0 ? this.y[at - 1]! : yTo;
    const dx = xTo - xFrom;
    const dy = yTo - yFrom;
    const length = dx * dx + dy * dy;
    const along = length > 0 ? ((x - xFrom) * dx + (y - yFrom) * dy) / length : 0;
    const clamped = Math.min(1, Math.max(0, along));
    return (xFrom + clamped * dx - x) ** 2 + (yFrom + clamped * dy - y) ** 2;
  }

  private reserve(length: number): void {
    if (length <= this.x.length) return;
    const room = Math.max(length, this.x.length * 2);
    this.x = grown(this.x, new Float64Array(room));
    this.y = grown(this.y, new Float64Array(room));
    this.heading = grown(this.heading, new Float64Array(room));
    this.style = grown(this.style, new Uint8Array(room));
    this.kind = grown(this.kind, new Uint8Array(room));
  }
}

/** The bit of {@link Path.style} that says that the robot cleans; the others are its mode. */
export const CLEANING = 8;

export function union(bounds: readonly Bounds[]): Bounds {
  const all = { xMin: Infinity, yMin: Infinity, xMax: -Infinity, yMax: -Infinity };
  for (const one of bounds) {
    all.xMin = Math.min(all.xMin, one.xMin);
    all.yMin = Math.min(all.yMin, one.yMin);
    all.xMax = Math.max(all.xMax, one.xMax);
    all.yMax = Math.max(all.yMax, one.yMax);
  }
  return all;
}

/** What an action did, for people. */
export function stepText({ kind, x, y, heading, mode }: Step): string {
  switch (kind) {
    case "begin":
      return `begin at x ${shortest(x)}, y ${shortest(y)}`;
    case "moved":
      return `moved to x ${shortest(x)}, y ${shortest(y)}`;
    case "turned":
      return `turned to ${shortest(heading)}°`;
    case "modeSet":
      return `set ${modeWord(mode)}`;
    case "started":
      return `started cleaning with ${modeWord(mode)}`;
    case "stopped":
      return "stopped cleaning";
  }
}

/** A number to look at: six digits or so. Where bits matter, numbers are printed whole. */
export function shortest(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3);
  return String(Number(value.toFixed(size >= 1000 ? 2 : 4)));
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
