/** Puts text on the clipboard, or where that is not allowed into a box to copy from by hand. */
import { button, byId, setText } from "./dom";
import { asGrpcurl, asPython, type Copied, type Origin } from "./copy";
import { hasToken } from "./rpc";

export function attachCopying(program: () => Copied | undefined): void {
  const copy = (what: string, make: (origin: Origin, copied: Copied) => string) => {
    const copied = program();
    if (!copied) return;
    const origin = { host: location.host, tls: location.protocol === "https:", token: hasToken() };
    void toClipboard(make(origin, copied), what);
  };
  button("copy-grpcurl", () => copy("grpcurl command", asGrpcurl));
  button("copy-python", () => copy("Python program", asPython));
}

async function toClipboard(text: string, what: string): Promise<void> {
  const box = byId("copy-box", HTMLElement);
  try {
    await navigator.clipboard.writeText(text);
    box.hidden = true;
    setText("copy-note", `copied a ${what}`);
  } catch {
    // Without TLS, on another host than localhost, browsers give no clipboard.
    const area = byId("copy-text", HTMLTextAreaElement);
    area.value = text;
    box.hidden = false;
    area.focus();
    area.select();
    setText("copy-note", "the clipboard is closed to this page: copy it from here");
  }
}
