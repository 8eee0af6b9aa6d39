/** What if a number were another: the fan of all futures. */
import type { Page } from "@playwright/test";
import { expect, put, run, test } from "../console.ts";

/** The colours of the picture, as many as there are of each. */
function pixels(page: Page): Promise<string> {
  return page.getByTestId("canvas").evaluate((stage) => {
    const canvases = [...stage.querySelectorAll("canvas")];
    return canvases.map((canvas) => canvas.toDataURL()).join(" ");
  });
}

test("the number at the caret has its futures drawn", async ({ console: page }, info) => {
  await run(page, "move 100; turn 30; move 100");
  const before = await pixels(page);
  await page.getByTestId("program").evaluate((area: HTMLTextAreaElement) => {
    area.focus();
    const at = area.value.indexOf("30");
    area.setSelectionRange(at, at);
  });
  await expect(page.getByTestId("whatif-statement")).toHaveText("turn 30");
  await page.getByTestId("whatif-from").fill("-90");
  await page.getByTestId("whatif-to").fill("90");
  await page.getByTestId("whatif-steps").fill("37");
  await page.getByTestId("whatif-show").click();
  await expect(page.getByTestId("whatif-note")).toHaveText("37 futures, -90 to 90");
  await expect.poll(() => pixels(page)).not.toBe(before);
  await page.screenshot({ path: info.outputPath("futures.png") });

  const slider = page.getByTestId("whatif-slider");
  await slider.focus();
  await slider.press("End");
  await expect(page.getByTestId("whatif-value")).toHaveText("90");
  await page.getByTestId("whatif-use").click();
  await expect(page.getByTestId("program")).toHaveValue("move 100; turn 90; move 100");
  await expect(page.getByTestId("final-y")).toHaveText("100");
});

test("a number can be dragged, and its futures follow", async ({ console: page }) => {
  await put(page, "move 100; turn 30; move 100");
  const at = await page.getByTestId("program").evaluate((area: HTMLTextAreaElement) => {
    const box = area.getBoundingClientRect();
    const style = getComputedStyle(area);
    const context = document.createElement("canvas").getContext("2d")!;
    context.font = style.font;
    const before = context.measureText("move 100; turn 3").width;
    const [left, top] = [parseFloat(style.paddingLeft), parseFloat(style.paddingTop)];
    return { x: box.left + left + before, y: box.top + top + parseFloat(style.lineHeight) / 2 };
  });
  await page.keyboard.down("Alt");
  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  await page.mouse.move(at.x + 80, at.y, { steps: 10 });
  await page.mouse.up();
  await page.keyboard.up("Alt");
  await expect(page.getByTestId("program")).not.toHaveValue("move 100; turn 30; move 100");
  await expect(page.getByTestId("program")).toHaveValue(/^move 100; turn -?[\d.]+; move 100$/);
  await expect(page.getByTestId("whatif-note")).toContainText("futures");
});
