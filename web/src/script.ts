/**
 * Where the statements, numbers and places of a program's text are. Pure.
 *
 * It must not know the grammar: what a statement means, and whether it is one, says the server. It finds only what a
 * page needs before it can ask: where a program may be cut, and what the caret stands on.
 */

/** A range of a text in UTF-16 units, as a textarea counts them; `end` is the first unit behind it. */
export interface Range {
  start: number;
  end: number;
}

/** Statements of a program that go out as one command. */
export interface Part {
  text: string;
  /** Where `text` begins in the program. */
  offset: number;
  /** How many statements come before it. */
  before: number;
  statements: number;
}

export interface PartLimits {
  statementsMax: number;
  bytesMax: number;
}

const NEWLINE = 10;
const SEMICOLON = 59;
const HASH = 35;

/** The statements of a program, without the spaces around them. */
export function statements(text: string): Range[] {
  const found: Range[] = [];
  let start = -1;
  let end = 0;
  let comment = false;
  for (let at = 0; at <= text.length; at += 1) {
    const unit = at < text.length ? text.charCodeAt(at) : NEWLINE;
    if (unit === NEWLINE || (!comment && (unit === SEMICOLON || unit === HASH))) {
      if (start >= 0) found.push({ start, end });
      start = -1;
      comment = unit === HASH;
    } else if (!comment && unit !== 32 && unit !== 9 && unit !== 13) {
      if (start < 0) start = at;
      end = at + 1;
    }
  }
  return found;
}

/** A program in as few parts as fit the limits; always at least one. A statement that fits nowhere is a part alone. */
export function parts(text: string, limits: PartLimits): Part[] {
  const all = statements(text);
  if (all.length <= limits.statementsMax && utf8Bytes(text, 0, text.length) <= limits.bytesMax) {
    return [{ text, offset: 0, before: 0, statements: all.length }];
  }
  const found: Part[] = [];
  for (let first = 0; first < all.length;) {
    const last = lastOfPart(text, all, first, limits);
    const { start } = all[first]!;
    const slice = text.slice(start, all[last]!.end);
    found.push({ text: slice, offset: start, before: first, statements: last - first + 1 });
    first = last + 1;
  }
  return found.length > 0 ? found : [{ text: "", offset: 0, before: 0, statements: 0 }];
}

function lastOfPart(text: string, all: Range[], first: number, limits: PartLimits): number {
  let last = first;
  let bytes = utf8Bytes(text, all[first]!.start, all[first]!.end);
  while (last + 1 < all.length && last + 1 - first < limits.statementsMax) {
    bytes += utf8Bytes(text, all[last]!.end, all[last + 1]!.end);
    if (bytes > limits.bytesMax) break;
    last += 1;
  }
  return last;
}

/** Bytes of a range as UTF-8. A lone surrogate counts as the three of its replacement. */
export function utf8Bytes(text: string, start: number, end: number): number {
  let bytes = 0;
  for (let at = start; at < end; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(at + 1))) {
      bytes += 4;
      at += 1;
    } else bytes += 3;
  }
  return bytes;
}

/** The place of a line and column, both from 1, the column in Unicode scalar values; the nearest that there is. */
export function offsetOf(text: string, line: number, column: number): number {
  let at = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const next = text.indexOf("\n", at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  for (let passed = 1; passed < column && at < text.length; passed += 1) {
    if (text.charCodeAt(at) === NEWLINE) break;
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  }
  return at;
}

/** The inverse of {@link offsetOf}. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < offset;) {
    line += 1;
    start = next + 1;
    next = text.indexOf("\n", start);
  }
  return { line, column: Array.from(text.slice(start, offset)).length + 1 };
}

/** The word at a place, or what stands there if it is no word; never nothing, so that it can be seen. */
export function wordAt(text: string, offset: number): Range {
  const start = Math.min(offset, text.length);
  let end = start;
  while (end < text.length && !/[\s;#]/.test(text[end]!)) end += 1;
  if (end > start) return { start, end };
  return start < text.length && text[start] !== "\n"
    ? { start, end: start + 1 }
    : { start: Math.max(0, start - 1), end: start };
}

/** The number that the caret stands on or beside, in a statement that takes one. */
export function numberAt(text: string, caret: number): (Range & { value: number }) | undefined {
  const lineStart = text.lastIndexOf("\n", caret - 1) + 1;
  const lineEnd = text.indexOf("\n", caret);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd);
  for (const { start, end } of statements(line)) {
    const match = /^((?:move|turn)[ \t\r]+)([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/.exec(
      line.slice(start, end),
    );
    if (!match) continue;
    const from = lineStart + start + match[1]!.length;
    const value = Number(match[2]);
    if (caret >= from && caret <= lineStart + end && Number.isFinite(value)) {
      return { start: from, end: lineStart + end, value };
    }
  }
  return undefined;
}

export function replaced(text: string, { start, end }: Range, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
