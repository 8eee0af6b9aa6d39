/** The last minute of a number as a line, drawn anew with each value. It must not know what the number is. */
import { byId } from "./dom";

const VALUES_MAX = 60;

export class Sparkline {
  private readonly canvas: HTMLCanvasElement;
  private values: number[] = [];

  constructor(id: string) {
    this.canvas = byId(id, HTMLCanvasElement);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  push(value: number): void {
    this.values.push(value);
    this.values = this.values.slice(-VALUES_MAX);
    this.draw();
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    const context = this.canvas.getContext("2d");
    if (!context || this.values.length === 0) return;
    context.scale(devicePixelRatio, devicePixelRatio);
    const most = Math.max(1, ...this.values);
    const xOf = (at: number) => width - ((this.values.length - 1 - at) * width) / (VALUES_MAX - 1);
    const yOf = (value: number) => height - 2 - (value * (height - 4)) / most;
    context.beginPath();
    this.values.forEach((value, at) => context.lineTo(xOf(at), yOf(value)));
    // The style sheet's colour of the element.
    const { color } = getComputedStyle(this.canvas);
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(width, height);
    context.lineTo(xOf(0), height);
    context.globalAlpha = 0.15;
    context.fillStyle = color;
    context.fill();
  }
}
