/**
 * What each kind of scenario does with a server. It knows the vectors and the
 * client, and prints nothing.
 */
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isFieldSet } from "@bufbuild/protobuf";
import { Code, ConnectError, encodeBinaryHeader, type Interceptor } from "@connectrpc/connect";
import { Answers, mustAnswer, signpost } from "./answers.js";
import { execute, type Batch, type RobotClient } from "./client.js";
import { LimitsSchema, QueueKind, type RobotResult } from "./gen/robot/v1/robot_pb.js";
import type { Entry, Scenario } from "./vectors.js";

export interface Run {
  scenario: Scenario;
  entries: Entry[];
  /** A client of the server, the same one each time unless calls are to be intercepted. */
  client: (interceptors?: Interceptor[]) => RobotClient;
  pidFile: string | undefined;
  /** Aborted when the scenario has taken too long. */
  signal: AbortSignal;
}

export interface Passed {
  skipped?: string;
  /** Commands that each worker ran. */
  spread?: ReadonlyMap<number, number>;
}

/** Throws what is wrong. */
export async function play(run: Run): Promise<Passed> {
  switch (run.scenario.call) {
    case "stream":
    case "deadline":
      return stream(run);
    case "chain":
      return chain(run);
    case "unary":
      return unary(run);
    case "cancel":
      return cancel(run);
    case "restart":
      return restart(run);
    case "info":
      return info(run);
    case "watch":
      return watch(run);
    default:
      throw new Error(`call ${run.scenario.call} is unknown`);
  }
}

interface Hooks {
  onResult?: (results: number) => void;
  onRetry?: (resent: number) => void;
}

async function stream(run: Run, { onResult, onRetry }: Hooks = {}): Promise<Passed> {
  const { scenario, signal } = run;
  const entries = repeated(run.entries, scenario.times);
  const answers = new Answers(entries);
  if (entries.length === 0) return nothing(run, answers);
  const holding = scenario.halfClose === "before_reading" ? [holdResponses] : undefined;
  await mustEndWith(scenario.status, async () => {
    const results = execute(run.client(holding), batchesOf(scenario, entries, answers.complete), {
      inFlightMax: scenario.inFlightMax,
      signal,
      call: callOptions(scenario),
      ...(onRetry && { onRetry }),
    });
    for await (const result of results) {
      answers.take(result);
      onResult?.(answers.count);
    }
  });
  if (["OK", "DEADLINE_EXCEEDED"].includes(scenario.status)) answers.mustBeComplete();
  return { spread: answers.spread };
}

/** `execute` opens no stream before there is something to send; the generated client does. */
async function nothing({ scenario, client, signal }: Run, answers: Answers): Promise<Passed> {
  async function* noRequests(): AsyncGenerator<never> {}
  await mustEndWith(scenario.status, async () => {
    const options = { ...callOptions(scenario), signal };
    for await (const { results } of client().executeStream(noRequests(), options)) {
      for (const result of results) answers.take(result);
    }
  });
  return {};
}

async function* batchesOf(
  { messagesOf, halfClose }: Scenario,
  entries: Entry[],
  complete: Promise<void>,
): AsyncGenerator<Batch, void, undefined> {
  for (let start = 0; start < entries.length; start += messagesOf) {
    yield entries.slice(start, start + messagesOf).map(({ command }) => command);
  }
  switch (halfClose) {
    case "after_commands":
    case "before_reading":
      break;
    case "after_results":
      await complete;
      break;
    case "never":
      await new Promise(() => {});
      break;
    default:
      throw new Error(`halfClose ${halfClose} is unknown`);
  }
}

/** Lets nobody read before all is sent and half-closed. */
const holdResponses: Interceptor = (next) => async (request) => {
  if (!request.stream) return next(request);
  const sent = signpost();
  async function* watched<Message>(messages: AsyncIterable<Message>) {
    yield* messages;
    sent.reached();
  }
  const response = await next({ ...request, message: watched(request.message) });
  await sent.promise;
  await setImmediate(); // the half-close is written when the messages have ended
  return response;
};

async function chain({ scenario, entries, client, signal }: Run): Promise<Passed> {
  const answers = new Answers(entries);
  let arrived = signpost<RobotResult>();
  async function* linked(): AsyncGenerator<Batch, void, undefined> {
    let state = entries[0]?.command.state;
    for (const { command } of entries) {
      yield [{ ...command, ...(state && { state }) }];
      const { outcome } = await arrived.promise;
      arrived = signpost();
      if (outcome.case === "state") state = outcome.value;
    }
  }
  const options = { inFlightMax: scenario.inFlightMax, signal, call: callOptions(scenario) };
  await mustEndWith(scenario.status, async () => {
    for await (const result of execute(client(), linked(), options)) {
      answers.take(result);
      arrived.reached(result);
    }
  });
  answers.mustBeComplete();
  return {};
}

