/**
 * Whether the server is there: asks what it is, follows its workers, and when it is gone tries until it is back.
 *
 * The stream of snapshots is what notices: it ends or falls silent. It must not know how any of this is shown.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { HealthCheckResponse_ServingStatus as Serving } from "./gen/grpc/health/v1/health_pb";
import type { GetServerInfoResponse, WatchWorkersResponse } from "./gen/robot/v1/robot_pb";
import { callErrorText, health, mayPass, robot, setToken, wantsToken } from "./rpc";

export type State =
  | { name: "connecting" }
  | { name: "up"; info: GetServerInfoResponse }
  | { name: "down"; why: string }
  | { name: "token"; why: string };

export interface Listener {
  state?(state: State, before: State): void;
  snapshot?(snapshot: WatchWorkersResponse): void;
  health?(status: string): void;
}

const SERVICE = "robot.v1.RobotService";
const INTERVAL_MS = 1000;
const SILENCE_MS_MAX = 10_000;
const CALL_MS_MAX = 5000;
const HEALTH_INTERVAL_MS = 5000;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 5000;

export class Connection {
  state: State = { name: "connecting" };
  private readonly listeners: Listener[] = [];
  private wake: (() => void) | undefined;
  private current: AbortController | undefined;
  private failures = 0;

  listen(listener: Listener): void {
    this.listeners.push(listener);
    listener.state?.(this.state, this.state);
  }

  /** What the server said of itself last; none before it has been reached. */
  info: GetServerInfoResponse | undefined;

  /** Never ends. */
  async run(): Promise<never> {
    for (;;) {
      try {
        await this.follow();
      } catch (error) {
        await this.recover(ConnectError.from(error));
      }
    }
  }

  /** Tries now, if it waits. */
  retry(): void {
    this.wake?.();
  }

  useToken(token: string): void {
    setToken(token);
    this.retry();
  }

  /** A call failed as if the server were gone: its stream may not have noticed yet. */
  suspect(): void {
    if (this.state.name !== "up") return;
    this.enter({ name: "connecting" });
    this.current?.abort(new ConnectError("a call failed", Code.Unavailable));
  }

  /** A call was refused for want of a token. */
  refused(error: ConnectError): void {
    // Whoever follows the server with the old token begins anew with the next one.
    this.current?.abort(error);
    this.enter({ name: "token", why: callErrorText(error) });
  }

  /** Resolves once the server is there; rejects when the signal fires. */
  whenUp(signal: AbortSignal): Promise<void> {
    if (this.state.name === "up") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const listener: Listener = {
        state: ({ name }) => {
          if (name === "up") done(resolve);
        },
      };
      const aborted = () => done(() => reject(ConnectError.from(signal.reason, Code.Canceled)));
      const done = (settle: () => void) => {
        this.listeners.splice(this.listeners.indexOf(listener), 1);
        signal.removeEventListener("abort", aborted);
        settle();
      };
      this.listeners.push(listener);
      signal.addEventListener("abort", aborted);
    });
  }

  private async follow(): Promise<void> {
    const info = await robot.getServerInfo({}, { timeoutMs: CALL_MS_MAX });
    this.info = info;
    this.enter({ name: "up", info });
    const healthTimer = setInterval(() => void this.checkHealth(), HEALTH_INTERVAL_MS);
    void this.checkHealth();
    const silence = new AbortController();
    this.current = silence;
    const silent = () =>
      silence.abort(new ConnectError("the server fell silent", Code.Unavailable));
    let timer = setTimeout(silent, SILENCE_MS_MAX);
    try {
      const call = { signal: silence.signal, timeoutMs: 0 };
      for await (const snapshot of robot.watchWorkers({ intervalMs: INTERVAL_MS }, call)) {
        clearTimeout(timer);
        timer = setTimeout(silent, SILENCE_MS_MAX);
        this.failures = 0;
        for (const listener of this.listeners) listener.snapshot?.(snapshot);
      }
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : error;
    } finally {
      clearTimeout(timer);
      clearInterval(healthTimer);
    }
    throw new ConnectError("the server ended the stream", Code.Unavailable);
  }

  /** The first failure is tried again at once: connections have an age, and that is no news. */
  private async recover(error: ConnectError): Promise<void> {
    this.failures += 1;
    if (wantsToken(error)) {
      this.refused(error);
      await this.wait(undefined);
      return;
    }
    if (this.failures === 1 && mayPass(error)) return;
    this.enter({ name: "down", why: callErrorText(error) });
    for (const listener of this.listeners) listener.health?.("unknown");
    const backoff = BACKOFF_MS_MIN * 2 ** Math.min(8, Math.max(0, this.failures - 2));
    const jittered = backoff * (0.75 + Math.random() / 2);
    await this.wait(Math.min(BACKOFF_MS_MAX, Math.max(BACKOFF_MS_MIN, jittered)));
  }

  private wait(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.wake?.(), ms);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }

  private async checkHealth(): Promise<void> {
    let status: string;
    try {
      const answer = await health.check({ service: SERVICE }, { timeoutMs: CALL_MS_MAX });
      status = Serving[answer.status] ?? "UNKNOWN";
    } catch (error) {
      status = callErrorText(error);
    }
    if (this.state.name !== "up") return;
    for (const listener of this.listeners) listener.health?.(status);
  }

  private enter(state: State): void {
    const before = this.state;
    this.state = state;
    for (const listener of this.listeners.slice()) listener.state?.(state, before);
  }
}
