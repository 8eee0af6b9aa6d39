/** The values that a number might have instead. Pure. */

/** Futures that a number has unless somebody asks for others: itself, and as many to either side. */
export const FUTURES = 21;

/** A range around a number to begin with: wide enough to see something, with the number in its middle, in round steps. */
export function around(value: number, isAngle: boolean): [number, number] {
  const sides = (FUTURES - 1) / 2;
  const reach = isAngle ? Math.max(10, Math.abs(value) / 4) : Math.max(0.5, Math.abs(value) / 2);
  const step = roundStep(reach / sides);
  return [rounded(value - sides * step), rounded(value + sides * step)];
}

/** 1, 2 or 5 times a power of ten, about as large. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = step / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

/** So many values from one to the other, both included. */
export function spread(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    index === count - 1 ? to : rounded(from + ((to - from) * index) / (count - 1)),
  );
}

/** As a script takes it. */
export function numberText(value: number): string {
  return String(value);
}

/** Without the last digits, which are noise of the division. */
function rounded(value: number): number {
  return Number(value.toPrecision(12)) + 0;
}
