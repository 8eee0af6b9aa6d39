/** What the workers did between two snapshots: the contract gives counts since the server's start. Pure. */
import type { WatchWorkersResponse } from "./gen/robot/v1/robot_pb";

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

/** A count with separators, always the same ones. */
export function counted(value: number | bigint): string {
  return value.toLocaleString("en-GB");
}
