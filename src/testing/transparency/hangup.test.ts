// The window is closed: without a phone everything ends as without us, with one the session goes on there.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Key, Session } from "../../protocol.ts";
import { TestViewer } from "../viewer.ts";
import { Rig, type Side, TEST_MS, textOf, until } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const lonely = new Rig();
let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired();
}, TEST_MS);
afterAll(() => lonely[Symbol.asyncDispose](), TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

/** After a hang-up nobody waits longer for the end of everything. */
const SOON_MS = 30_000;

/** What the program is sent after the hang-up: Enter, the emulator's answers to its four questions, Ctrl-C. */
const ANSWERED =
  /^\r\x1b\[\?[\d;]+c\x1bP>\|claude-remote\x1b\\\x1b\[\d+;\d+R\x1b\]11;rgb:[\da-f/]+\x1b\\\x03$/;

const gone = (pid: number) => !existsSync(`/proc/${pid}`) || / [ZX] /.test(textOf(`/proc/${pid}/stat`));

/** Hangs up on a program that writes down which signal it got; resolves with what it wrote once all is gone. */
async function hungUp(home: Rig, side: Side, shell: boolean, flags: string[] = []): Promise<string> {
  const file = join(home.folder, "heard");
  rmSync(file, { force: true });
  const script = `trap 'echo hangup > ${file}; exit 3' HUP; printf "[$$ ready]"; while :; do sleep 0.02; done`;
  const words = ["sh", "-c", script];
  await using outer = shell ? side.inShell([...flags, ...words]) : side.outer([...flags, ...words]);
  const ready = await outer.seen(/\[\d+ ready\]/);
  const claude = Number(ready.match(/\[(\d+) ready/)?.[1]);
  if (home === rig && side.name === "wrapped") await home.session(rig.viewer);
  const begunAt = performance.now();
  outer.hangUp();
  await outer.exited;
  await until("the end of claude", () => gone(claude), SOON_MS);
  await until("our end", () => home.running().length === 0, SOON_MS);
  const took = Math.round(performance.now() - begunAt);
  console.log(
    `hang-up: ${side.name}, ${shell ? "below a shell" : "leading its session"}: all gone after ${took} ms`,
  );
  return readFileSync(file, "utf8");
}

describe.each([
  ["that we lead", false],
  ["of a shell around us", true],
] as const)("a closed terminal %s", (_, shell) => {
  test("without a paired phone ends claude by SIGHUP, and us", async () => {
    expect(await lonely.same((side) => hungUp(lonely, side, shell))).toBe("hangup\n");
  });

  test("with --on-hangup end it does so although a phone is paired", async () => {
    expect(await hungUp(rig, rig.wrapped, shell, ["--on-hangup", "end"])).toBe("hangup\n");
  });

  test("with a paired phone the session goes on there: keys arrive, the emulator answers claude's queries, once", async () => {
    const asks = [process.execPath, join(import.meta.dir, "testdata/asks.ts")];
    await using outer = shell ? rig.wrapped.inShell(asks) : rig.wrapped.outer(asks);
    await outer.seen("[asked 1]");
    const { id, terminal } = await rig.session(rig.viewer);
    expect(terminal).toBe(true);
    await using watching = await new TestViewer(rig.viewer.server, rig.viewer.cookie).listen(id);
    await until("the first question", () => watching.text.includes("[asked 1]"));
    outer.hangUp();
    await rig.session(rig.viewer, (session) => session.id === id && session.connected && !session.terminal);
    await press(id, "enter");
    await until("the second question", () => watching.text.includes("[asked 2]"));
    await press(id, "ctrl_c");
    await until("the end", () => watching.sessions.get(id)?.ended_at);
    const said = () => /<([0-9a-f]+)>/.exec(watching.text.replaceAll("\n", ""))?.[1];
    const got = Buffer.from(await until("the last screen", said), "hex").toString("latin1");
    expect(got).toMatch(ANSWERED);
    expect(watching.sessions.get(id)).toMatchObject({ exit_code: 0, end_reason: "exit" });
    await until("our end", () => rig.running().length === 0, SOON_MS);
  });
});

/** Presses a key from the phone. */
async function press(session: Session["id"], key: Key) {
  const reply = await rig.viewer.post(`/api/sessions/${session}/input`, { id: Bun.randomUUIDv7(), key });
  expect(reply.status).toBe(200);
}
