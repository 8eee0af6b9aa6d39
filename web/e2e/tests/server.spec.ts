/** The server: what it is, how it works, that it may go and come back, and that it may want a token. */
import { expect, run, test } from "../console.ts";
import { Server } from "../server.ts";

test("it says what it is, and what may be sent to it", async ({ console: page }) => {
  await expect(page.getByTestId("health")).toHaveText("SERVING");
  await expect(page.getByTestId("server-version")).toHaveText(/^\d+\.\d+\.\d+$/);
  await expect(page.getByTestId("semantics")).toHaveText("1");
  await page.getByText("Limits").click();
  await expect(page.getByTestId("limits")).toContainText("1,048,576");
});

test.describe("with three workers", () => {
  test.use({ flags: ["--workers", "3"] });

  test("its workers are followed", async ({ console: page }) => {
    await expect(page.getByTestId("workers-rows").getByRole("row")).toHaveCount(3);
    await expect(page.getByTestId("server-workers")).toHaveText("3");
    await expect(page.getByTestId("queue")).toContainText("1,024");
    // A snapshot is there, so what is run now comes behind it.
    await run(page, "move 1");
    await expect(page.getByTestId("run-p50")).toHaveText(/^[<≥] \d/);
  });

  test("a thousand turns are right, and spread over the workers", async ({ console: page }) => {
    await page.getByTestId("turns-run").click();
    await expect(page.getByTestId("turns-note")).toContainText("all 1,000 right");
    const rows = page.getByTestId("turns-rows").getByRole("row");
    const turns = await rows.locator("td.number").allTextContents();
    expect(turns.length).toBeGreaterThan(0);
    expect(turns.length).toBeLessThanOrEqual(3);
    expect(turns.map((text) => Number(text.replace(",", ""))).reduce((sum, some) => sum + some)).toBe(1000);
  });
});

test.describe("a server that goes away", () => {
  // The browser logs each try at a server that is not there, and a stream that breaks off.
  test.use({ allowed: /^Failed to load resource: net::ERR_/ });

  test("is missed, and found again when it is back", async ({ console: page, server }) => {
    await run(page, "move 1");
    await server.kill();
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "down");
    await expect(page.getByTestId("connection")).toContainText("the server is gone");
    await expect(page.getByTestId("retry")).toBeVisible();
    const again = await Server.start([], server.address);
    try {
      await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "up");
      await expect(page.getByTestId("connection")).toContainText("connected again");
      // What was there is still there, and what is new works.
      await expect(page.getByTestId("program")).toHaveValue("move 1");
      await run(page, "move 2");
      await expect(page.getByTestId("final-x")).toHaveText("2");
      await expect(page.getByTestId("run-1")).toBeVisible();
    } finally {
      await again.stop();
    }
  });

  test("while it drains is told from one that is gone for good", async ({ console: page, server }) => {
    await server.stop();
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "down");
  });
});

test.describe("a server that wants a token", () => {
  test.use({ tokens: ["right"] });

  test("gets one that is typed, and no other", async ({ page, server }) => {
    await page.goto(server.url);
    const dialog = page.getByTestId("token-dialog");
    await expect(dialog).toBeVisible();
    await expect(page.getByTestId("token-why")).toContainText("this call needs a token");
    await expect(page.getByTestId("token")).toBeFocused();
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await expect(page.getByTestId("token-why")).toContainText("not one of this server's");
    await page.getByTestId("token-cancel").click();
    await expect(dialog).toBeHidden();
    await page.getByTestId("token-open").click();
    await page.getByTestId("token").fill("right");
    await page.getByTestId("token-send").click();
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "up");
    await expect(dialog).toBeHidden();
    await run(page, "move 4");
    await expect(page.getByTestId("final-x")).toHaveText("4");
    // It is nowhere but in the page's memory.
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    expect(kept).not.toContain("right");
    await page.reload();
    await expect(dialog).toBeVisible();
  });
});
