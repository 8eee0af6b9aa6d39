/**
 * The picture of paths: draws what strokes.ts makes, lets it be moved and zoomed, and says what is under the pointer.
 *
 * There are two canvases. The lower has the paths. A long one takes several frames: until it is done what was drawn
 * before is shown, moved and scaled to where it belongs, so that moving is smooth whatever is drawn. The upper has what
 * changes with each step. Nothing is drawn unless something has changed, and then in the next frame.
 */
import { byId, eachFrame } from "./dom";
import { Palette } from "./palette";
import { union, type Path } from "./path";
import { isCleaning, strokes } from "./strokes";
import { fit, panned, toPlane, toScreen, zoomed, type Point, type Size, type View } from "./view";
import { drawRobot, drawScaleBar, drawStart, drawTrail } from "./marks";

export interface Scene {
  path: Path | undefined;
  /** Other ways that it might have gone, and which of them is looked at. */
  futures: readonly Path[];
  chosen: number | undefined;
}

/** What the upper canvas shows. */
export interface Now {
  step: number;
  /** How far the robot is on its way to the next step. */
  along: number;
}

const FRAME_MS_MAX = 8;

export class Picture {
  readonly stage = byId("stage", HTMLElement);
  /** Told when what was under the pointer may no longer be. */
  onMove: () => void = () => {};
  size: Size = { width: 1, height: 1 };
  view: View = { scale: 40, x: 0, y: 0 };
  private fitted: View = this.view;
  private readonly lower = byId("canvas", HTMLCanvasElement);
  private readonly upper = byId("canvas-top", HTMLCanvasElement);
  private readonly palette = new Palette();
  private scene: Scene = { path: undefined, futures: [], chosen: undefined };
  private now: Now = { step: 0, along: 0 };
  private hovered: number | undefined;
  /** What was drawn last, and for which view. */
  private shown: { bitmap: HTMLCanvasElement; view: View } | undefined;
  private job: { bitmap: HTMLCanvasElement; view: View; work: Generator } | undefined;
  private stale = true;
  /** It follows the path until somebody moves it. */
  private fitting = true;
  /** Frames that were drawn, and how long the longest took; for tests and the curious. */
  readonly frames = { drawn: 0, msMax: 0 };
  private readonly frame = eachFrame(() => this.drawNow());
  readonly drawUpper = eachFrame(() => this.drawUpperNow());

  constructor() {
    new ResizeObserver(() => this.resize()).observe(this.stage);
    this.resize();
  }

  show(scene: Scene, refit: boolean): void {
    this.scene = scene;
    this.hovered = undefined;
    // What is being drawn is of the scene before; what was drawn still serves if only futures change.
    this.job = undefined;
    if (refit) {
      this.shown = undefined;
      this.fitting = true;
    }
    this.refit();
    this.dirty();
  }

  setNow(now: Now): void {
    this.now = now;
    this.drawUpper();
  }

  setHovered(step: number | undefined): void {
    if (this.hovered === step) return;
    this.hovered = step;
    this.drawUpper();
  }

  recolour(): void {
    this.palette.read();
    this.shown = undefined;
    this.job = undefined;
    this.dirty();
  }

  fit(): void {
    this.onMove();
    this.fitting = true;
    this.refit();
    this.dirty();
  }

  pan(dx: number, dy: number): void {
    this.move(panned(this.view, dx, dy));
  }

  zoom(factor: number, at: Point = { x: this.size.width / 2, y: this.size.height / 2 }): void {
    this.move(zoomed(this.view, this.fitted, this.size, factor, at));
  }

  /** The step nearest to a point of the canvas, if one is near. */
  stepAt(point: Point, pixelsMax: number): number | undefined {
    const { x, y } = toPlane(this.view, this.size, point);
    return this.scene.path?.nearest(x, y, pixelsMax / this.view.scale);
  }

  private move(view: View): void {
    this.fitting = false;
    this.view = view;
    this.onMove();
    this.dirty();
  }

  private dirty(): void {
    this.stale = true;
    delete this.stage.dataset["drawn"];
    this.frame();
    this.drawUpper();
  }

  private refit(): void {
    const { path, futures } = this.scene;
    const all = [...(path ? [path] : []), ...futures];
    if (all.length > 0) this.fitted = fit(union(all.map((one) => one.bounds())), this.size);
    if (this.fitting) this.view = this.fitted;
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.stage;
    this.size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    for (const canvas of [this.lower, this.upper]) {
      canvas.width = Math.round(this.size.width * devicePixelRatio);
      canvas.height = Math.round(this.size.height * devicePixelRatio);
    }
    this.shown = undefined;
    this.job = undefined;
    this.refit();
    this.dirty();
  }

