/** What the workers do, as bars that move with each snapshot; and how long jobs waited and ran in the last minute. */
import { byId, el, setText } from "./dom";
import type { Connection } from "./connection";
import type { WatchWorkersResponse, WorkerSnapshot } from "./gen/robot/v1/robot_pb";
import { Sparkline } from "./sparkline";
import { counted, rates, type WorkerRate } from "./rates";
import { boundText, LastMinute, type JobTimes, type Percentiles } from "./times";

export function attachWorkers(connection: Connection): void {
  const workers = new Workers();
  connection.listen({
    snapshot: (snapshot) => workers.show(snapshot),
    state: ({ name }) => {
      if (name !== "up") workers.forget();
      byId("workers-scroll", HTMLElement).classList.toggle("stale", name !== "up");
    },
  });
}

class Workers {
  private before: WatchWorkersResponse | undefined;
  private readonly rows = new Map<number, Row>();
  private readonly body = byId("workers-rows", HTMLElement);
  private readonly minute = new Sparkline("rate-minute");
  private readonly times = new LastMinute();

  /** What comes next may be of another server. */
  forget(): void {
    this.before = undefined;
    this.times.clear();
  }

  show(snapshot: WatchWorkersResponse): void {
    const { queue, openCalls, workers } = snapshot;
    const known = this.before ? rates(this.before, snapshot) : [];
    this.before = snapshot;
    const shown = known.length > 0 ? known : workers.map(still);
    this.showRows(shown);
    showTimes(this.times.push(snapshot));
    const all = shown.reduce((sum, rate) => sum + rate.commandsPerSecond, 0);
    this.minute.push(all);
    setText("rate-all", `${counted(Math.round(all))} commands/s`);
    setText("open-calls", counted(openCalls));
    if (!queue) return;
    setText("queue", `${counted(queue.jobs)} of ${counted(queue.jobsMax)} jobs`);
    setText("idle", counted(queue.idleWorkers));
    byId("queue-bar", HTMLElement).style.width =
      `${(100 * queue.jobs) / Math.max(1, queue.jobsMax)}%`;
  }

  private showRows(shown: readonly WorkerRate[]): void {
    const numbers = new Set(shown.map(({ worker }) => worker));
    for (const [worker, row] of this.rows) {
      if (numbers.has(worker)) continue;
      row.element.remove();
      this.rows.delete(worker);
    }
    for (const rate of shown) {
      let row = this.rows.get(rate.worker);
      if (!row) {
        row = new Row(rate.worker);
        this.rows.set(rate.worker, row);
        this.body.append(row.element);
      }
      row.show(rate);
    }
  }
}

/** Before there are two snapshots there are no times, and those of before stay as they are. */
function showTimes(times: JobTimes | undefined): void {
  if (!times) return;
  const { seconds, jobs, queue, run } = times;
  const some = jobs > 0 ? counted(jobs) : "none";
  setText("times-caption", `Jobs of all workers in the last ${Math.round(seconds)} s: ${some}`);
  showPercentiles("queue", queue);
  showPercentiles("run", run);
}

function showPercentiles(what: "queue" | "run", percentiles: Percentiles | undefined): void {
  setText(`${what}-p50`, percentiles ? boundText(percentiles.p50) : "–");
  setText(`${what}-p99`, percentiles ? boundText(percentiles.p99) : "–");
}

/** Before there are two snapshots there is no rate. */
function still({ worker, commands }: WorkerSnapshot): WorkerRate {
  return { worker, commands, commandsPerSecond: 0, busy: 0 };
}

class Row {
  readonly element = el("tr");
  private readonly bar = el("i");
  private readonly busy = el("span");
  private readonly rate = el("td", "number");

  constructor(worker: number) {
    const head = el("th", "", String(worker));
    head.setAttribute("scope", "row");
    const meter = el("span", "busy");
    meter.ariaHidden = "true";
    meter.append(this.bar);
    const cell = el("div", "busy-cell");
    cell.append(meter, this.busy);
    const column = el("td");
    column.append(cell);
    this.element.append(head, column, this.rate);
  }

  show({ busy, commandsPerSecond, commands }: WorkerRate): void {
    this.bar.style.width = `${100 * busy}%`;
    this.busy.textContent = `${(100 * busy).toFixed(busy < 0.1 ? 1 : 0)}%`;
    this.rate.textContent = counted(Math.round(commandsPerSecond));
    this.element.title = `${counted(commands)} commands since the server's start`;
  }
}
