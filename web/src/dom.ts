/** The few things that all who touch the page's elements need. It must not know what any element is for. */

/** An element that index.html has. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

export function button(id: string, click: () => void): HTMLButtonElement {
  const element = byId(id, HTMLButtonElement);
  element.addEventListener("click", click);
  return element;
}

export function setText(id: string, text: string): void {
  const element = byId(id, HTMLElement);
  // Screen readers read a live region anew even if it is set to what it says.
  if (element.textContent !== text) element.textContent = text;
}

/** Sets a text and says whether it is good news. */
export function setNote(id: string, text: string, outcome: "good" | "bad" | "none" = "none"): void {
  setText(id, text);
  byId(id, HTMLElement).dataset["outcome"] = outcome;
}

export function el(tag: string, className = "", text = ""): HTMLElement {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Says something to who cannot see it. */
export function announce(text: string): void {
  setText("announce", text);
}

/** What a field holds as a finite number, or none. */
export function numberIn(input: HTMLInputElement): number | undefined {
  const text = input.value.trim();
  const value = Number(text);
  const good = text !== "" && Number.isFinite(value);
  input.toggleAttribute("aria-invalid", false);
  if (!good) input.setAttribute("aria-invalid", "true");
  return good ? value : undefined;
}

/** Runs something in the next frame, once, however often it is asked for until then. */
export function eachFrame(run: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
