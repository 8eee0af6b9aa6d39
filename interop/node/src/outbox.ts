/**
 * What a session has to send, and what it has sent and is unanswered. It outlives
 * the streams: each of them takes up where the one before it broke. It does no
 * I/O and knows nothing of why streams end.
 */
import { EventEmitter, once } from "node:events";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { RobotCommandSchema, type RobotCommand } from "./gen/robot/v1/robot_pb.js";

/** The commands of one message. */
export type Batch = readonly MessageInitShape<typeof RobotCommandSchema>[];

export class Outbox {
  readonly #source: AsyncGenerator<Batch, void, undefined>;
  readonly #inFlightMax: number;
  readonly #unanswered = new Map<bigint, RobotCommand>();
  readonly #changes = new EventEmitter<{ change: [] }>();
  /** Taken from the source, not sent yet. */
  #next: RobotCommand[] | undefined;
  #pulling = false;
  #ended = false;
  #failure: { error: unknown } | undefined;

  constructor(batches: Iterable<Batch> | AsyncIterable<Batch>, inFlightMax: number) {
    this.#source = (async function* () {
      yield* batches;
    })();
    this.#inFlightMax = inFlightMax;
  }

  /** Nothing is unanswered and nothing waits to be sent. */
  get isIdle(): boolean {
    return this.#unanswered.size === 0 && this.#next === undefined;
  }

  /** Nothing ever will be. */
  get isDone(): boolean {
    return this.isIdle && this.#ended;
  }

  /** How many were sent and are unanswered. */
  get sent(): number {
    return this.#unanswered.size;
  }

  /** The ids of those, and of what waits to be sent. */
  get unanswered(): bigint[] {
    return [...this.#unanswered.keys(), ...(this.#next ?? []).map(({ id }) => id)];
  }

  /**
   * The messages of one stream, until `signal` says that it is over. First what
   * is unanswered, a message each: together they could be over a limit.
   */
  async *requests(signal: AbortSignal): AsyncGenerator<{ commands: RobotCommand[] }> {
    for (const command of this.#unanswered.values()) yield { commands: [command] };
    for (;;) {
      await this.#until(() => this.#ended || this.#fits(), signal);
      signal.throwIfAborted(); // or the batch would go down with this stream, unseen by the next
      const commands = this.#take();
      if (commands === undefined) return; // half-close
      yield { commands };
    }
  }

  answered(id: bigint): void {
    if (!this.#unanswered.delete(id))
      throw new Error(`a result for id ${id}, which is not unanswered`);
    this.#changes.emit("change");
  }

  async hasWork(signal: AbortSignal | undefined): Promise<void> {
    await this.#until(() => this.#ended || this.#next !== undefined, signal);
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Does not wait for the source, which may never yield again. */
  close(): void {
    this.#source.return().catch(() => {});
  }

  async #until(condition: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    void this.#pull();
    while (!condition()) {
      await once(this.#changes, "change", { signal });
      this.throwIfFailed();
    }
  }

  #fits(): boolean {
    if (this.#next === undefined) return false;
    const inFlight = this.#unanswered.size;
    return inFlight === 0 || inFlight + this.#next.length <= this.#inFlightMax;
  }

  /** Whoever waits for a batch asks for it; it is kept when that stream has broken meanwhile. */
  async #pull(): Promise<void> {
    if (this.#pulling || this.#ended || this.#next !== undefined) return;
    this.#pulling = true;
    try {
      const { done, value } = await this.#source.next();
      if (done) this.#ended = true;
      else this.#next = value.map((command) => create(RobotCommandSchema, command));
    } catch (error) {
      this.#failure = { error };
    }
    this.#pulling = false;
    this.#changes.emit("change");
  }

  #take(): RobotCommand[] | undefined {
    const commands = this.#next;
    this.#next = undefined;
    for (const command of commands ?? []) {
      if (this.#unanswered.has(command.id)) {
        this.#failure = { error: new RangeError(`id ${command.id} is already unanswered`) };
        this.throwIfFailed();
      }
      this.#unanswered.set(command.id, command);
    }
    return commands;
  }
}
