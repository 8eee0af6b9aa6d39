/** Many points: 100,000 of them are drawn, zoomed and moved. How fast is printed, and not judged: the machine is shared. */
import { expect, run, test } from "../console.ts";

const POINTS = 100_000;

test("a path of 100,000 points is drawn, zoomed and moved", async ({ console: page }, info) => {
  test.slow();
  const petal = "move 1; turn 10.1; ";
  await run(page, (petal.repeat(50) + "turn 3\n").repeat(POINTS / 101 + 1));
  await expect(page.getByTestId("canvas")).toHaveAttribute("data-drawn", /^1\d{5}$/);
  await page.screenshot({ path: info.outputPath("many.png") });
  const box = (await page.getByTestId("canvas").boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);

  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const frame = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    Object.assign(globalThis, { frames });
  });
  for (let turn = 0; turn < 20; turn += 1) await page.mouse.wheel(0, turn < 10 ? -120 : 120);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 150, box.y + box.height / 2 + 80, { steps: 30 });
  await page.mouse.up();
  await expect(page.getByTestId("canvas")).toHaveAttribute("data-drawn", /^1\d{5}$/);
  const frames = await page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames);
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1);
  console.log(
    `${POINTS} points, zoomed and moved: ${frames.length} frames, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`,
  );
  expect(frames.length).toBeGreaterThan(1);

  const drawn = await page.getByTestId("canvas").evaluate((stage) => {
    const canvas = stage.querySelector("canvas")!;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  });
  expect(drawn).toBeGreaterThan(1000);
});
