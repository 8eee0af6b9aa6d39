/** Runs the scenarios against a server and prints a line each. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { connect } from "./client.js";
import { play, type Passed, type Run } from "./scenarios.js";
import { commandsIn, scenariosIn, type Scenario } from "./vectors.js";

const SCENARIO_MS_MAX = 20_000;

try {
  const { vectors, scenarios, client, pidFile } = settings();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const scenario of scenarios) {
    counts[await report(scenario, { vectors, client, pidFile })]++;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 2;
}

function settings() {
  const { values: args } = parseArgs({
    options: {
      vectors: { type: "string" },
      server: { type: "string" },
      ca: { type: "string" },
      "token-file": { type: "string" },
      "pid-file": { type: "string" },
      only: { type: "string" },
    },
  });
  const { vectors, server } = args;
  if (!vectors || !server) throw new Error("--vectors DIRECTORY and --server HOST:PORT are needed");

  const ca = contentsOf(args.ca);
  const token = contentsOf(args["token-file"])?.trim();
  // The certificate names localhost, whatever address the server was given as.
  const port = server.slice(server.lastIndexOf(":") + 1);
  const url = ca ? `https://localhost:${port}` : `http://${server}`;
  const options = { ...(ca && { ca }), ...(token && { token }) };
  const shared = connect(url, options);
  const client: Run["client"] = (interceptors) =>
    interceptors ? connect(url, { ...options, interceptors }) : shared;

  const all = scenariosIn(vectors);
  const only = new Set(args.only?.split(",") ?? all.map(({ name }) => name));
  const scenarios = all.filter(({ name }) => only.delete(name));
  if (only.size > 0) throw new Error(`no scenario is called ${[...only].join(", ")}`);
  return { vectors, scenarios, client, pidFile: args["pid-file"] };
}

function contentsOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, "utf8");
}

async function report(
  scenario: Scenario,
  { vectors, client, pidFile }: { vectors: string } & Pick<Run, "client" | "pidFile">,
): Promise<"passed" | "failed" | "skipped"> {
  const { name, commands, status } = scenario;
  try {
    const entries = commands === "" ? [] : commandsIn(vectors, commands);
    const { skipped, spread } = await inTime((signal) =>
      play({ scenario, entries, client, pidFile, signal }),
    );
    if (skipped !== undefined) {
      console.log(`skipped ${name}: ${skipped}`);
      return "skipped";
    }
    console.log(`ok ${name}`);
    if (spread && commands === "turns" && status === "OK") {
      const workers = [...spread].toSorted(([a], [b]) => a - b);
      const shares = workers.map(([worker, share]) => `${worker}: ${share}`);
      console.log(`  ${name} on workers ${shares.join(", ")}`);
    }
    return "passed";
  } catch (error) {
    console.log(`FAILED ${name}: ${messageOf(error)}`);
    return "failed";
  }
}

async function inTime(scenario: (signal: AbortSignal) => Promise<Passed>): Promise<Passed> {
  const overtime = new AbortController();
  const timer = setTimeout(() => overtime.abort(), SCENARIO_MS_MAX);
  const tooLong = once(overtime.signal, "abort").then(() => {
    throw new Error("timed out");
  });
  try {
    return await Promise.race([tooLong, scenario(overtime.signal)]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
