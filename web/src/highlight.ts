/** Cuts a line of a program into pieces to colour. Pure; it must not know what is right or wrong. */

export interface Piece {
  text: string;
  /** A class of editor.css; none for what has no colour. */
  kind: "" | "comment" | "number" | "word" | "water" | "soap" | "brush";
}

const TOKEN =
  /(?<comment>#.*)|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?<word>\b[a-z]+\b)/g;
const WORDS: Record<string, Piece["kind"]> = {
  move: "word",
  turn: "word",
  set: "word",
  start: "word",
  stop: "word",
  water: "water",
  soap: "soap",
  brush: "brush",
};

export function pieces(line: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const { 0: text, index, groups } of line.matchAll(TOKEN)) {
    if (index > at) found.push({ text: line.slice(at, index), kind: "" });
    const kind = groups?.["comment"]
      ? "comment"
      : groups?.["number"]
        ? "number"
        : (WORDS[text] ?? "");
    found.push({ text, kind });
    at = index + text.length;
  }
  if (at < line.length) found.push({ text: line.slice(at), kind: "" });
  return found;
}

/** Marks a range of the line, in its UTF-16 units, whatever pieces it lies in. */
export function marked(
  line: readonly Piece[],
  start: number,
  end: number,
): (Piece & { wrong: boolean })[] {
  const found: (Piece & { wrong: boolean })[] = [];
  let at = 0;
  for (const { text, kind } of line) {
    const from = Math.min(text.length, Math.max(0, start - at));
    const to = Math.min(text.length, Math.max(0, end - at));
    const cuts: [string, boolean][] = [
      [text.slice(0, from), false],
      [text.slice(from, to), true],
      [text.slice(to), false],
    ];
    for (const [cut, wrong] of cuts) if (cut) found.push({ text: cut, kind, wrong });
    at += text.length;
  }
  return found;
}
