// The terminal in front of us, on real terminals: a program with a Desk below a real shell, and what the terminal saw.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal } from "../testing/terminal.ts";

const program = join(import.meta.dir, "testdata/desk-program.ts");
const command = [process.execPath, program];
const line = command.join(" ");

let folder = "";
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "desk-test-")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A shell with job control, whose settings nobody has by default. */
async function shell(env: Record<string, string> = {}) {
  const terminal = new Terminal(["bash", "--norc", "--noprofile", "-i"], {
    cwd: folder,
    env: { PATH: process.env.PATH, PS1: "$ ", HISTFILE: "", ...env },
  });
  await terminal.waitFor(/^\$$/m);
  return terminal;
}

/** What `stty -g` and the flags of the shell's own descriptors say, in a file of that name. */
const look = (name: string) => `{ stty -g; grep flags /proc/$$/fdinfo/[012]; } > ${name}`;
const seen = (name: string) => readFileSync(join(folder, name), "utf8");

/** Runs `line` in a shell with strange settings, presses `keys` when it is ready, and compares before with after. */
async function unchanged(name: string, act: (terminal: Terminal) => unknown, status: number) {
  await using terminal = await shell();
  const odd = "stty erase ^H eof ^G -ixon -onlcr iutf8 -echoctl";
  terminal.write(
    `${odd}; ${look(`${name}-before`)}; ${line}; echo "status $?"; ${look(`${name}-after`)}; echo do"ne"\n`,
  );
  await terminal.waitFor(/\[ready\]/);
  await act(terminal);
  await terminal.waitFor(new RegExp(`status ${status}`));
  await terminal.waitFor(/done/);
  expect(seen(`${name}-before`)).toMatch(/^[0-9a-f:]{20,}\n/);
  expect(seen(`${name}-after`)).toBe(seen(`${name}-before`));
}

/** The process id of the program below this terminal's shell. */
const childOf = (terminal: Terminal) =>
  Number(
    Bun.spawnSync(["pgrep", "-P", String(terminal.pid), "-f", program])
      .stdout.toString()
      .trim(),
  );

test("the terminal's settings are exactly what they were when the program ends", () =>
  unchanged("end", (terminal) => terminal.write("q"), 3));

test("… when something is thrown that nobody catches", () =>
  unchanged("throw", (terminal) => terminal.write("x"), 1));

test("… when we are ended by SIGTERM", () =>
  unchanged("term", (terminal) => process.kill(childOf(terminal), "SIGTERM"), 143));

test("… when we are ended by SIGQUIT", () =>
  unchanged("quit", (terminal) => process.kill(childOf(terminal), "SIGQUIT"), 131));

test("… after Ctrl-Z and fg, and the shell has its own in between", async () => {
  await using terminal = await shell();
  terminal.write(`stty eof ^G -ixon; ${look("z-before")}; ${line}\n`);
  await terminal.waitFor(/\[ready\]/);
  terminal.write("z");
  await terminal.waitFor(/Stopped/);
  terminal.write(`${look("z-between")}; echo in the sh"ell"\n`);
  await terminal.waitFor(/in the shell/);
  terminal.resize(90, 30);
  terminal.write("fg\n");
  await terminal.waitFor(/\[back \{"cols":90,"rows":30\}\]/);
  terminal.write("\x03");
  await terminal.waitFor(/\[key 03\]/);
  terminal.write("q");
  await terminal.waitFor(/\$$/);
  terminal.write(`${look("z-after")}; echo fin"ished"\n`);
  await terminal.waitFor(/finished/);
  const flags = (name: string) => seen(name).split("\n").slice(1);
  expect(seen("z-after")).toBe(seen("z-before"));
  expect(flags("z-between")).toEqual(flags("z-before"));
});

