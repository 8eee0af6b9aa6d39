import { describe, expect, test } from "vitest";
import {
  numberAt,
  offsetOf,
  parts,
  placeOf,
  replaced,
  statements,
  utf8Bytes,
  wordAt,
} from "../src/script";

const textsOf = (text: string) => statements(text).map(({ start, end }) => text.slice(start, end));

describe("statements", () => {
  test.each([
    ["", []],
    [" \t\r\n;;# nothing; here\n", []],
    ["move 1; turn 2\nset soap", ["move 1", "turn 2", "set soap"]],
    ["  start # move 9; move 8\r\n\tstop ;", ["start", "stop"]],
    ["move 1#", ["move 1"]],
    ["# ü; move 1\nmove 2", ["move 2"]],
  ])("%j has %j", (text, expected) => {
    expect(textsOf(text)).toEqual(expected);
  });
});

describe("parts", () => {
  test("a program within the limits is one part, as it stands", () => {
    const text = "# first\nmove 1; move 2 # last\n";
    const whole = [{ text, offset: 0, before: 0, statements: 2 }];
    expect(parts(text, { statementsMax: 2, bytesMax: 100 })).toEqual(whole);
    const empty = [{ text: "", offset: 0, before: 0, statements: 0 }];
    expect(parts("", { statementsMax: 2, bytesMax: 100 })).toEqual(empty);
  });

  test("a longer one is cut between statements, and nothing is lost", () => {
    const text = "move 1; move 2\n# between\nmove 3; move 4\n move 5";
    const cut = parts(text, { statementsMax: 2, bytesMax: 1000 });
    expect(cut.map((part) => part.text)).toEqual(["move 1; move 2", "move 3; move 4", "move 5"]);
    expect(cut.map((part) => part.before)).toEqual([0, 2, 4]);
    for (const part of cut) expect(text.startsWith(part.text, part.offset)).toBe(true);
    expect(cut.flatMap((part) => textsOf(part.text))).toEqual(textsOf(text));
  });

  test("bytes are counted as UTF-8, comments between statements included", () => {
    const text = "move 1\n#ééé\nmove 2\nmove 3";
    const cut = parts(text, { statementsMax: 100, bytesMax: 20 });
    expect(cut.map((part) => part.text)).toEqual(["move 1", "move 2\nmove 3"]);
    for (const part of cut)
      expect(utf8Bytes(part.text, 0, part.text.length)).toBeLessThanOrEqual(20);
  });

  test("a statement that fits nowhere is alone", () => {
    const cut = parts("move 1; move 10000000000", { statementsMax: 9, bytesMax: 8 });
    expect(cut.map((part) => part.text)).toEqual(["move 1", "move 10000000000"]);
  });
});

test("UTF-8 is counted as an encoder counts it", () => {
  for (const text of ["", "move", "é", "€", "🤖 move", "\ud800", "a\udc00b"]) {
    expect(utf8Bytes(text, 0, text.length)).toBe(new TextEncoder().encode(text).length);
  }
});

test("columns count characters, not UTF-16 units, both ways", () => {
  const text = "# 🤖🤖\n🤖 fly 3\nmove 1";
  const offset = offsetOf(text, 2, 3);
  expect(text.slice(offset, offset + 3)).toBe("fly");
  expect(placeOf(text, offset)).toEqual({ line: 2, column: 3 });
  expect(offsetOf(text, 9, 9)).toBe(text.length);
  expect(offsetOf(text, 1, 99)).toBe(text.indexOf("\n"));
});

test("a word is marked whole, and the end of a line by what is before it", () => {
  const text = "moove 4; turn\nset";
  const marked = (offset: number) => {
    const { start, end } = wordAt(text, offset);
    return text.slice(start, end);
  };
  expect(marked(0)).toBe("moove");
  expect(marked(7)).toBe(";");
  expect(marked(13)).toBe("n");
  expect(marked(text.length)).toBe("t");
});

describe("the number at the caret", () => {
  const text = "move 10; turn -2.5e1 # turn 7\nset soap; move x; move 1.";
  const at = (caret: number) => numberAt(text, caret);

  test("is found from its first to behind its last digit", () => {
    expect(at(4)).toBeUndefined();
    expect(at(5)).toEqual({ start: 5, end: 7, value: 10 });
    expect(at(7)).toEqual({ start: 5, end: 7, value: 10 });
    expect(at(text.indexOf("-") + 3)?.value).toBe(-25);
    expect(at(text.length)?.value).toBe(1);
  });

  test("is none in comments, words and what is no number", () => {
    expect(at(text.indexOf("7"))).toBeUndefined();
    expect(at(text.indexOf("soap"))).toBeUndefined();
    expect(at(text.indexOf("x"))).toBeUndefined();
  });

  test("can be replaced", () => {
    expect(replaced(text, at(5)!, "-1.5").startsWith("move -1.5; turn")).toBe(true);
  });
});
