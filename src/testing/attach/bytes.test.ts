// What is typed and pasted at an attached terminal arrives byte for byte; what a terminal has is as before when one leaves.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../terminal.ts";
import { childOf, childrenOf, modesAfter, TEST_MS, until } from "../transparency/rig.ts";
import { LEAVE, PATIENT, Place } from "./place.ts";

setDefaultTimeout(TEST_MS);

let place: Place;
beforeAll(async () => {
  place = await Place.open();
}, TEST_MS);
afterAll(() => place[Symbol.asyncDispose](), TEST_MS);

const TESTDATA = join(import.meta.dir, "..", "transparency", "testdata");
const READER = join(TESTDATA, "count-input.ts");
const sha256 = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

test("every byte there is, each by itself", async () => {
  const take = 'stty raw -echo; printf "[ready]"; head -c 256 | od -An -v -tx1';
  await using program = place.side.outer(["sh", "-c", take]);
  await program.seen("[ready]");
  await using attached = place.attach(await place.newest());
  await attached.waitFor(/\[ready\]/, PATIENT);
  for (let code = 0; code < 256; code++) attached.write(Uint8Array.of(code));
  await program.exited;
  const got = program
    .text()
    .split("[ready]")[1]
    ?.trim()
    .split(/\s+/)
    .map((hex) => Number.parseInt(hex, 16));
  expect(got).toEqual(Array.from({ length: 256 }, (_, code) => code));
  await attached.exited;
});

test.each([
  ["as fast as it can be read", 65_536, 0],
  ["by a slow reader", 2_048, 10],
] as const)(
  "a paste of 100 kB, with the keys that leave in it, arrives whole, %s",
  async (_, chunk, pauseMs) => {
    const text = Array.from(
      { length: 1_700 },
      (_, i) => `${i} a line of what was pasted \x1c\x1c, with é漢🙂 in it and on`,
    );
    const paste = Buffer.from(`\x1b[200~${text.join("\r")}\x1b[201~`);
    expect(paste.length).toBeGreaterThan(100_000);
    const words = [process.execPath, READER, String(paste.length), String(chunk), String(pauseMs)];
    await using program = place.side.outer(words);
    await program.seen("[ready]");
    await using attached = place.attach(await place.newest());
    await attached.waitFor(/\[ready\]/, PATIENT);
    const begunAt = performance.now();
    attached.write(paste);
    await program.exited;
    console.log(`paste: 100 kB, ${chunk} bytes a read: ${Math.round(performance.now() - begunAt)} ms`);
    expect(program.text().split("[ready]")[1]).toBe(`[${paste.length} ${sha256(paste)}]`);
    expect((await attached.exited).code).toBe(0);
  },
);

test("several megabytes at once arrive whole as well", async () => {
  const paste = Uint8Array.from({ length: 3_000_000 }, (_, i) => 32 + ((i * 31) % 90));
  const words = [process.execPath, READER, String(paste.length), "65536", "0"];
  await using program = place.side.outer(words);
  await program.seen("[ready]");
  await using attached = place.attach(await place.newest());
  await attached.waitFor(/\[ready\]/, PATIENT);
  attached.write(paste);
  await program.exited;
  expect(program.text().split("[ready]")[1]).toBe(`[${paste.length} ${sha256(paste)}]`);
  await attached.exited;
});

/** Settings that nobody has by default. */
const ODD = "stty erase ^H eof ^G -ixon -echoctl tab3";
const seen = (name: string) => readFileSync(join(place.rig.cwd, name), "utf8");

/** Attaches below a shell with odd settings to a program that switches everything on, until `act` ends that. */
async function unchanged(
  act: (shell: Terminal, attach: number, program: Terminal) => unknown,
  status: number,
) {
  await using program = place.side.terminal([join(TESTDATA, "modes-on")]);
  await program.waitFor(/\[ready\]/, PATIENT);
  const { id } = await place.newest();
  await using shell = await place.side.shell();
  shell.write(`${ODD}; stty -g > before; claude attach ${id}\n`);
  await shell.waitFor(/\[ready\]/, PATIENT);
  expect(await modesAfter(shell.bytes())).toMatchObject({
    alternate: true,
    mouse: "any",
    bracketed_paste: true,
  });
  const attach = await childOf(shell.pid);
  await act(shell, attach, program);
  await until("the end of attach", () => !childrenOf(shell.pid).includes(attach));
  shell.write('echo "status $?"; stty -g > after; echo do"ne"\n');
  await shell.waitFor(new RegExp(`^status ${status}$[^]*^done`, "m"), PATIENT);
  expect(seen("before")).toMatch(/^[0-9a-f:]{20,}\n/);
  expect(seen("after")).toBe(seen("before"));
  expect(await modesAfter(shell.bytes())).toEqual(await modesAfter(Buffer.from("$ ")));
  if (status !== 3) program.write("\n");
  await program.exited;
}

describe("settings and modes of the terminal are as before", () => {
  test("when one leaves", () => unchanged((shell) => shell.write(LEAVE), 0));
  test("when the session ends, with its exit code", () =>
    unchanged((_, __, program) => program.write("\n"), 3));
  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const)("when %s ends attach, and the session goes on", (signal, status) =>
    unchanged((_, attach) => process.kill(attach, signal), status),
  );
});
