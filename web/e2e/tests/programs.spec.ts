/** Programs: typed, run, gone back to; and what is said of those that are wrong. */
import { expect, put, ran, run, test } from "../console.ts";

test("a program that is typed runs, and its final state is shown", async ({ console: page }) => {
  const program = page.getByTestId("program");
  await program.click();
  await program.press("Control+a");
  await program.pressSequentially("set soap; move 100\nturn 90; move 50");
  await ran(page, () => page.getByTestId("run").click());
  await expect(page.getByTestId("final-x")).toHaveText("100");
  await expect(page.getByTestId("final-y")).toHaveText("50");
  await expect(page.getByTestId("final-heading")).toHaveText("90°");
  await expect(page.getByTestId("final-mode")).toHaveText("soap");
  await expect(page.getByTestId("step-count")).toHaveText("4 / 4");
});

test("it begins where it is told to, and goes on where it ended", async ({ console: page }) => {
  await page.getByTestId("state-x").fill("-7.5");
  await page.getByTestId("state-heading").fill("180");
  await page.getByTestId("state-mode").selectOption({ label: "brush" });
  await run(page, "move 2.5");
  await expect(page.getByTestId("final-x")).toHaveText("-10");
  await expect(page.getByTestId("final-mode")).toHaveText("brush");
  await page.getByTestId("go-on").click();
  await expect(page.getByTestId("state-x")).toHaveValue("-10");
  await expect(page.getByTestId("state-heading")).toHaveValue("180");
});

test("runs can be gone back to, and their programs edited", async ({ console: page }) => {
  const moves = [1, 2, 3];
  for (const move of moves) {
    await run(page, `move ${move}`);
    await expect(page.getByTestId("final-x")).toHaveText(String(move));
  }
  for (const move of [1, 3, 2]) {
    await page.getByTestId(`run-${move}`).click();
    await expect(page.getByTestId("final-x")).toHaveText(String(move));
    await expect(page.getByTestId(`run-${move}`)).toHaveAttribute("aria-current", "true");
  }
  await page.getByTestId("history-load").click();
  await expect(page.getByTestId("program")).toHaveValue("move 2");
});

test("what the server finds wrong is underlined where it is, and said", async ({ console: page }) => {
  await put(page, "move 1\nturn 90; fly 3\nstop");
  await page.getByTestId("run").click();
  const program = page.getByTestId("program");
  await expect(program).toHaveAttribute("aria-invalid", "true");
  const error = page.getByTestId("program-error");
  await expect(error).toContainText("fly");
  await expect(error).toContainText("Line 2, column 10");
  await expect(program).toHaveAttribute("aria-describedby", /program-error/);
  const underlined = page.getByTestId("program-wrong");
  await expect(underlined).toHaveText("fly");
  await page.getByTestId("program-error-go").click();
  await expect(program).toBeFocused();
  const selected = await program.evaluate((area: HTMLTextAreaElement) =>
    area.value.slice(area.selectionStart, area.selectionEnd),
  );
  expect(selected).toBe("fly");
  // It goes when the program changes.
  await put(page, "move 1");
  await expect(error).toBeHidden();
  await expect(program).toHaveAttribute("aria-invalid", "false");
});

test("a state that is none is refused before anything is sent", async ({ console: page }) => {
  await put(page, "move 1");
  await page.getByTestId("state-x").fill("far");
  await page.getByTestId("run").click();
  await expect(page.getByTestId("state-error")).toBeVisible();
});

test("the scrubber and the events step through a run", async ({ console: page }) => {
  await run(page, "move 10; turn 90; start; move 5; stop");
  const scrubber = page.getByTestId("scrubber");
  await scrubber.focus();
  await scrubber.press("Home");
  await expect(page.getByTestId("at-x")).toHaveText("0");
  await scrubber.press("ArrowRight");
  await expect(page.getByTestId("at-x")).toHaveText("10");
  await page.getByTestId("step-on").click();
  await expect(page.getByTestId("at-heading")).toHaveText("90°");
  await page.getByTestId("to-end").click();
  await expect(page.getByTestId("step-count")).toHaveText("5 / 5");
  await page.getByTestId("to-begin").click();
  await expect(page.getByTestId("step-count")).toHaveText("0 / 5");
  await page.getByTestId("play").click();
  await expect(page.getByTestId("step-count")).toHaveText("5 / 5");
  await expect(page.getByTestId("transcript-count")).toHaveText("5 of them");
  await page.getByTestId("event").and(page.locator('[data-step="2"]')).click();
  await expect(page.getByTestId("step-count")).toHaveText("2 / 5");
});

test("a program that is longer than the server takes at once is sent in parts", async ({ console: page }) => {
  await run(page, "turn 1\n".repeat(25_000));
  await expect(page.getByTestId("final-heading")).toHaveText("25000°");
});
