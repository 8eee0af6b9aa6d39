/**
 * A client of robot.v1.RobotService to copy, together with outbox.ts: `connect`,
 * and `execute`, which sends commands and receives results at the same time,
 * never has more than a window of commands unanswered, and sends what is
 * unanswered again when a stream breaks. Commands are pure, so running one twice
 * does no harm.
 *
 * It knows nothing of what a command does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  Code,
  ConnectError,
  createClient,
  type CallOptions,
  type Client,
  type Interceptor,
} from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { RobotService, type RobotResult } from "./gen/robot/v1/robot_pb.js";
import { Outbox, type Batch } from "./outbox.js";

export type { Batch };
export type RobotClient = Client<typeof RobotService>;

export interface ConnectOptions {
  /** Certificates to trust, PEM; those that Node.js trusts if left out. */
  ca?: string;
  /** Sent with every call, never in the clear to another machine. */
  token?: string;
  interceptors?: Interceptor[];
}

export interface ExecuteOptions {
  /** Commands that may be unanswered. A larger batch is sent once none is. */
  inFlightMax?: number;
  /** The first wait before a new try, shortened by chance; each failure makes it three times as long. */
  backoffMsMin?: number;
  /** Cancels the session. */
  signal?: AbortSignal;
  /** For each stream. The deadline of a session is `signal: AbortSignal.timeout(ms)`. */
  call?: Pick<CallOptions, "headers" | "timeoutMs">;
  /** Called before a new try, with how many commands are sent again and why. */
  onRetry?: (resent: number, cause: ConnectError) => void;
}

/** Streams broke, one after the other, without a new result. */
export class GaveUpError extends Error {
  override readonly name = "GaveUpError";

  constructor(
    readonly unanswered: readonly bigint[],
    cause: ConnectError,
  ) {
    const message = `gave up after ${TRIES_MAX} tries, ${unanswered.length} commands are unanswered`;
    super(`${message}: ${cause.message}`, { cause });
  }
}

const IN_FLIGHT_MAX = 256;
/** Streams in a row that may break without a result. */
const TRIES_MAX = 3;
/** Half a second, 1.5 s and 4.5 s, less by chance: a server may take as long to restart. */
const BACKOFF_MS_MIN = 500;
const BACKOFF_FACTOR = 3;
/** What a stream may take to open; the server answers with headers at once. */
const OPEN_MS_MAX = 5_000;
/** No response message is larger. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
/** How soon a connection is found dead that just falls silent. */
const PING_INTERVAL_MS = 4_000;
/** Node.js may not notice the end of a TLS connection whose peer was killed. */
const PING_TIMEOUT_MS = 2_000;

/** After these codes another stream may do better; after all others it would fail again. */
const RETRYABLE: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Internal,
  Code.Unknown,
  Code.Aborted,
  Code.Canceled, // by the other side: what the caller cancels is never tried again
]);

/**
 * A client of the server at `url`, http://HOST:PORT or https://HOST:PORT. It
 * connects with the first call, and anew when the connection is lost.
 */
export function connect(url: string, options: ConnectOptions = {}): RobotClient {
  const { ca, token, interceptors = [] } = options;
  const { protocol, hostname } = new URL(url);
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (token !== undefined && protocol !== "https:" && !loopback) {
    throw new TypeError(`a token is sent to ${hostname} over https only`);
  }
  const transport = createGrpcTransport({
    baseUrl: url,
    interceptors: token === undefined ? interceptors : [bearer(token), ...interceptors],
    nodeOptions: ca === undefined ? {} : { ca },
    pingIntervalMs: PING_INTERVAL_MS,
    pingTimeoutMs: PING_TIMEOUT_MS,
    readMaxBytes: RESPONSE_BYTES_MAX,
  });
  return createClient(RobotService, transport);
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}

/**
 * Runs commands, each batch sent as one message, and yields each command's
 * result once, in the order in which they complete: match them by id. Ids of
 * unanswered commands must differ. It ends when `batches` has ended and all is
 * answered; leaving the loop early cancels the call.
 *
 * Throws a `ConnectError` where another try cannot help, a `GaveUpError` after
 * three tries without a result, and what `batches` throws.
 */
export async function* execute(
  client: RobotClient,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  options: ExecuteOptions = {},
): AsyncGenerator<RobotResult, void, undefined> {
  const { inFlightMax = IN_FLIGHT_MAX, backoffMsMin = BACKOFF_MS_MIN, signal, onRetry } = options;
  const outbox = new Outbox(batches, inFlightMax);
  let failures = 0;
  try {
    for (;;) {
      let progressed = false;
      let ending: unknown = new ConnectError("the stream ended too early", Code.Unavailable);
      try {
        for await (const result of resultsOfStream(client, outbox, options)) {
          outbox.answered(result.id);
          progressed = true;
          yield result;
        }
      } catch (error) {
        ending = error;
      }
      outbox.throwIfFailed();
      if (!isRetryable(ending)) throw ending;
      if (outbox.isIdle) {
        await outbox.hasWork(signal); // nothing is lost: the server ends streams that are not used
        if (outbox.isDone) return;
        failures = 0;
        continue;
      }
      failures = progressed ? 0 : failures + 1;
      if (failures >= TRIES_MAX) throw new GaveUpError(outbox.unanswered, ending);
      const waitMs = backoffMsMin * BACKOFF_FACTOR ** failures;
      await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal });
      onRetry?.(outbox.sent, ending);
    }
  } catch (error) {
    throw signal?.aborted ? ConnectError.from(signal.reason, Code.Canceled) : error;
  } finally {
    outbox.close();
  }
}

function isRetryable(error: unknown): error is ConnectError {
  return error instanceof ConnectError && RETRYABLE.has(error.code);
}

/** One stream, from its opening to its end. */
async function* resultsOfStream(
  client: RobotClient,
  outbox: Outbox,
  { signal: session, call }: ExecuteOptions,
): AsyncGenerator<RobotResult, void, undefined> {
  const stream = new AbortController();
  const signal = session ? AbortSignal.any([session, stream.signal]) : stream.signal;
  const tooLate = new ConnectError(`no stream after ${OPEN_MS_MAX} ms`, Code.Unavailable);
  const opening = setTimeout(() => stream.abort(tooLate), OPEN_MS_MAX);
  const onHeader = () => clearTimeout(opening);
  try {
    const requests = outbox.requests(signal);
    for await (const response of client.executeStream(requests, { ...call, signal, onHeader })) {
      yield* response.results;
    }
  } finally {
    clearTimeout(opening);
    stream.abort(); // leaving a loop over responses does not cancel the call by itself
  }
}
