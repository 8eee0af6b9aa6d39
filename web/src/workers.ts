/** What the workers do, as bars that move with each snapshot; and how long the page's own results took. */
import { byId, el, setText } from "./dom";
import type { Connection } from "./connection";
import type { RobotResult, WatchWorkersResponse, WorkerSnapshot } from "./gen/robot/v1/robot_pb";
import { Sparkline } from "./sparkline";
import { counted, rates, timeText, Times, type WorkerRate } from "./rates";

const RESULTS_MAX = 1000;

export class Workers {
  private before: WatchWorkersResponse | undefined;
  private readonly rows = new Map<number, Row>();
  private readonly body = byId("workers-rows", HTMLElement);
  private readonly minute = new Sparkline("rate-minute");
  private readonly times = new Times(RESULTS_MAX);

  constructor(connection: Connection) {
    connection.listen({
      snapshot: (snapshot) => this.show(snapshot),
      state: ({ name }) => {
        if (name !== "up") this.before = undefined;
        byId("workers-scroll", HTMLElement).classList.toggle("stale", name !== "up");
      },
    });
  }

  /** Results that a call of the page has brought. */
  seen(results: readonly RobotResult[]): void {
    for (const { execution } of results) if (execution) this.times.push(execution);
    const half = this.times.percentiles(0.5);
    const most = this.times.percentiles(0.99);
    if (!half || !most) return;
    setText(
      "times-caption",
      `Times of this page's last results, ${counted(this.times.count)} of them`,
    );
    setText("queue-p50", timeText(half.queue));
    setText("queue-p99", timeText(most.queue));
    setText("run-p50", timeText(half.run));
    setText("run-p99", timeText(most.run));
  }

  private show(snapshot: WatchWorkersResponse): void {
    const { queue, openCalls, workers } = snapshot;
    const known = this.before ? rates(this.before, snapshot) : [];
    this.before = snapshot;
    const shown = known.length > 0 ? known : workers.map(still);
    this.showRows(shown);
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
