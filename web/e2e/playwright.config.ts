/** How the tests run: in Debian's Chromium, headless, each with a server of its own. Nothing is tried twice. */
import { defineConfig } from "@playwright/test";

/** A slow machine that others use as well is no reason to fail. */
const PATIENCE_MS = Number(process.env["CONSOLE_E2E_PATIENCE_MS"] ?? 60_000);

export default defineConfig({
  testDir: "tests",
  outputDir: process.env["CONSOLE_E2E_OUTPUT"] ?? "output",
  timeout: 2 * PATIENCE_MS,
  expect: { timeout: PATIENCE_MS },
  retries: 0,
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      // CI runs as root, and Chromium has no sandbox for root.
      args: ["--no-sandbox"],
    },
    permissions: ["clipboard-read", "clipboard-write"],
    actionTimeout: PATIENCE_MS,
    navigationTimeout: PATIENCE_MS,
  },
});