async function unary({ scenario, entries, client, signal }: Run): Promise<Passed> {
  const sent = repeated(entries, scenario.times);
  const commands = sent.map(({ command }) => command);
  await mustEndWith(scenario.status, async () => {
    const { results } = await client().execute({ commands }, { ...callOptions(scenario), signal });
    if (results.length !== sent.length)
      throw new Error(`${results.length} of ${sent.length} results`);
    sent.forEach((entry, index) => mustAnswer(entry, results[index]!));
  });
  return {};
}

async function cancel(run: Run): Promise<Passed> {
  const { cancelAfter } = run.scenario;
  const controller = new AbortController();
  await stream(
    { ...run, signal: AbortSignal.any([run.signal, controller.signal]) },
    { onResult: (results) => results === cancelAfter && controller.abort() },
  );
  if (!controller.signal.aborted) throw new Error(`ended before ${cancelAfter} results`);
  return unary({ ...run, scenario: { ...run.scenario, status: "OK" } });
}

async function restart(run: Run): Promise<Passed> {
  const { pidFile, scenario } = run;
  if (pidFile === undefined) return { skipped: "no --pid-file" };
  let resent = 0;
  const passed = await stream(run, {
    onResult: (results) => {
      if (results === scenario.restartAfter) process.kill(pidIn(pidFile), "SIGKILL");
    },
    onRetry: (commands) => {
      resent += commands;
    },
  });
  if (resent === 0) throw new Error("nothing had to be sent again");
  return passed;
}

function pidIn(file: string): number {
  const pid = Number(readFileSync(file, "utf8"));
  if (!Number.isSafeInteger(pid) || pid < 2) throw new Error(`${file} has no process id`);
  return pid;
}

async function info({ scenario, client, signal }: Run): Promise<Passed> {
  const server = await client().getServerInfo({}, { ...callOptions(scenario), signal });
  const { limits, semanticsVersion, queueKind, workers } = server;
  if (semanticsVersion !== 1) throw new Error(`semantics_version is ${semanticsVersion}, not 1`);
  if (workers < 1) throw new Error("there are no workers");
  if (queueKind !== QueueKind.EMBEDDED) throw new Error(`queue_kind is ${queueKind}, not EMBEDDED`);
  for (const field of LimitsSchema.fields) {
    if (field === LimitsSchema.field.connectionAgeMsMax) continue; // 0 is for ever
    if (!limits || !isFieldSet(limits, field)) throw new Error(`limits.${field.name} is 0`);
  }
  return {};
}

async function watch({ scenario, client, signal }: Run): Promise<Passed> {
  const controller = new AbortController();
  const options = {
    ...callOptions(scenario),
    signal: AbortSignal.any([signal, controller.signal]),
  };
  const uptimes: bigint[] = [];
  await mustEndWith("CANCELLED", async () => {
    for await (const snapshot of client().watchWorkers({ intervalMs: 100 }, options)) {
      if (snapshot.workers.length === 0) throw new Error("no workers are listed");
      if (uptimes.push(snapshot.uptimeNanos) === 2) controller.abort();
    }
  });
  const [first, second] = uptimes;
  if (first === undefined || second === undefined || second <= first) {
    throw new Error(`uptime did not grow: ${uptimes.join(", ")}`);
  }
  return {};
}

async function mustEndWith(status: string, call: () => Promise<void>): Promise<void> {
  let [ended, message] = ["OK", ""];
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    [ended, message] = [nameOf(error.code), error.rawMessage];
  }
  if (ended !== status) throw new Error(`ended with ${ended}, not ${status} ${message}`.trimEnd());
}

/** As gRPC spells it: DEADLINE_EXCEEDED for DeadlineExceeded. */
function nameOf(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

function callOptions({ metadata, deadlineMs }: Scenario) {
  const headers = Object.entries(metadata).map(([key, value]): [string, string] => [
    key,
    key.endsWith("-bin") ? encodeBinaryHeader(Buffer.from(value, "base64")) : value,
  ]);
  return { headers, ...(deadlineMs > 0 && { timeoutMs: deadlineMs }) };
}

/** The entries so many times over; ids of a session must differ, so each copy has ids of its own. */
function repeated(entries: Entry[], times: number): Entry[] {
  if (times === 1) return entries;
  return Array.from({ length: times }, (_, copy) =>
    entries.map(({ command, result, bits }) => {
      const id = BigInt.asUintN(64, command.id + BigInt(copy) * 1_000_000n);
      return { command: { ...command, id }, result: { ...result, id }, bits };
    }),
  ).flat();
}
