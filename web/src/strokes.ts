/**
 * Turns a path into strokes for a view: only what is in sight, and no more points than pixels can show. Pure, but for
 * what it draws on.
 *
 * It is a generator, so that a long path can be drawn over several frames.
 */
import { CLEANING, type Path } from "./path";
import type { Size, View } from "./view";

/** What strokes are drawn on: a part of a canvas' context. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  /** Draws what was put down since the last time, in a style of {@link Path.style}. */
  stroke(style: number): void;
}

/** Points that are nearer than so to the last one drawn are left out. */
const PIXELS_MIN = 0.7;
/** A stroke is cut after so many points: long ones cost more than their parts. */
const POINTS_PER_STROKE_MAX = 500;
/** Beyond the edge by so much nothing is drawn; lines are thinner. */
const EDGE_PIXELS = 8;

/** Yields after each stroke, with the points that have been looked at. Gives the number of points drawn. */
export function* strokes(path: Path, view: View, size: Size, pen: Pen): Generator<number, number> {
  const toX = (at: number) => size.width / 2 + (path.x[at]! - view.x) * view.scale;
  const toY = (at: number) => size.height / 2 - (path.y[at]! - view.y) * view.scale;
  const right = size.width + EDGE_PIXELS;
  const bottom = size.height + EDGE_PIXELS;
  let drawn = 0;
  let open = 0;
  let style = path.style[0]!;
  // The last point of the path that counts, and whether the pen is on it.
  let x = toX(0);
  let y = toY(0);
  let down = false;
  for (let at = 1; at <= path.steps; at += 1) {
    const next = path.style[at]!;
    const moved = path.isMove(at);
    if (moved) {
      const nextX = toX(at);
      const nextY = toY(at);
      const near = Math.abs(nextX - x) < PIXELS_MIN && Math.abs(nextY - y) < PIXELS_MIN;
      const last = at === path.steps || path.style[at + 1] !== next;
      if (!near || last) {
        const unseen =
          (x < -EDGE_PIXELS && nextX < -EDGE_PIXELS) ||
          (x > right && nextX > right) ||
          (y < -EDGE_PIXELS && nextY < -EDGE_PIXELS) ||
          (y > bottom && nextY > bottom);
        if (unseen) {
          down = false;
        } else {
          if (!down) pen.moveTo(clamped(x), clamped(y));
          pen.lineTo(clamped(nextX), clamped(nextY));
          down = true;
          open += 1;
        }
        x = nextX;
        y = nextY;
      }
    }
    const changes = at < path.steps && path.style[at + 1] !== next;
    style = next;
    if (open >= POINTS_PER_STROKE_MAX || (open > 0 && (changes || at === path.steps))) {
      pen.stroke(style);
      drawn += open;
      open = 0;
      down = false;
      yield at;
    }
  }
  return drawn;
}

export function isCleaning(style: number): boolean {
  return (style & CLEANING) !== 0;
}

/** Far beyond the canvas a place means only its direction, and single precision is all that canvases have. */
function clamped(pixels: number): number {
  return Math.min(1e7, Math.max(-1e7, pixels));
}
