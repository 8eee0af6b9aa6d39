/**
 * Which part of the plane a canvas shows: fit, zoom, pan, and the way from one to the other. Pure.
 *
 * y grows upwards in the plane and downwards on the screen.
 */
import type { Bounds } from "./path";

export interface View {
  /** Pixels a unit. */
  scale: number;
  /** The point of the plane in the middle of the canvas. */
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** How much further than "all of it" one can zoom in, and out. */
const ZOOM_IN_MAX = 1000;
const ZOOM_OUT_MAX = 20;
const MARGIN_PIXELS = 28;

export function fit(bounds: Bounds, { width, height }: Size): View {
  const x = bounds.xMin / 2 + bounds.xMax / 2;
  const y = bounds.yMin / 2 + bounds.yMax / 2;
  const wide = Math.max(1, width - 2 * MARGIN_PIXELS) / (bounds.xMax - bounds.xMin);
  const high = Math.max(1, height - 2 * MARGIN_PIXELS) / (bounds.yMax - bounds.yMin);
  const scale = Math.min(wide, high);
  // Where nothing has moved the bounds are a point.
  return { scale: Number.isFinite(scale) && scale > 0 ? scale : 40, x, y };
}

/** Zooms so that the point of the plane under a place of the canvas stays there. */
export function zoomed(view: View, fitted: View, size: Size, factor: number, at: Point): View {
  const smallest = fitted.scale / ZOOM_OUT_MAX;
  const scale = Math.min(fitted.scale * ZOOM_IN_MAX, Math.max(smallest, view.scale * factor));
  const point = toPlane(view, size, at);
  return {
    scale,
    x: point.x - (at.x - size.width / 2) / scale,
    y: point.y + (at.y - size.height / 2) / scale,
  };
}

export function panned(view: View, dx: number, dy: number): View {
  return { scale: view.scale, x: view.x - dx / view.scale, y: view.y + dy / view.scale };
}

export interface Point {
  x: number;
  y: number;
}

export function toScreen(view: View, size: Size, { x, y }: Point): Point {
  return {
    x: size.width / 2 + (x - view.x) * view.scale,
    y: size.height / 2 - (y - view.y) * view.scale,
  };
}

export function toPlane(view: View, size: Size, { x, y }: Point): Point {
  return {
    x: view.x + (x - size.width / 2) / view.scale,
    y: view.y - (y - size.height / 2) / view.scale,
  };
}

/** A round length whose bar is at most so many pixels long. */
export function scaleBar(scale: number, pixelsMax: number): number {
  const units = pixelsMax / scale;
  const power = 10 ** Math.floor(Math.log10(units));
  const step = [5, 2, 1].find((candidate) => candidate * power <= units) ?? 1;
  return step * power;
}
