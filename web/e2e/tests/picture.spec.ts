/** The picture that the README shows, docs/pictures/console.png: made as any other, and copied there when the page has changed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, run, test } from "../console.ts";

test.use({ viewport: { width: 1280, height: 830 } });

test("the README's picture", async ({ console: page }, info) => {
  const example = join(process.env["CONSOLE_E2E_ROOT"] ?? ".", "examples/rosette.robot");
  await run(page, await readFile(example, "utf8"));
  await expect(page.getByTestId("canvas")).toHaveAttribute("data-drawn", /^\d+$/);
  await page.getByTestId("turns-run").click();
  await expect(page.getByTestId("turns-note")).toContainText("all 1,000 right");
  await page.getByTestId("program").evaluate((area: HTMLTextAreaElement) => {
    const at = area.value.indexOf("10");
    area.focus();
    area.setSelectionRange(at, at);
    area.scrollTop = 0;
  });
  await expect(page.getByTestId("whatif-statement")).toHaveText("turn 10");
  await page.screenshot({ path: info.outputPath("console.png") });
});
