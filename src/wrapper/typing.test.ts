// A phone's text, and what reaches claude's terminal of it.
import { expect, test } from "bun:test";
import { typed } from "./typing.ts";

const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
const writes = (text: string) => typed(text).map(({ bytes }) => decode(bytes));

const CASES: [string, string, string[]][] = [
  ["a line and its Enter are two writes", "hello", ["hello", "\r"]],
  ["lines have Ctrl-J between them", "one\ntwo\n\nthree", ["one", "\n", "two", "\n", "\n", "three", "\r"]],
  ["CRLF and CR are line ends", "one\r\ntwo\rthree", ["one", "\n", "two", "\n", "three", "\r"]],
  ["line ends at the end are dropped", "one\n\r\n", ["one", "\r"]],
  ["a tab is four spaces, as in claude's own pastes", "a\tb", ["a    b", "\r"]],
  ["a backslash at the end does not swallow Enter", "C:\\", ["C:\\ ", "\r"]],
  ["a file's name at the end does not swallow Enter", "see @src/a.ts", ["see @src/a.ts ", "\r"]],
  ["a leading sign is left as typed", "!ls", ["!ls", "\r"]],
  ["nothing is just Enter", "", ["\r"]],
];
test.each(CASES)("%s", (_, text, wanted) => {
  expect(writes(text)).toEqual(wanted);
});

test("SEC-047 nothing but text and line ends can be typed", () => {
  const hostile =
    "a\x03b\x1b[201~c\x00d\x9b201~e\x7ff\x1bg\x1b]0;t\x07h\x1b[31mi\x08j\x1ak\x1b\x1b[201~[201~l";
  expect(writes(hostile)).toEqual(["abcd201~efg]0;thijk[201~l", "\r"]);
  const every = String.fromCharCode(
    ...Array.from({ length: 0x110 }, (_, i) => i).filter((c) => c !== 10 && c !== 13),
  );
  const sent = writes(every).join("");
  expect(sent.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  expect(sent.endsWith("\r")).toBe(true);
});

test("SEC-047 Enter is pressed once, whatever the text holds", () => {
  for (const text of ["a\rb\rc", "\r\r\r", "x\r\n\r\ny", "\x1b\r", "a\\\r"])
    expect(writes(text).filter((write) => write.includes("\r"))).toEqual(["\r"]);
});

test("SEC-047 a line of 5,000 characters arrives whole, in writes of at most 350 bytes", () => {
  for (const line of ["x".repeat(5_000), "é漢🙂👩‍👩‍👧‍👦".repeat(500), `${"ab ".repeat(1_666)}ab`]) {
    const sent = typed(line);
    expect(sent.map(({ bytes }) => decode(bytes)).join("")).toBe(`${line}\r`);
    expect(Math.max(...sent.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(350);
    expect(sent.length).toBeLessThan(100);
  }
});

test("no character is cut, however many code points it has", () => {
  const family = "👩‍👩‍👧‍👦";
  for (const write of writes(`a${family.repeat(200)}`).slice(0, -1))
    expect(write.replaceAll(family, "").replace(/^a/, "")).toBe("");
});

test("a character longer than a write is cut between code points", () => {
  const zalgo = `z${"\u0301".repeat(1_000)}`;
  expect(writes(zalgo).join("")).toBe(`${zalgo}\r`);
});

test("a short line is typed at once, and more no faster than 700 bytes in 140 ms", () => {
  const gaps = (text: string) => typed(text).map(({ after }) => after);
  expect(gaps("one")).toEqual([8, 8]);
  expect(gaps("one\ntwo")).toEqual([8, 8, 8, 250]);
  expect(gaps("x".repeat(1_000))).toEqual([8, 70, 70, 250]);
  expect(gaps(`${"x".repeat(200)}\ny`)).toEqual([8, 40, 8, 250]);
});
