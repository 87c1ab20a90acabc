import { expect, test } from "bun:test";
import { Terminal } from "../testing/terminal.ts";
import { takesKeys } from "./keyboard.ts";

test("a program takes keys while its terminal is raw, also where something it started made it so", async () => {
  const script =
    "stty raw -echo; printf '[raw]'; head -c 1 >/dev/null; stty sane; printf '[lines]'; read -r _";
  await using terminal = new Terminal(["sh", "-c", script]);
  await terminal.waitFor(/\[raw\]/);
  expect(takesKeys(terminal.pid)).toBe(true);
  terminal.write("x");
  await terminal.waitFor(/\[lines\]/);
  expect(takesKeys(terminal.pid)).toBe(false);
  terminal.write("\r");
  await terminal.exited;
  expect(takesKeys(terminal.pid)).toBeNull();
});

test("of a program without a terminal nobody can tell", () => {
  const child = Bun.spawn(["sleep", "100"], { stdin: "ignore" });
  expect(takesKeys(child.pid)).toBeNull();
  child.kill();
});
