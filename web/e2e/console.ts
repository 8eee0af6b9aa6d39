/**
 * What every test has: a server, and a page that must behave. At its end a page may have asked no other host for
 * anything, broken no policy and logged no error. It must not know what the page does.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { expect, test as base, type Page } from "@playwright/test";
import { Server } from "./server.ts";

export { expect };

/** What a test makes the browser say by looking at the picture more than once. */
const OWN_DOING = /willReadFrequently/;

interface Options {
  flags: string[];
  /** Those that it lets in; if there are none, everybody. */
  tokens: string[];
  /** What the browser may complain of: it logs each request to a server that is gone. */
  allowed: RegExp | undefined;
}

interface Fixtures {
  server: Server;
  /** The page, opened and connected. */
  console: Page;
}

export const test = base.extend<Options & Fixtures>({
  flags: [[], { option: true }],
  tokens: [[], { option: true }],
  allowed: [undefined, { option: true }],

  server: async ({ flags, tokens }, use, info) => {
    const lines = tokens.map((token) => `tests:${createHash("sha256").update(token).digest("hex")}\n`);
    const file = info.outputPath("tokens");
    if (lines.length > 0) await writeFile(file, lines.join(""));
    const server = await Server.start(lines.length > 0 ? [...flags, "--token-file", file] : flags);
    await use(server);
    await server.stop();
  },

  page: async ({ page, server, allowed }, use) => {
    const wrong: string[] = [];
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" || message.type() === "warning") {
        if (!allowed?.test(text) && !OWN_DOING.test(text)) wrong.push(`logged: ${text}`);
      }
    });
    page.on("pageerror", (error) => wrong.push(`threw: ${error.message}`));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      const local = protocol === "data:" || protocol === "blob:";
      if (!local && origin !== server.url) wrong.push(`asked for ${request.url()}`);
    });
    // For good: a policy that is broken is reported to the document, whether or not the browser logs it.
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        globalThis.console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI}`);
      });
    });
    await use(page);
    expect(wrong).toEqual([]);
  },

  console: async ({ page, server }, use) => {
    await page.goto(server.url);
    await expect(page.getByTestId("connection")).toHaveAttribute("data-state", "up");
    await use(page);
  },
});

/** Puts a program into the editor in one go: to type a long one takes Playwright minutes. */
export async function put(page: Page, program: string): Promise<void> {
  await page.getByTestId("program").evaluate((area: HTMLTextAreaElement, text) => {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }, program);
}

/** Runs what is in the editor, to its end, which must be a good one. */
export async function ran(page: Page, start: () => Promise<void>): Promise<void> {
  const runs = await page.getByTestId("history").getByRole("listitem").count();
  await start();
  await expect(page.getByTestId(`run-${runs + 1}`)).toHaveAttribute("aria-current", "true");
  await expect(page.getByTestId("final-state")).toBeVisible();
}

/** Runs a program to its end. */
export async function run(page: Page, program: string): Promise<void> {
  await put(page, program);
  await ran(page, () => page.getByTestId("run").click());
}
