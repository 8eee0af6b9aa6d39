/** Recordings: those of the command line verified by the page, those of the page by the command line; and what is copied. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, run, test } from "../console.ts";
import { client } from "../server.ts";

const EXAMPLE = join(process.env["CONSOLE_E2E_ROOT"] ?? ".", "examples/rosette.robot");

/** The double that follows. */
function next(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
  return bits.getFloat64(0);
}

for (const ending of ["rec", "jsonl"]) {
  test(`a recording of robot-client record is verified, .${ending}`, async ({ console: page, server }, info) => {
    const file = info.outputPath(`run.${ending}`);
    const recorded = await client("record", EXAMPLE, "--server", server.address, "-o", file);
    expect(recorded.code, recorded.out).toBe(0);
    await page.getByTestId("recording-file").setInputFiles(file);
    await expect(page.getByTestId("recording-note")).toContainText("recorded");
    await page.getByTestId("recording-verify").click();
    await expect(page.getByTestId("verify-note")).toHaveAttribute("data-outcome", "good");
    await expect(page.getByTestId("verify-note")).toContainText("every bit is the same");
  });

  test(`a run that the page has saved is replayed by robot-client, .${ending}`, async ({ console: page }, info) => {
    await run(page, "move 1; turn 10\nset brush; move 0.1");
    const download = page.waitForEvent("download");
    await page.getByTestId(ending === "rec" ? "save-binary" : "save-json").click();
    const file = info.outputPath(`saved.${ending}`);
    await (await download).saveAs(file);
    const replayed = await client("replay", file, "--local");
    expect(replayed.code, replayed.out).toBe(0);
    // And by the page itself.
    await page.getByTestId("recording-file").setInputFiles(file);
    await page.getByTestId("recording-verify").click();
    await expect(page.getByTestId("verify-note")).toHaveAttribute("data-outcome", "good");
  });
}

test("one bit that differs is found", async ({ console: page, server }, info) => {
  const file = info.outputPath("run.jsonl");
  const program = info.outputPath("program.robot");
  await writeFile(program, "turn 30; move 1");
  const recorded = await client("record", program, "--server", server.address, "-o", file);
  expect(recorded.code, recorded.out).toBe(0);
  const text = await readFile(file, "utf8");
  const x = Math.cos(Math.PI / 6);
  const changed = text.replace(`"x":${x}`, `"x":${next(x)}`);
  expect(changed).not.toBe(text);
  await writeFile(file, changed);
  await page.getByTestId("recording-file").setInputFiles(file);
  await page.getByTestId("recording-verify").click();
  await expect(page.getByTestId("verify-note")).toHaveAttribute("data-outcome", "bad");
  await expect(page.getByTestId("differences")).toContainText("x");
});

test("what is no recording is said to be none", async ({ console: page }, info) => {
  const file = info.outputPath("none.rec");
  await writeFile(file, "this is no recording");
  await page.getByTestId("recording-file").setInputFiles(file);
  await expect(page.getByTestId("recording-note")).toHaveAttribute("data-outcome", "bad");
  await expect(page.getByTestId("recording-verify")).toBeDisabled();
});

test("a program is copied as a grpcurl command and as Python", async ({ console: page, server }) => {
  await page.getByTestId("program").fill("move 1; turn 'x'");
  const copied = async (kind: string) => {
    await page.getByTestId(`copy-${kind}`).click();
    await expect(page.getByTestId("copy-note")).toContainText(kind === "python" ? "Python" : kind);
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const grpcurl = await copied("grpcurl");
  expect(grpcurl).toContain("robot.v1.RobotService/Execute");
  expect(grpcurl).toContain(server.address);
  const python = await copied("python");
  expect(python).toContain("import grpc");
  expect(python).toContain(server.address);
});
