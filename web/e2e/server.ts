/** The real server, and the command line client, as processes. It must not know the page. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const LISTEN_TRIES_MAX = 60;
const LISTEN_REST_MS = 500;
const CLIENT_MS_MAX = 60_000;

function binary(name: "ROBOT_SERVER_BINARY" | "ROBOT_CLIENT_BINARY"): string {
  const path = process.env[name];
  if (!path) throw new Error(`${name} must say where the binary is; web/e2e/run sets it`);
  return path;
}

/** Without anything of this environment that could change what is run. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ROBOT_|RUST_LOG$)/.test(name));
  return Object.fromEntries(kept);
}

export class Server {
  private constructor(
    private readonly child: ChildProcess,
    /** Where its console is, without a slash at the end. */
    readonly url: string,
    readonly address: string,
  ) {}

  /** Starts one on a free port, or on one that was free a moment ago. */
  static async start(flags: readonly string[] = [], address = "127.0.0.1:0"): Promise<Server> {
    for (let tries = 1; ; tries += 1) {
      const server = await Server.launch(flags, address);
      if (server) return server;
      if (tries === LISTEN_TRIES_MAX) throw new Error(`no server came up at ${address}`);
      // The kernel may still hold the address for the one that was killed.
      await new Promise((resolve) => setTimeout(resolve, LISTEN_REST_MS));
    }
  }

  private static async launch(flags: readonly string[], address: string): Promise<Server | undefined> {
    const child = spawn(binary("ROBOT_SERVER_BINARY"), ["--listen", address, "--log-format", "json", ...flags], {
      env: environment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines = createInterface({ input: child.stderr! });
    for await (const line of lines) {
      if (line.includes("cannot listen")) return undefined;
      const { fields } = JSON.parse(line) as { fields: { console?: string; address?: string } };
      if (fields.address === undefined || fields.console === undefined) continue;
      // What it says later is not read, and must not fill the pipe.
      child.stderr!.resume();
      return new Server(child, fields.console.replace(/\/$/, ""), fields.address);
    }
    throw new Error("the server ended before it listened");
  }

  /** As a crash would end it. */
  async kill(): Promise<void> {
    await this.signal("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.signal("SIGTERM");
  }

  private async signal(name: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill(name);
    await ended;
  }
}

/** Runs the client; what it printed, and its exit code. */
export async function client(...args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn(binary("ROBOT_CLIENT_BINARY"), [...args], {
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: CLIENT_MS_MAX,
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => (out += text));
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? -1, out };
}