  private drawNow(): void {
    const began = performance.now();
    if (!this.job && this.stale) {
      this.stale = false;
      this.job = this.begin();
    }
    if (this.job) {
      let ended = false;
      while (!ended && performance.now() - began < FRAME_MS_MAX) {
        ended = this.job.work.next().done === true;
      }
      if (ended) {
        this.shown = this.job;
        this.job = undefined;
      }
    }
    this.blit();
    this.frames.drawn += 1;
    this.frames.msMax = Math.max(this.frames.msMax, performance.now() - began);
    if (this.job || this.stale) this.frame();
    else this.stage.dataset["drawn"] = String(this.scene.path?.steps ?? 0);
  }

  /** Shows what there is where it belongs in the present view. */
  private blit(): void {
    const context = this.lower.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.lower.width, this.lower.height);
    // Nothing finished yet: show as far as it is.
    const { bitmap, view } = this.shown ?? this.job ?? {};
    if (!bitmap || !view) return;
    const factor = this.view.scale / view.scale;
    const { width, height } = this.size;
    const middle = toScreen(this.view, this.size, view);
    const left = (middle.x - (width / 2) * factor) * devicePixelRatio;
    const top = (middle.y - (height / 2) * factor) * devicePixelRatio;
    context.drawImage(bitmap, left, top, bitmap.width * factor, bitmap.height * factor);
  }

  private begin() {
    const bitmap = document.createElement("canvas");
    bitmap.width = this.lower.width;
    bitmap.height = this.lower.height;
    const view = this.view;
    return { bitmap, view, work: this.draw(bitmap, view) };
  }

  private *draw(bitmap: HTMLCanvasElement, view: View): Generator<void> {
    // Drawn by the processor: a canvas of the graphics card would only note what to draw, and do it all at the end.
    const context = bitmap.getContext("2d", { willReadFrequently: true });
    if (!context) return;
    context.scale(devicePixelRatio, devicePixelRatio);
    context.lineCap = "round";
    const { path, futures, chosen } = this.scene;
    const faint = futures.length > 0;
    for (const [index, future] of futures.entries()) {
      if (index !== chosen) yield* this.drawPath(context, future, view, 0.28, 0.6);
    }
    if (path) yield* this.drawPath(context, path, view, faint ? 0.35 : 1, 1);
    const looked = chosen === undefined ? undefined : futures[chosen];
    if (looked) yield* this.drawPath(context, looked, view, 1, 1);
    const first = path ?? futures[0];
    if (first) drawStart(context, this.palette, toScreen(view, this.size, pointOf(first, 0)));
  }

  private *drawPath(
    context: CanvasRenderingContext2D,
    path: Path,
    view: View,
    opacity: number,
    width: number,
  ): Generator<void> {
    context.beginPath();
    context.lineJoin = path.steps > 20_000 ? "bevel" : "round";
    const stroke = (style: number) => {
      const cleans = isCleaning(style);
      context.globalAlpha = cleans ? opacity : opacity * 0.75;
      context.lineWidth = width * (cleans ? 4.5 : 1.4);
      context.strokeStyle = this.palette.mode(style);
      context.stroke();
      context.beginPath();
      // To read is to wait until it is drawn: only so a frame knows how long it takes.
      context.getImageData(0, 0, 1, 1);
    };
    const pen = {
      moveTo: (x: number, y: number) => context.moveTo(x, y),
      lineTo: (x: number, y: number) => context.lineTo(x, y),
      stroke,
    };
    for (const _ of strokes(path, view, this.size, pen)) yield;
    context.globalAlpha = 1;
  }

  private drawUpperNow(): void {
    const context = this.upper.getContext("2d");
    if (!context) return;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.size.width, this.size.height);
    drawScaleBar(context, this.palette, this.view, this.size);
    const { path, futures, chosen } = this.scene;
    const looked = (chosen === undefined ? undefined : futures[chosen]) ?? path;
    if (!looked) return;
    const screen = (point: Point) => toScreen(this.view, this.size, point);
    const step = looked === path ? Math.min(this.now.step, looked.steps) : looked.steps;
    const along = looked === path ? this.now.along : 0;
    drawTrail(context, this.palette, looked, step, screen);
    if (this.hovered !== undefined && path) {
      const { x, y } = screen(pointOf(path, this.hovered));
      context.beginPath();
      context.arc(x, y, 6, 0, 2 * Math.PI);
      context.strokeStyle = this.palette.ink;
      context.lineWidth = 1.5;
      context.stroke();
    }
    const here = pointOf(looked, step);
    const there = pointOf(looked, Math.min(looked.steps, step + 1));
    const at = { x: here.x + (there.x - here.x) * along, y: here.y + (there.y - here.y) * along };
    drawRobot(context, this.palette, screen(at), looked.at(step));
  }
}

function pointOf(path: Path, step: number): Point {
  return { x: path.x[step]!, y: path.y[step]! };
}
