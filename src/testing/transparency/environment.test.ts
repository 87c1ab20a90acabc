// What claude finds around itself: the user's environment, folder, words and terminal, and nothing of ours.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestViewer } from "../viewer.ts";
import { childOf, childrenOf, Rig, type Side, TEST_MS, textOf } from "./rig.ts";
import { telling } from "./secrets.ts";

setDefaultTimeout(TEST_MS);

const WAITS = join(import.meta.dir, "testdata/waits");
const MORE = { EMPTY: "", TWO_LINES: "one\ntwo=2", "odd.name": "é漢🙂", COLORTERM: "truecolor" };

let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired({ claude: WAITS, env: MORE });
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

/** Runs the program with these arguments, and looks at it from outside. */
async function seen<T>(side: Side, args: string[], look: (pid: number) => T): Promise<T> {
  await using outer = side.outer(args);
  await outer.seen("[ready]");
  const found = look(side.name === "bare" ? outer.pid : await childOf(outer.pid));
  outer.write("\r");
  await outer.exited;
  return found;
}

const words = (pid: number, file: string) => textOf(`/proc/${pid}/${file}`).split("\0").slice(0, -1);

test("its environment is exactly ours, without what is meant for us", async () => {
  const environment = await rig.same((side) => seen(side, [], (pid) => words(pid, "environ").sort()));
  const ours = Object.entries(rig.bare.env).map(([name, value]) => `${name}=${value}`);
  expect(environment).toEqual(ours.map((entry) => Buffer.from(entry).toString("latin1")).sort());
});

test("its words are ours, untouched and in order, behind the one that brings the hooks", async () => {
  const args = ["--", "it's", "two\nlines", "", "é漢🙂", "$HOME `x` \\", "--model", "x", "-", "--", "\x01"];
  const [bare, wrapped] = [await seen(rig.bare, args, wordsOf), await seen(rig.wrapped, args, wordsOf)];
  expect(bare.slice(2)).toEqual(args);
  expect(wrapped.filter((_, i) => i !== 2)).toEqual(bare);
  expect(wrapped[2]).toStartWith(`--plugin-dir=${rig.own}/run/`);
});
const wordsOf = (pid: number) => words(pid, "cmdline").map((word) => Buffer.from(word, "latin1").toString());

test("its folder, its descriptors, its limits and its signals are as without us", async () => {
  const around = await rig.same((side) =>
    seen(side, [], (pid) => ({
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      descriptors: readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]),
      limits: textOf(`/proc/${pid}/limits`),
      status: textOf(`/proc/${pid}/status`).match(/^(Umask|SigBlk|SigIgn|SigCgt|NoNewPrivs|Seccomp):.*/gm),
      nice: textOf(`/proc/${pid}/stat`).split(" ")[18],
    })).then((found) => ({
      ...found,
      descriptors: found.descriptors.map(([fd, to]) => [fd, terminalName(to)]),
    })),
  );
  expect(around.cwd).toBe(rig.cwd);
  expect(around.descriptors.filter(([fd]) => Number(fd) < 10)).toEqual(
    ["0", "1", "2"].map((fd) => [fd, "/dev/pts/"]),
  );
});
/** Two terminals have two numbers. */
const terminalName = (path = "") => path.replace(/^(\/dev\/pts\/)\d+$/, "$1");

test("its terminal has the settings that a new one has, is its own, and it leads its session there", async () => {
  await using usual = new Rig();
  const told = await usual.same(async (side) => {
    const leads = "ps -o pid=,pgid=,sid=,tpgid= -p $$ | awk '{ print ($1 == $2), ($1 == $3), ($1 == $4) }'";
    await using outer = side.outer([
      "sh",
      "-c",
      `stty -a; tty | tr -d 0-9; true < /dev/tty && echo mine; ${leads}`,
    ]);
    await outer.exited;
    return outer.text().split("pair)\r\n").at(-1);
  });
  expect(told).toContain("\r\n/dev/pts/\r\nmine\r\n1 1 1\r\n");
});

test("SEC-066: no secret stands in the environment or on the command line of claude, of its children or of ours", async () => {
  await using open = await Rig.paired();
  await using outer = open.wrapped.outer(["sh", "-c", "sh -c 'echo [ready]; sleep 60; :'; :"]);
  await outer.seen("[ready]");
  await open.session(open.viewer);
  const claude = await childOf(outer.pid);
  const child = await childOf(claude);
  const all = [outer.pid, claude, child, ...childrenOf(child), open.server().pid];
  expect(telling(open, open.viewer, all)).toEqual([]);
  for (const pid of [claude, child]) {
    expect(textOf(`/proc/${pid}/environ`)).not.toContain("CLAUDE_REMOTE_");
    expect(textOf(`/proc/${pid}/environ`)).not.toContain(open.own);
  }
});
