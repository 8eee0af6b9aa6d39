/** Says whether the server is there, what it is, and asks for a token if it wants one. */
import { button, byId, el, setText } from "./dom";
import type { Connection, State } from "./connection";
import { QueueKind, type GetServerInfoResponse } from "./gen/robot/v1/robot_pb";
import { counted } from "./rates";
import { hasToken } from "./rpc";

export function attachStatus(connection: Connection): void {
  const dialog = byId("token-dialog", HTMLDialogElement);
  const field = byId("token", HTMLInputElement);
  const open = () => {
    if (!dialog.open) dialog.showModal();
    field.focus();
  };
  const ask = button("token-open", open);
  const retry = button("retry", () => connection.retry());
  button("token-cancel", () => dialog.close());
  byId("token-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const token = field.value.trim();
    if (token === "") return;
    field.value = "";
    dialog.close();
    connection.useToken(token);
  });
  dialog.addEventListener("close", () => {
    field.value = "";
  });

  let lost = false;
  connection.listen({
    state(state) {
      byId("connection", HTMLElement).dataset["state"] = state.name;
      lost ||= state.name === "down";
      setText("connection-text", stateText(state, lost));
      if (state.name === "up") {
        lost = false;
        showInfo(state.info);
      }
      retry.hidden = state.name !== "down";
      ask.hidden = state.name !== "token";
      if (state.name === "token") {
        setText(
          "token-why",
          hasToken() ? `It refused the last one: ${state.why}.` : `It says: ${state.why}.`,
        );
        open();
      }
    },
    health: (status) => setText("health", status),
    snapshot: ({ uptimeNanos }) => setText("uptime", uptimeText(uptimeNanos)),
  });
}

function stateText(state: State, lost: boolean): string {
  switch (state.name) {
    case "connecting":
      return "connecting";
    case "up":
      return lost ? "connected again" : "connected";
    case "down":
      return `the server is gone: ${state.why}; trying again`;
    case "token":
      return "the server wants a token";
  }
}

function showInfo({
  version,
  semanticsVersion,
  workers,
  queueKind,
  limits,
}: GetServerInfoResponse): void {
  setText("version", `robot-server ${version}`);
  setText("server-version", version);
  setText("semantics", String(semanticsVersion));
  setText("server-workers", String(workers));
  setText("queue-kind", (QueueKind[queueKind] ?? String(queueKind)).toLowerCase());
  const rows = Object.entries(limits ?? {}).flatMap(([name, value]) =>
    typeof value === "number" || typeof value === "bigint" ? [limitRow(name, value)] : [],
  );
  byId("limits", HTMLElement).replaceChildren(...rows);
}

function limitRow(name: string, value: number | bigint): HTMLElement {
  const row = el("div");
  const words = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  row.append(el("dt", "", words), el("dd", "", counted(value)));
  return row;
}

function uptimeText(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
