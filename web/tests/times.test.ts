import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { WatchWorkersResponseSchema } from "../src/gen/robot/v1/robot_pb";
import { boundText, jobTimes, LastMinute, SNAPSHOTS_MAX } from "../src/times";

type Counts = readonly number[];

/** Of workers that counted so many jobs by their waits, and by their runs. */
function snapshot(seconds: number, ...workers: [queue: Counts, run: Counts][]) {
  const big = (counts: Counts) => counts.map(BigInt);
  const jobs = (counts: Counts) => BigInt(counts.reduce((sum, count) => sum + count, 0));
  return create(WatchWorkersResponseSchema, {
    uptimeNanos: BigInt(seconds) * 1_000_000_000n,
    workers: workers.map(([queue, run], worker) => ({
      worker,
      jobs: jobs(run),
      queueTimeCounts: big(queue),
      runTimeCounts: big(run),
    })),
  });
}

/** So many jobs behind the last bound. */
const longer = (jobs: number) => [...Array.from({ length: 24 }, () => 0), jobs];

describe("times of jobs", () => {
  test("are the bounds of what all workers ran between two snapshots", () => {
    const before = snapshot(1, [[7, 1], [8]], [[], []]);
    const now = snapshot(
      3,
      [
        [57, 1],
        [8, 50],
      ],
      [
        [0, 0, 48, 2],
        [0, 50],
      ],
    );
    expect(jobTimes(before, now)).toEqual({
      seconds: 2,
      jobs: 100,
      queue: { p50: 1024, p99: 8192 },
      run: { p50: 2048, p99: 2048 },
    });
  });

  test("are by rank: of a hundred jobs the longest is above the 99th", () => {
    const of = (...queue: number[]) => jobTimes(snapshot(0), snapshot(1, [queue, []])).queue;
    expect(of(50, 49, 1)).toEqual({ p50: 1024, p99: 2048 });
    expect(of(49, 49, 2)).toEqual({ p50: 2048, p99: 4096 });
    expect(of(0, 0, 1)).toEqual({ p50: 4096, p99: 4096 });
    expect(of(2, 1)).toEqual({ p50: 1024, p99: 2048 });
  });

  test("have no bound above the last one", () => {
    const { queue, run } = jobTimes(
      snapshot(0, [longer(5), longer(0)]),
      snapshot(1, [longer(6), [3, ...longer(1).slice(1)]]),
    );
    expect(queue).toEqual({ p50: Infinity, p99: Infinity });
    expect(run).toEqual({ p50: 1024, p99: Infinity });
    const almost = jobTimes(snapshot(0), snapshot(1, [longer(9).slice(1), []]));
    expect(almost.queue).toEqual({ p50: 2 ** 33, p99: 2 ** 33 });
  });

  test("are none where nothing ran, and where a server counts only jobs", () => {
    const idle = snapshot(1, [[3], [3]]);
    const none = { seconds: 1, queue: undefined, run: undefined };
    expect(jobTimes(idle, snapshot(2, [[3], [3]]))).toEqual({ ...none, jobs: 0 });
    const old = create(WatchWorkersResponseSchema, {
      uptimeNanos: 1_000_000_000n,
      workers: [{ worker: 0, jobs: 9n }],
    });
    expect(jobTimes(snapshot(0), old)).toEqual({ ...none, jobs: 9 });
  });

  test("are said in a unit that fits, and never below what they are", () => {
    const nanos = [2 ** 10, 2 ** 16, 2 ** 17, 2 ** 20, 2 ** 29, 2 ** 30, 2 ** 33, Infinity];
    expect(nanos.map(boundText)).toEqual([
      "< 1.03 µs",
      "< 65.6 µs",
      "< 132 µs",
      "< 1.05 ms",
      "< 537 ms",
      "< 1.08 s",
      "< 8.59 s",
      "≥ 8.5 s",
    ]);
  });
});

describe("the last minute", () => {
  test("forgets what is older", () => {
    const minute = new LastMinute();
    expect(minute.push(snapshot(0, [[0], [0]]))).toBeUndefined();
    // One job a second, and before the first of those 1000 at once.
    let times;
    for (let second = 1; second < SNAPSHOTS_MAX; second += 1) {
      times = minute.push(snapshot(second, [[999 + second], [999 + second]]));
    }
    expect(times).toMatchObject({ seconds: 60, jobs: 1059 });
    times = minute.push(snapshot(SNAPSHOTS_MAX, [[999 + SNAPSHOTS_MAX], [999 + SNAPSHOTS_MAX]]));
    expect(times).toMatchObject({ seconds: 60, jobs: 60 });
  });

  test("begins anew with another server", () => {
    const minute = new LastMinute();
    minute.push(snapshot(8, [[5], [5]]));
    expect(minute.push(snapshot(2, [[1], [1]]))).toBeUndefined();
    expect(minute.push(snapshot(3, [[2], [2]]))).toMatchObject({ seconds: 1, jobs: 1 });
    minute.clear();
    expect(minute.push(snapshot(9, [[7], [7]]))).toBeUndefined();
  });
});
