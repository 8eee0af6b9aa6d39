/**
 * How the picture is moved: drag, wheel, pinch, keys and buttons; and what the pointer is over.
 *
 * It knows the picture, and must not know what is on it.
 */
import { button } from "./dom";
import type { Picture } from "./canvas";
import type { Point } from "./view";

const ZOOM_STEP = 1.4;
const PAN_PIXELS = 60;
const HOVER_PIXELS = 14;
/** A press that moves less is a click. */
const CLICK_PIXELS = 4;

export interface Pointed {
  hover(step: number | undefined, at: Point): void;
  click(step: number): void;
}

export function attachGestures(picture: Picture, pointed: Pointed): void {
  const { stage } = picture;
  const pointers = new Map<number, Point>();
  let travelled = 0;
  const place = (event: MouseEvent): Point => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left - 1, y: event.clientY - box.top - 1 };
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    if (pointers.size === 0) travelled = 0;
    pointers.set(event.pointerId, place(event));
    stage.classList.add("dragging");
  });
  stage.addEventListener("pointermove", (event) => {
    const at = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      pointed.hover(picture.stepAt(at, HOVER_PIXELS), at);
      return;
    }
    travelled += Math.hypot(at.x - before.x, at.y - before.y);
    const [first, second] = [...pointers.values()];
    pointers.set(event.pointerId, at);
    if (!second || !first) {
      if (travelled > CLICK_PIXELS) picture.pan(at.x - before.x, at.y - before.y);
      return;
    }
    const other = before === first ? second : first;
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    picture.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    picture.zoom(distance(at, other) / Math.max(1, distance(before, other)), middle);
  });
  const lift = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId)) return;
    if (pointers.size === 0) stage.classList.remove("dragging");
    if (event.type !== "pointerup" || travelled > CLICK_PIXELS) return;
    const step = picture.stepAt(place(event), HOVER_PIXELS);
    if (step !== undefined) pointed.click(step);
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  stage.addEventListener("pointerleave", () => pointed.hover(undefined, { x: 0, y: 0 }));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
      picture.zoom(Math.exp(Math.max(-1, Math.min(1, -pixels / 400))), place(event));
    },
    { passive: false },
  );
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys(picture)[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  button("zoom-in", () => picture.zoom(ZOOM_STEP));
  button("zoom-out", () => picture.zoom(1 / ZOOM_STEP));
  button("zoom-fit", () => picture.fit());
}

function keys(picture: Picture): Record<string, () => void> {
  return {
    "+": () => picture.zoom(ZOOM_STEP),
    "=": () => picture.zoom(ZOOM_STEP),
    "-": () => picture.zoom(1 / ZOOM_STEP),
    "0": () => picture.fit(),
    ArrowLeft: () => picture.pan(PAN_PIXELS, 0),
    ArrowRight: () => picture.pan(-PAN_PIXELS, 0),
    ArrowUp: () => picture.pan(0, PAN_PIXELS),
    ArrowDown: () => picture.pan(0, -PAN_PIXELS),
  };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
