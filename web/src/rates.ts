/**
 * What snapshots of the workers, and the executions of results, come to. Pure.
 *
 * The contract gives counts since the server's start, and no percentiles: rates come from two snapshots, percentiles
 * from the results that the page itself has had.
 */
import type { Execution, WatchWorkersResponse } from "./gen/robot/v1/robot_pb";

export interface WorkerRate {
  worker: number;
  commandsPerSecond: number;
  /** 0 to 1. */
  busy: number;
  commands: bigint;
}

/** Of each worker between two snapshots; none if they are of two servers, or of one instant. */
export function rates(before: WatchWorkersResponse, now: WatchWorkersResponse): WorkerRate[] {
  if (now.uptimeNanos <= before.uptimeNanos) return [];
  const nanos = Number(now.uptimeNanos - before.uptimeNanos);
  const earlier = new Map(before.workers.map((worker) => [worker.worker, worker]));
  return now.workers.map(({ worker, commands, busyNanos }) => {
    const first = earlier.get(worker);
    const ran = Number(commands - (first?.commands ?? 0n));
    const busy = Number(busyNanos - (first?.busyNanos ?? 0n));
    return {
      worker,
      commands,
      commandsPerSecond: Math.max(0, (ran * 1e9) / nanos),
      busy: Math.min(1, Math.max(0, busy / nanos)),
    };
  });
}

/** The times of the last results, as many as it has room for. */
export class Times {
  private readonly queue: Float64Array;
  private readonly run: Float64Array;
  private next = 0;
  count = 0;

  constructor(readonly resultsMax: number) {
    this.queue = new Float64Array(resultsMax);
    this.run = new Float64Array(resultsMax);
  }

  push({ queueNanos, runNanos }: Execution): void {
    this.queue[this.next] = Number(queueNanos);
    this.run[this.next] = Number(runNanos);
    this.next = (this.next + 1) % this.resultsMax;
    this.count = Math.min(this.count + 1, this.resultsMax);
  }

  /** In nanoseconds; none before the first result. */
  percentiles(share: number): { queue: number; run: number } | undefined {
    if (this.count === 0) return undefined;
    return {
      queue: percentile(this.queue.subarray(0, this.count), share),
      run: percentile(this.run.subarray(0, this.count), share),
    };
  }
}

/** The smallest value that so large a share of all does not exceed. */
export function percentile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function timeText(nanos: number): string {
  if (nanos < 1e3) return `${nanos.toFixed(0)} ns`;
  if (nanos < 1e6) return `${(nanos / 1e3).toFixed(1)} µs`;
  if (nanos < 1e9) return `${(nanos / 1e6).toFixed(1)} ms`;
  return `${(nanos / 1e9).toFixed(2)} s`;
}

/** A count with separators, always the same ones. */
export function counted(value: number | bigint): string {
  return value.toLocaleString("en-GB");
}
