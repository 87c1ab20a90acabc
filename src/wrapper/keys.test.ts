// Every key, in the modes that change it.
import { expect, test } from "bun:test";
import type { Key } from "../protocol.ts";
import { blank, type Modes } from "../screen.ts";
import { keyBytes } from "./keys.ts";

const plain = blank(80, 24).modes;
const bytes = (key: Key, modes: Partial<Modes> = {}) =>
  Buffer.from(keyBytes(key, { ...plain, ...modes })).toString("latin1");

const ALWAYS: [Key, string][] = [
  ["escape", "\x1b"],
  ["tab", "\t"],
  ["shift_tab", "\x1b[Z"],
  ["enter", "\r"],
  ["page_up", "\x1b[5~"],
  ["page_down", "\x1b[6~"],
  ["backspace", "\x7f"],
  ["ctrl_c", "\x03"],
  ["ctrl_j", "\n"],
  ["ctrl_o", "\x0f"],
  ["ctrl_r", "\x12"],
  ["space", " "],
];
test.each(ALWAYS)("%s is the same in every mode", (key, wanted) => {
  expect(bytes(key)).toBe(wanted);
  expect(bytes(key, { application_cursor: true, alternate: true, mouse: "any", bracketed_paste: true })).toBe(
    wanted,
  );
});

const CURSOR: [Key, string][] = [
  ["up", "A"],
  ["down", "B"],
  ["right", "C"],
  ["left", "D"],
  ["home", "H"],
  ["end", "F"],
];
test.each(CURSOR)("%s follows the cursor key mode", (key, letter) => {
  expect(bytes(key)).toBe(`\x1b[${letter}`);
  expect(bytes(key, { application_cursor: true })).toBe(`\x1bO${letter}`);
});

test("the wheel is a mouse report to a program that reads the mouse", () => {
  for (const mouse of ["vt200", "drag", "any"] as const) {
    expect(bytes("wheel_up", { mouse, alternate: true })).toBe("\x1b[<64;1;1M");
    expect(bytes("wheel_down", { mouse })).toBe("\x1b[<65;1;1M");
  }
});

test("the wheel is arrows to a full-screen program that does not", () => {
  expect(bytes("wheel_up", { alternate: true })).toBe("\x1b[A\x1b[A\x1b[A");
  expect(bytes("wheel_down", { alternate: true, mouse: "x10" })).toBe("\x1b[B\x1b[B\x1b[B");
  expect(bytes("wheel_down", { alternate: true, application_cursor: true })).toBe("\x1bOB\x1bOB\x1bOB");
});

test("the wheel is nothing on the main screen: the viewer scrolls its own log", () => {
  expect(bytes("wheel_up")).toBe("");
});
