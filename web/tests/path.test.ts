import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CleaningMode,
  EventSchema,
  RobotStateSchema,
  type Event,
} from "../src/gen/robot/v1/robot_pb";
import { Path, shortest, stepText, union } from "../src/path";
import { isCleaning, strokes } from "../src/strokes";
import { fit, panned, scaleBar, toPlane, toScreen, zoomed } from "../src/view";

type Kind = Exclude<Parameters<typeof create<typeof EventSchema>>[1], undefined>["kind"];
const events = (...kinds: Kind[]): Event[] =>
  kinds.map((kind) => create(EventSchema, kind === undefined ? {} : { kind }));
const moved = (x: number, y: number): Kind => ({ case: "moved", value: { x, y } });

function square(): Path {
  const path = new Path(create(RobotStateSchema, {}));
  path.push(
    events(
      { case: "started", value: { mode: CleaningMode.WATER } },
      moved(10, 0),
      { case: "turned", value: { headingDegrees: 90 } },
      { case: "modeSet", value: { mode: CleaningMode.SOAP } },
    ),
  );
  path.push(events(moved(10, 10), { case: "stopped", value: {} }, moved(0, 10)));
  return path;
}

describe("a path", () => {
  test("has each state after each action, over several results", () => {
    const path = square();
    expect(path.steps).toBe(7);
    const begin = { kind: "begin", x: 0, y: 0, heading: 0, mode: 1, cleaning: false };
    expect(path.at(0)).toEqual(begin);
    expect(path.at(4)).toEqual({
      kind: "modeSet",
      x: 10,
      y: 0,
      heading: 90,
      mode: 2,
      cleaning: true,
    });
    expect(path.at(7)).toEqual({
      kind: "moved",
      x: 0,
      y: 10,
      heading: 90,
      mode: 2,
      cleaning: false,
    });
    expect(stepText(path.at(5))).toBe("moved to x 10, y 10");
  });

  test("grows beyond its first room", () => {
    const path = new Path(create(RobotStateSchema, { x: 1 }));
    const steps = 100_000;
    path.push(events(...Array.from({ length: steps }, (_, at) => moved(at, -at))));
    expect(path.steps).toBe(steps);
    expect(path.at(0).x).toBe(1);
    expect(path.at(steps)).toMatchObject({ x: steps - 1, y: 1 - steps });
    expect(path.bounds()).toEqual({ xMin: 0, yMin: 1 - steps, xMax: steps - 1, yMax: 0 });
  });

  test("finds the step whose line is nearest, if it is near", () => {
    const path = square();
    expect(path.nearest(10.5, 5, 1)).toBe(5);
    expect(path.nearest(5, 9.5, 1)).toBe(7);
    expect(path.nearest(5, 5, 1)).toBeUndefined();
  });
});

describe("strokes", () => {
  const size = { width: 200, height: 100 };

  function drawn(path: Path, view = fit(path.bounds(), size)) {
    const lines: { style: number; points: [number, number][] }[] = [];
    let points: [number, number][] = [];
    const pen = {
      moveTo: (x: number, y: number) => points.push([x, y]),
      lineTo: (x: number, y: number) => points.push([x, y]),
      stroke: (style: number) => {
        lines.push({ style, points });
        points = [];
      },
    };
    const work = strokes(path, view, size, pen);
    for (let next = work.next(); ; next = work.next()) {
      if (next.done) return { lines, count: next.value };
    }
  }

  test("change where mode or cleaning does", () => {
    const { lines } = drawn(square());
    expect(lines.map(({ style }) => [style & 7, isCleaning(style)])).toEqual([
      [CleaningMode.WATER, true],
      [CleaningMode.SOAP, true],
      [CleaningMode.SOAP, false],
    ]);
    for (const { points } of lines) expect(points).toHaveLength(2);
  });

  test("have no more points than there are pixels to show them", () => {
    const path = new Path(create(RobotStateSchema, {}));
    path.push(events(...Array.from({ length: 100_000 }, (_, at) => moved(at / 1000, 0))));
    const { count, lines } = drawn(path);
    expect(count).toBeLessThan(2 * size.width);
    expect(lines.at(-1)?.points.at(-1)?.[0]).toBeCloseTo(size.width - 28, 0);
  });

  test("leave out what is out of sight", () => {
    const path = square();
    const fitted = fit(path.bounds(), size);
    const view = zoomed(fitted, fitted, size, 50, toScreen(fitted, size, { x: 10, y: 5 }));
    expect(drawn(path, view).lines.map(({ style }) => style & 7)).toEqual([CleaningMode.SOAP]);
  });
});

describe("a view", () => {
  const size = { width: 300, height: 200 };
  const fitted = fit({ xMin: -1, yMin: 0, xMax: 3, yMax: 2 }, size);

  test("fits all, y upwards", () => {
    const low = toScreen(fitted, size, { x: -1, y: 0 });
    const high = toScreen(fitted, size, { x: 3, y: 2 });
    expect(low.y).toBeGreaterThan(high.y);
    for (const { x, y } of [low, high]) {
      expect(x).toBeGreaterThanOrEqual(28);
      expect(x).toBeLessThanOrEqual(size.width - 28);
      expect(y).toBeGreaterThanOrEqual(28);
      expect(y).toBeLessThanOrEqual(size.height - 28);
    }
    expect(fit({ xMin: 5, yMin: 5, xMax: 5, yMax: 5 }, size)).toMatchObject({ x: 5, y: 5 });
  });

  test("zooms around the pointer, within bounds, and pans by pixels", () => {
    const at = { x: 40, y: 60 };
    const before = toPlane(fitted, size, at);
    const near = toPlane(zoomed(fitted, fitted, size, 3, at), size, at);
    expect(near.x).toBeCloseTo(before.x);
    expect(near.y).toBeCloseTo(before.y);
    expect(zoomed(fitted, fitted, size, 1e9, at).scale).toBe(fitted.scale * 1000);
    expect(toPlane(panned(fitted, 10, 20), size, { x: 50, y: 80 }).x).toBeCloseTo(before.x);
  });

  test("has a scale bar of a round length", () => {
    expect(scaleBar(10, 120)).toBe(10);
    expect(scaleBar(1, 120)).toBe(100);
    expect(scaleBar(0.5, 120)).toBe(200);
    expect(scaleBar(2000, 120)).toBeCloseTo(0.05);
  });
});

test("numbers to look at are short, and say how small they are", () => {
  expect(["0", "1.5", "0.3333", "1.332e-15", "-1234.57", "1.000e+12"]).toEqual(
    [0, 1.5, 1 / 3, 1.3322676295501878e-15, -1234.5678, 1e12].map(shortest),
  );
});

test("bounds are joined", () => {
  const one = { xMin: 0, yMin: 0, xMax: 1, yMax: 1 };
  const other = { xMin: -1, yMin: 0.5, xMax: 0, yMax: 9 };
  expect(union([one, other])).toEqual({ xMin: -1, yMin: 0, xMax: 1, yMax: 9 });
});