test("a stopped job that is killed ends, and does not stop again at the terminal", async () => {
  await using terminal = await shell({ SIGNALS: "" });
  terminal.write(`${line}\n`);
  await terminal.waitFor(/\[ready\]/);
  const pid = childOf(terminal);
  terminal.write("z");
  await terminal.waitFor(/Stopped/);
  terminal.write("kill %1\n");
  while (existsSync(`/proc/${pid}`)) await Bun.sleep(5);
  terminal.write('echo still the sh"ell\'s"\n');
  await terminal.waitFor(/still the shell's/);
});

test("without a shell that could continue us, a suspension ends by itself", async () => {
  await using terminal = new Terminal(command);
  await terminal.waitFor(/\[ready\]/);
  terminal.write("z");
  await terminal.waitFor(/\[back/);
  terminal.write("q");
  expect(await terminal.exited).toEqual({ code: 3, signal: null });
});

test("every byte typed arrives as it is, and every byte written too", async () => {
  await using terminal = new Terminal(command, {
    env: { PATH: process.env.PATH, LEAVES: "one\\ntwo\\r\\n" },
  });
  await terminal.waitFor(/\[ready\]/);
  expect(Buffer.from(terminal.bytes()).toString()).toBe("one\ntwo\r\n[ready]");
  terminal.write("b");
  await terminal.waitFor(/\[hex\]/);
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  terminal.write(bytes);
  await terminal.waitFor(/ff>/);
  const typed = Buffer.from(terminal.bytes()).toString().split("[hex]")[1];
  expect(typed?.replaceAll(/[<>]/g, "")).toBe(Buffer.from(bytes).toString("hex"));
});

test("what is typed after the terminal was given back is the shell's", async () => {
  await using terminal = await shell({ LOG: join(folder, "linger") });
  terminal.write(`${line}\n`);
  await terminal.waitFor(/\[ready\]/);
  terminal.write("l");
  while (!existsSync(join(folder, "linger"))) await Bun.sleep(5);
  terminal.write('echo typed ah"ead"\n');
  await terminal.waitFor(/^typed ahead/m);
});

test("switches that a killed program left on are put back, and only those", async () => {
  const on =
    "\\u001b[?1049h\\u001b[?1000h\\u001b[?1003;1006h\\u001b[?2004h\\u001b[?25l\\u001b[>5u\\u001b[>4;2m\\u001b[?1004h\\u001b[?1004l";
  await using terminal = new Terminal(command, { env: { PATH: process.env.PATH, LEAVES: on } });
  await terminal.waitFor(/\[ready\]/);
  terminal.write("k");
  await terminal.exited;
  const said = Buffer.from(terminal.bytes()).toString().split("[ready]")[1];
  expect(said).toBe(
    "\x1b\\\x1b[0m\x1b(B\x1b[?25h\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[<1u\x1b[?1049l\x1b[>4m",
  );
});

test("a program that put everything back itself is followed by nothing", async () => {
  const tidy = "\\u001b[?1049h\\u001b[?2004h\\u001b[>5u\\u001b[<u\\u001b[?2004l\\u001b[?1049l";
  await using terminal = new Terminal(command, { env: { PATH: process.env.PATH, LEAVES: tidy } });
  await terminal.waitFor(/\[ready\]/);
  terminal.write("q");
  await terminal.exited;
  expect(Buffer.from(terminal.bytes()).toString().endsWith("[ready]")).toBe(true);
});

test("a new size of the window is told", async () => {
  await using terminal = new Terminal(command, { cols: 100, rows: 40 });
  await terminal.waitFor(/\[ready\]/);
  terminal.resize(72, 20);
  await terminal.waitFor(/\[size \{"cols":72,"rows":20\}\]/);
});

test("signals from elsewhere are handed on, and do not end us", async () => {
  await using terminal = new Terminal(command, { env: { PATH: process.env.PATH, SIGNALS: "1" } });
  await terminal.waitFor(/\[ready\]/);
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR1"] as const) {
    process.kill(terminal.pid, signal);
    await terminal.waitFor((screen) => screen.includes(`[${signal}]`));
  }
  terminal.write("q");
  expect(await terminal.exited).toEqual({ code: 3, signal: null });
});

/** A terminal that is read only as fast as `onData` returns. */
function slow(env: Record<string, string>, onData: (bytes: Uint8Array) => void) {
  return Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? "", ...env },
    terminal: { cols: 80, rows: 24, data: (_, bytes) => onData(bytes) },
  });
}

test("a slow terminal gets all of a flood unchanged, and we hold little of it", async () => {
  const LOG = join(folder, "slow");
  const chunks: Uint8Array[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = false;
  const child = slow({ LOG }, (bytes) => {
    chunks.push(bytes);
    if (!begun) child.terminal?.write("f");
    begun = true;
    Bun.sleepSync(2);
    if (Buffer.from(bytes).includes("[flooded]")) resolve();
  });
  await promise;
  child.kill();
  await child.exited;
  const wanted = Array.from(
    { length: 500 },
    (_, i) => `${String(i).padStart(5, "0")}${"\n\x1b[m\xff".repeat(2000)}`,
  );
  const all = Buffer.from(`[ready]${wanted.join("")}[flooded]`);
  expect(Bun.hash(Buffer.concat(chunks).subarray(0, all.length))).toBe(Bun.hash(all));
  expect(Number(readFileSync(LOG, "utf8").match(/rss (\d+)/)?.[1])).toBeLessThan(120);
}, 60_000);

test("a terminal that takes nothing is left alone; when it is back it is told to be painted anew", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let chunks = 0;
  let last = "";
  const child = slow({ STALLED_MS: "100" }, (bytes) => {
    last = `${last}${Buffer.from(bytes).toString("latin1")}`.slice(-200);
    if (++chunks === 1) child.terminal?.write("f");
    if (chunks === 2) Bun.sleepSync(1_000);
    if (last.includes("[returned]")) resolve();
  });
  await promise;
  expect(last).not.toContain("[flooded]");
  child.kill();
  await child.exited;
}, 60_000);

test("a hang-up is told once, nothing is written to the dead terminal, and waiting on costs nothing", async () => {
  const LOG = join(folder, "hangup");
  const { promise, resolve } = Promise.withResolvers<void>();
  const child = slow({ LOG }, (bytes) => Buffer.from(bytes).includes("[ready]") && resolve());
  await promise;
  child.terminal?.close();
  expect(await child.exited).toBe(0);
  const log = readFileSync(LOG, "utf8");
  expect(log).toMatch(/^hung up\nbusy \d+ ms\n$/);
  expect(Number(log.match(/busy (\d+)/)?.[1])).toBeLessThan(100);
});
