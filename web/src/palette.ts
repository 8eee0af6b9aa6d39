/** The colours that canvases draw with: those of the style sheet, in whichever theme is on. */
import { CleaningMode } from "./gen/robot/v1/robot_pb";
import { CLEANING } from "./path";

export class Palette {
  ink = "";
  soft = "";
  panel = "";
  /** What is behind the lines. */
  ground = "";
  private modes: Record<number, string> = {};

  constructor() {
    this.read();
  }

  read(): void {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    this.ink = colour("--ink");
    this.soft = colour("--ink-soft");
    this.panel = colour("--panel");
    this.ground = colour("--sunk");
    this.modes = {
      [CleaningMode.WATER]: colour("--water"),
      [CleaningMode.SOAP]: colour("--soap"),
      [CleaningMode.BRUSH]: colour("--brush"),
    };
  }

  /** Of a style of a path. */
  mode(style: number): string {
    return this.modes[style & ~CLEANING] ?? this.soft;
  }
}
