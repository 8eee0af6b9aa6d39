/** Keeps the account of a scenario: which entries were answered, and whether rightly. */
import type { RobotResult } from "./gen/robot/v1/robot_pb.js";
import { differenceFrom, type Entry } from "./vectors.js";

/** What was answered: each entry once and as it should be. */
export class Answers {
  readonly spread = new Map<number, number>();
  readonly #open: Map<bigint, Entry>;
  readonly #complete = signpost();
  count = 0;

  constructor(entries: Entry[]) {
    this.#open = new Map(entries.map((entry) => [entry.command.id, entry]));
    this.#check();
  }

  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  take(result: RobotResult): void {
    const entry = this.#open.get(result.id);
    if (entry === undefined) throw new Error(`id ${result.id}: answered again, or never sent`);
    mustAnswer(entry, result);
    this.#open.delete(result.id);
    this.count++;
    const worker = result.execution?.worker ?? 0;
    this.spread.set(worker, (this.spread.get(worker) ?? 0) + 1);
    this.#check();
  }

  mustBeComplete(): void {
    const [missing] = this.#open.keys();
    if (missing !== undefined) {
      throw new Error(`id ${missing}: not answered, one of ${this.#open.size}`);
    }
  }

  #check(): void {
    if (this.#open.size === 0) this.#complete.reached();
  }
}

export function mustAnswer(entry: Entry, result: RobotResult): void {
  const difference = differenceFrom(entry, result);
  if (difference !== undefined) throw new Error(`id ${entry.command.id}: ${difference}`);
}

/** A promise and what fulfils it. */
export function signpost<Value = void>(): {
  promise: Promise<Value>;
  reached: (value: Value) => void;
} {
  let reached!: (value: Value) => void;
  const promise = new Promise<Value>((resolve) => (reached = resolve));
  return { promise, reached };
}
