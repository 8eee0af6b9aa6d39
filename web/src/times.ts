/**
 * How long the jobs of all workers waited and ran of late, from what snapshots count in powers of two. Pure.
 *
 * The counts tell between which bounds a time was, not what it was: a percentile is the bound that it was below.
 */
import type { WatchWorkersResponse } from "./gen/robot/v1/robot_pb";

/** As many lie a minute apart, one a second. */
export const SNAPSHOTS_MAX = 61;

/** The bound of the contract's first counter; each is twice the one before. */
const FIRST_NANOS = 1024;
/** The bounds; one counter more holds what is as long as the last of them, or longer. */
const BOUNDS = 24;

/** Nanoseconds that so many jobs were below; infinite where the contract has no bound. */
export interface Percentiles {
  p50: number;
  p99: number;
}

export interface JobTimes {
  seconds: number;
  jobs: number;
  /** None where no job was counted; a server may be too old to count. */
  queue: Percentiles | undefined;
  run: Percentiles | undefined;
}

/** What all workers of a server have counted since its start. */
interface Totals {
  uptimeNanos: bigint;
  jobs: number;
  queue: number[];
  run: number[];
}

/** The snapshots of the last minute, of one server. */
export class LastMinute {
  private kept: Totals[] = [];

  /** What happened since the oldest that is kept; none before there are two. */
  push(snapshot: WatchWorkersResponse): JobTimes | undefined {
    const now = totals(snapshot);
    const last = this.kept.at(-1);
    if (last && now.uptimeNanos <= last.uptimeNanos) this.clear();
    this.kept.push(now);
    this.kept = this.kept.slice(-SNAPSHOTS_MAX);
    const first = this.kept[0]!;
    return first === now ? undefined : between(first, now);
  }

  clear(): void {
    this.kept = [];
  }
}

/** Of the jobs that were run between two snapshots of one server. */
export function jobTimes(before: WatchWorkersResponse, now: WatchWorkersResponse): JobTimes {
  return between(totals(before), totals(now));
}

/** Rounded up: below that it is, too. */
export function boundText(nanos: number): string {
  if (nanos === Infinity) return "≥ 8.5 s";
  const [unit, unitNanos] =
    nanos < 1e6
      ? (["µs", 1e3] as const)
      : nanos < 1e9
        ? (["ms", 1e6] as const)
        : (["s", 1e9] as const);
  const value = nanos / unitNanos;
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `< ${(Math.ceil(value * 10 ** digits) / 10 ** digits).toFixed(digits)} ${unit}`;
}

function totals({ uptimeNanos, workers }: WatchWorkersResponse): Totals {
  const sum: Totals = { uptimeNanos, jobs: 0, queue: zeros(), run: zeros() };
  for (const worker of workers) {
    sum.jobs += Number(worker.jobs);
    add(sum.queue, worker.queueTimeCounts);
    add(sum.run, worker.runTimeCounts);
  }
  return sum;
}

function zeros(): number[] {
  return Array.from({ length: BOUNDS + 1 }, () => 0);
}

/** Counts that are left out are 0. */
function add(sum: number[], counts: readonly bigint[]): void {
  counts.slice(0, sum.length).forEach((count, place) => (sum[place]! += Number(count)));
}

function between(before: Totals, now: Totals): JobTimes {
  const more = (from: number[], to: number[]) =>
    to.map((count, place) => Math.max(0, count - from[place]!));
  return {
    seconds: Number(now.uptimeNanos - before.uptimeNanos) / 1e9,
    jobs: Math.max(0, now.jobs - before.jobs),
    queue: percentiles(more(before.queue, now.queue)),
    run: percentiles(more(before.run, now.run)),
  };
}

function percentiles(counts: readonly number[]): Percentiles | undefined {
  const jobs = counts.reduce((sum, count) => sum + count, 0);
  if (jobs === 0) return undefined;
  return { p50: boundOf(counts, (jobs * 50) / 100), p99: boundOf(counts, (jobs * 99) / 100) };
}

/** The first bound that so many jobs are below. */
function boundOf(counts: readonly number[], jobs: number): number {
  let counted = 0;
  const place = counts.findIndex((count) => (counted += count) >= jobs);
  return place < BOUNDS ? FIRST_NANOS * 2 ** place : Infinity;
}
