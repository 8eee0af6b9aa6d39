/** What stands beside the lines: robot, start, scale. It draws where it is told and must not know why there. */
import type { Palette } from "./palette";
import type { Path, Step } from "./path";
import { scaleBar, type Point, type Size, type View } from "./view";

const SCALE_BAR_PIXELS_MAX = 120;
const TRAIL_STEPS_MAX = 60;

export function drawStart(context: CanvasRenderingContext2D, palette: Palette, at: Point): void {
  context.beginPath();
  context.arc(at.x, at.y, 6, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = palette.soft;
  context.stroke();
}

/** An arrow head with a disc behind, so that it is seen on any line. */
export function drawRobot(
  context: CanvasRenderingContext2D,
  palette: Palette,
  at: Point,
  { heading, mode, cleaning }: Step,
): void {
  context.save();
  context.translate(at.x, at.y);
  context.rotate(-((heading % 360) * Math.PI) / 180);
  context.beginPath();
  context.arc(0, 0, 11, 0, 2 * Math.PI);
  context.fillStyle = palette.panel;
  context.fill();
  context.lineWidth = cleaning ? 3.5 : 1.75;
  context.strokeStyle = palette.mode(mode);
  context.stroke();
  context.beginPath();
  context.moveTo(8, 0);
  context.lineTo(-5, 5);
  context.lineTo(-2.5, 0);
  context.lineTo(-5, -5);
  context.closePath();
  context.fillStyle = palette.ink;
  context.fill();
  context.restore();
}

/** The last steps before the robot, in ink, fading. */
export function drawTrail(
  context: CanvasRenderingContext2D,
  palette: Palette,
  path: Path,
  step: number,
  screen: (point: Point) => Point,
): void {
  if (step >= path.steps) return;
  context.lineWidth = 1.5;
  context.strokeStyle = palette.ink;
  const first = Math.max(1, step - TRAIL_STEPS_MAX);
  for (let at = first; at <= step; at += 1) {
    if (!path.isMove(at)) continue;
    const from = screen({ x: path.x[at - 1]!, y: path.y[at - 1]! });
    const to = screen({ x: path.x[at]!, y: path.y[at]! });
    context.globalAlpha = (at - first + 1) / (step - first + 1);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  context.globalAlpha = 1;
}

export function drawScaleBar(
  context: CanvasRenderingContext2D,
  palette: Palette,
  view: View,
  { width, height }: Size,
): void {
  const units = scaleBar(view.scale, Math.min(SCALE_BAR_PIXELS_MAX, width / 3));
  const pixels = units * view.scale;
  const y = height - 14;
  // Whatever is drawn under it, it can be read.
  context.fillStyle = palette.ground;
  context.globalAlpha = 0.8;
  context.fillRect(8, y - 21, pixels + 12, 27);
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  context.strokeStyle = palette.soft;
  context.beginPath();
  context.moveTo(14, y - 5);
  context.lineTo(14, y);
  context.lineTo(14 + pixels, y);
  context.lineTo(14 + pixels, y - 5);
  context.stroke();
  context.fillStyle = palette.soft;
  context.font = "12px system-ui, sans-serif";
  context.fillText(Number(units.toPrecision(1)).toString(), 18, y - 5);
}
