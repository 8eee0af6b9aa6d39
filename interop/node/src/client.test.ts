/** Sessions against servers that live in this process and misbehave as they are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { connect, execute, GaveUpError, type Batch, type ExecuteOptions } from "./client.js";
import {
  ExecuteStreamResponseSchema,
  RobotService,
  type ExecuteStreamRequest,
  type ExecuteStreamResponse,
} from "./gen/robot/v1/robot_pb.js";

type Requests = AsyncIterable<ExecuteStreamRequest>;
type Server = (
  requests: Requests,
  stream: number,
  signal: AbortSignal,
) => AsyncIterable<ExecuteStreamResponse>;

function clientOf(server: Server) {
  let streams = 0;
  const transport = createRouterTransport((router) => {
    router.service(RobotService, {
      executeStream: (requests, { signal }) => server(requests, ++streams, signal),
    });
  });
  return createClient(RobotService, transport);
}

const commands = (...ids: bigint[]): Batch[] => ids.map((id) => [{ id, state: {} }]);
const answerTo = ({ commands: asked }: ExecuteStreamRequest) =>
  create(ExecuteStreamResponseSchema, { results: asked.map(({ id }) => ({ id })) });

async function* echo(requests: Requests) {
  for await (const request of requests) yield answerTo(request);
}

async function* neverEnding() {
  yield* commands(1n);
  await new Promise(() => {});
}

async function idsOf(
  server: Server,
  batches: Parameters<typeof execute>[1],
  options?: ExecuteOptions,
) {
  const ids: bigint[] = [];
  const results = execute(clientOf(server), batches, { backoffMsMin: 1, ...options });
  for await (const { id } of results) ids.push(id);
  return ids;
}

test("what is unanswered is sent again, and each result comes once", async () => {
  const seen: [stream: number, id: bigint][] = [];
  const retries: number[] = [];
  async function* breaksOnTheThird(requests: Requests, stream: number) {
    for await (const request of requests) {
      for (const { id } of request.commands) seen.push([stream, id]);
      if (stream === 1 && seen.length === 3) throw new ConnectError("gone", Code.Unavailable);
      yield answerTo(request);
    }
  }
  const ids = await idsOf(breaksOnTheThird, commands(0n, 1n, 2n ** 64n - 1n, 3n), {
    onRetry: (resent) => retries.push(resent),
  });
  assert.deepEqual(new Set(ids), new Set([0n, 1n, 2n ** 64n - 1n, 3n]));
  assert.equal(ids.length, 4);
  assert.equal(retries.length, 1);
  assert.ok(seen.some(([stream, id]) => stream === 2 && id === 2n ** 64n - 1n));
});

test("an OK before all is answered is a broken stream", async () => {
  async function* endsAfterOne(requests: Requests, stream: number) {
    for await (const request of requests) {
      yield answerTo(request);
      if (stream === 1) return;
    }
  }
  assert.deepEqual(await idsOf(endsAfterOne, commands(1n, 2n, 3n)), [1n, 2n, 3n]);
});

test("a session gives up after three tries without a result and names what is unanswered", async () => {
  let streams = 0;
  async function* breaks(requests: Requests, stream: number) {
    streams = stream;
    for await (const request of requests) {
      if (request) throw new ConnectError("gone", Code.Internal);
      yield answerTo(request);
    }
  }
  await assert.rejects(idsOf(breaks, commands(7n)), (error) => {
    assert.ok(error instanceof GaveUpError);
    assert.deepEqual(error.unanswered, [7n]);
    return true;
  });
  assert.equal(streams, 3);
});

for (const code of [Code.InvalidArgument, Code.ResourceExhausted, Code.Unauthenticated]) {
  test(`nothing is sent again after ${Code[code]}`, async () => {
    let streams = 0;
    // oxlint-disable-next-line require-yield
    async function* refuses(_: Requests, stream: number): AsyncGenerator<ExecuteStreamResponse> {
      streams = stream;
      throw new ConnectError("no", code);
    }
    await assert.rejects(idsOf(refuses, commands(1n)), { code });
    assert.equal(streams, 1);
  });
}

test("a stream that brought a result is no failed try", async () => {
  async function* breaksAfterOne(requests: Requests) {
    for await (const { commands: asked } of requests) {
      yield create(ExecuteStreamResponseSchema, {
        results: asked.slice(0, 1).map(({ id }) => ({ id })),
      });
      throw new ConnectError("gone", Code.Unavailable);
    }
  }
  const ids = [1n, 2n, 3n, 4n, 5n, 6n];
  assert.deepEqual(await idsOf(breaksAfterOne, [ids.map((id) => ({ id, state: {} }))]), ids);
});

test("never more than the window is unanswered", async () => {
  const ids = Array.from({ length: 50 }, (_, index) => BigInt(index));
  let most = 0;
  async function* readsAhead(requests: Requests) {
    const unanswered: ExecuteStreamRequest[] = [];
    const read = async () => {
      for await (const request of requests) {
        most = Math.max(most, unanswered.push(request));
      }
    };
    const reading = read();
    for (let answered = 0; answered < ids.length;) {
      for (let turn = 0; turn < 10; turn++) await setImmediate(); // whoever could send has sent
      const request = unanswered.shift();
      if (request === undefined) continue;
      yield answerTo(request);
      answered++;
    }
    await reading;
  }
  assert.deepEqual(await idsOf(readsAhead, commands(...ids), { inFlightMax: 3 }), ids);
  assert.equal(most, 3);
});

test("a batch larger than the window is sent when nothing is unanswered", async () => {
  const batches = [...commands(1n), [2n, 3n, 4n].map((id) => ({ id, state: {} }))];
  assert.deepEqual(await idsOf(echo, batches, { inFlightMax: 1 }), [1n, 2n, 3n, 4n]);
});

test("no batches are no results", async () => {
  assert.deepEqual(await idsOf(echo, []), []);
});

test("an id that is unanswered cannot be sent again", async () => {
  await assert.rejects(idsOf(echo, [[{ id: 5n }, { id: 5n }]]), RangeError);
});

test("what the source of commands throws reaches the caller, and nothing is tried again", async () => {
  const broken = new Error("no more input");
  async function* batches() {
    yield* commands(1n);
    throw broken;
  }
  await assert.rejects(idsOf(echo, batches()), broken);
});

test("what it throws is not lost if the stream ended before", async () => {
  const broken = new Error("no more input");
  let ended!: () => void;
  const streamEnded = new Promise<void>((resolve) => (ended = resolve));
  async function* batches() {
    yield* commands(1n);
    await streamEnded;
    throw broken;
  }
  async function* endsAfterOne(requests: Requests) {
    for await (const request of requests) {
      yield answerTo(request);
      ended();
      return;
    }
  }
  await assert.rejects(idsOf(endsAfterOne, batches()), broken);
});

test("a result that nobody asked for ends the session", async () => {
  async function* invents() {
    yield create(ExecuteStreamResponseSchema, { results: [{ id: 99n }] });
  }
  await assert.rejects(idsOf(invents, commands(1n)), /id 99/);
});

test("cancelling ends a session that waits for its source", async () => {
  const controller = new AbortController();
  const results = execute(clientOf(echo), neverEnding(), { signal: controller.signal });
  await assert.rejects(
    async () => {
      for await (const { id } of results) {
        assert.equal(id, 1n);
        controller.abort();
      }
    },
    { code: Code.Canceled },
  );
});

test("leaving the loop early cancels the call", async () => {
  let call: AbortSignal | undefined;
  async function* watched(requests: Requests, _: number, signal: AbortSignal) {
    call = signal;
    yield* echo(requests);
  }
  for await (const { id } of execute(clientOf(watched), neverEnding())) {
    assert.equal(id, 1n);
    break;
  }
  assert.equal(call?.aborted, true);
});

test("a token is not sent in the clear to another machine", () => {
  assert.throws(() => connect("http://robots.example:50051", { token: "secret" }), TypeError);
  connect("http://127.0.0.1:50051", { token: "secret" });
  connect("https://robots.example:50051", { token: "secret" });
});
