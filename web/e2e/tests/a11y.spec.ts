/** For everybody: axe finds nothing, in light and dark; the keyboard is enough; a narrow screen is wide enough. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, put, run, test } from "../console.ts";

const PROGRAM = "start; move 30; turn 60; set soap; move 20; turn 60\nset brush; move 25; stop";

interface Report {
  /** What is wrong, an element a line. */
  violations: string[];
  summary: string;
}

/** All rules of axe, best practices included. */
async function axe(page: Page): Promise<Report> {
  const { violations, passes, incomplete } = await new AxeBuilder({ page }).analyze();
  const undecided = incomplete.map(({ id }) => id).join(", ") || "none";
  return {
    violations: violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}`),
    ),
    summary: `${violations.length} violations, ${passes.length} rules passed, undecided: ${undecided}`,
  };
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong, ${colorScheme}`, async ({ console: page }, info) => {
    await page.emulateMedia({ colorScheme });
    const look = async (at: string) => {
      const { violations, summary } = await axe(page);
      console.log(`axe, ${colorScheme}, ${at}: ${summary}`);
      expect(violations).toEqual([]);
      await page.screenshot({ path: info.outputPath(`${at}.png`) });
    };
    await look("at-first");
    await run(page, PROGRAM);
    await look("after-a-run");
    await page.getByTestId("turns-run").click();
    await expect(page.getByTestId("turns-note")).toContainText("right");
    await page.getByText("Limits").click();
    await look("with-all-that-the-server-says");
    await put(page, "move 1; fly");
    await page.getByTestId("run").click();
    await expect(page.getByTestId("program-error")).toBeVisible();
    await look("with-an-error");
  });
}

test("the keyboard is enough", async ({ console: page }) => {
  await page.locator("body").press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the program" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("program")).toBeFocused();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("move 3; turn 90");
  await page.keyboard.press("Control+Enter");
  await expect(page.getByTestId("final-x")).toHaveText("3");

  // Every control can be reached, and none holds the focus. Some come and go meanwhile, such as what can be scrolled
  // only while it is too wide: of those that are there at the end each has had the focus.
  const count = await page.evaluate(() => {
    const selector = "button, input, select, textarea, summary, [tabindex='0']";
    const reached = new Set<EventTarget | null>();
    document.addEventListener("focusin", ({ target }) => reached.add(target));
    const all = () =>
      [...document.querySelectorAll<HTMLElement>(selector)].filter(
        (control) => control.checkVisibility() && !control.matches(":disabled"),
      );
    const missed = () => all().filter((control) => !reached.has(control)).map(({ id, tagName }) => id || tagName);
    Object.assign(globalThis, { missed });
    return all().length;
  });
  expect(count).toBeGreaterThan(20);
  await expect(async () => {
    for (let tabs = 0; tabs < count + 10; tabs += 1) await page.keyboard.press("Tab");
    const missed = await page.evaluate(() => (globalThis as unknown as { missed(): string[] }).missed());
    expect(missed).toEqual([]);
  }).toPass({ timeout: 60_000 });
});

test("the path can be moved and zoomed by keys", async ({ console: page }) => {
  await run(page, PROGRAM);
  const stage = page.getByTestId("canvas");
  await stage.focus();
  const pixels = () => stage.locator("canvas").first().evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  let before = await pixels();
  for (const key of ["+", "ArrowLeft", "-", "0"]) {
    await page.keyboard.press(key);
    await expect.poll(pixels).not.toBe(before);
    before = await pixels();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`nothing is wider than a screen of 360 pixels, ${colorScheme}`, async ({ console: page }, info) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme });
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(360);
    await run(page, PROGRAM);
    await page.getByTestId("turns-run").click();
    await expect(page.getByTestId("turns-note")).toContainText("right");
    await page.getByText("Limits").click();
    expect(await width()).toBeLessThanOrEqual(360);
    await page.screenshot({ path: info.outputPath("narrow.png"), fullPage: true });
    expect((await axe(page)).violations).toEqual([]);
  });
}

test("dark is dark, and can be chosen", async ({ console: page }) => {
  const brightness = () =>
    page.evaluate(() => {
      const channels = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g)!;
      return channels.slice(0, 3).reduce((sum, channel) => sum + Number(channel), 0) / 3;
    });
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(brightness).toBeGreaterThan(200);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(brightness).toBeLessThan(60);
  // Against what the system says.
  const theme = page.getByTestId("theme");
  await theme.click();
  await expect(theme).toHaveText(/light/);
  await expect.poll(brightness).toBeGreaterThan(200);
});
