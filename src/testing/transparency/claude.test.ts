// The real claude, started from a shell as a user does: Ctrl-Z and fg, and a closed window.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { TestViewer } from "../viewer.ts";
import { atRest, childOf, childrenOf, modesAfter, Rig, TEST_MS, textOf, until } from "./rig.ts";
import { telling } from "./secrets.ts";

setDefaultTimeout(TEST_MS);

/** The first start of a claude reads some 300 MB from the disk. */
const START = { timeout: 60_000 };
/** What takes claude some tenths of a second. */
const STEP = { timeout: 60_000 };

const api = await messagesApi();
afterAll(() => api[Symbol.asyncDispose]());

/** One claude in a home of its own, with us and without. */
async function claudeRig(version: string, paired: boolean) {
  const home = await claudeHome({ api });
  const rig = new Rig({ claude: claudePath(version), env: home.env });
  const stack = new AsyncDisposableStack();
  stack.use(home);
  stack.use(rig);
  return {
    rig,
    project: home.project,
    viewer: paired ? await rig.pair() : null,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/**
 * claude's footer is there and nothing moves; before that, keys would still meet the shell's settings. One that the shell
 * has just stopped is not meant: its footer may still stand there.
 */
async function ready(terminal: Terminal) {
  const shown = (screen: string) => /\? for shortcuts|(mode|edits) on/.test(screen);
  await terminal.waitFor((screen) => shown(screen) && !/Stopped +claude/.test(screen), START);
  await atRest(terminal);
}

/** Asks claude to say a word, and waits until it did. */
async function answers(terminal: Terminal, word: string) {
  terminal.paste(`SAY: ${word}`);
  await terminal.waitFor(new RegExp(`❯\\sSAY: ${word}`), STEP);
  terminal.write("\r");
  await terminal.waitFor(new RegExp(`[●⏺] ${word}`), STEP);
}

/** The shell's word and its prompt, below whatever claude left on the screen. */
const STOPPED = /Stopped +claude.*\n+\$$/;

/** Types a line to the shell, and waits for its prompt. */
async function shellDoes(shell: Terminal, line: string) {
  shell.write(`${line}; echo "[do""ne]"\n`);
  return shell.waitFor(/\[done\]\n\$$/, STEP);
}

describe.each([...claudeVersions])("claude %s", (version) => {
  test("Ctrl-Z gives the shell back, jobs shows it stopped, fg brings it back, and it answers", async () => {
    await using world = await claudeRig(version, true);
    const { rig, project } = world;
    const seen = await rig.same(async (side) => {
      await using shell = await side.shell({ cwd: project });
      await shellDoes(shell, "stty erase ^H; stty -g > before");
      shell.write("claude --permission-mode default\n");
      await ready(shell);
      await answers(shell, "first-word");
      const stoppedAt = performance.now();
      shell.write("\x1a");
      await shell.waitFor(STOPPED, STEP);
      console.log(
        `Ctrl-Z: ${version}, ${side.name}: the shell is back after ${Math.round(performance.now() - stoppedAt)} ms`,
      );
      const jobs = (await shellDoes(shell, "jobs; stty -g > between")).match(/^.*Stopped.*$/gm)?.at(-1);
      const modes = await modesAfter(shell.bytes());
      const wrapper = await childOf(shell.pid);
      shell.write("clear; fg\n");
      await ready(shell);
      await answers(shell, "second-word");
      shell.write("\x1a");
      await shell.waitFor(STOPPED, STEP);
      await shellDoes(shell, 'echo "once mo""re"');
      // 2.1.197 alone does not notice a size that changed while it was stopped.
      if (side.name === "wrapped") shell.resize(90, 30);
      shell.write("clear; fg\n");
      await ready(shell);
      if (side.name === "wrapped")
        await shell.waitFor((screen) => screen.split("\n").includes("─".repeat(90)), STEP);
      await answers(shell, "third-word");
      shell.write("/exit");
      await shell.waitFor(/❯\s\/exit/, STEP);
      shell.write("\r");
      await until("the end of the job", () => !childrenOf(shell.pid).includes(wrapper));
      await shellDoes(shell, 'echo "status $?"; stty -g > after');
      const [before, between, after] = ["before", "between", "after"].map((name) =>
        readFileSync(join(project, name), "utf8"),
      );
      expect([between, after]).toEqual([before, before]);
      return { jobs, modes, status: shell.screen().match(/^status .*$/m)?.[0] };
    });
    expect(seen.jobs).toMatch(/^\[1\]\+ +Stopped +claude --permission-mode default$/);
    expect(seen).toMatchObject({ status: "status 0" });
    expect(seen.modes).toMatchObject({
      alternate: false,
      mouse: "none",
      cursor: true,
      bracketed_paste: false,
    });
  });

  test("SEC-066: while a hook waits, no secret stands in the environment or on the command line of anybody", async () => {
    await using world = await claudeRig(version, true);
    const { rig, project } = world;
    const viewer = world.viewer ?? (await rig.pair());
    await using claude = rig.wrapped.terminal(["--permission-mode", "default"], { cwd: project });
    await ready(claude);
    claude.paste("RUN: touch made.txt");
    await claude.waitFor(/❯\sRUN: touch/, STEP);
    claude.write("\r");
    await claude.waitFor(/Do you want to proceed/, STEP);
    const waits = (pid: number) => /\0hook\0$/.test(textOf(`/proc/${pid}/cmdline`));
    await until("the hook's process", () => rig.running().some(waits));
    const running = rig.processes();
    expect(running.length).toBeGreaterThanOrEqual(4); // Ourselves, claude, its hook, the server.
    expect(telling(rig, viewer, running)).toEqual([]);
  });

  test("a closed window ends claude and us where no phone is paired", async () => {
    await using world = await claudeRig(version, false);
    const { rig, project } = world;
    for (const side of [rig.bare, rig.wrapped]) {
      await using outer = side.outer(["--permission-mode", "default"], { cwd: project });
      await outer.seen(/for.?.?.?.?.?.?.?shortcuts|mode.*on/);
      const claude = side.name === "bare" ? outer.pid : await childOf(outer.pid);
      const begunAt = performance.now();
      outer.hangUp();
      await until("the end of all", () => rig.running().length === 0);
      console.log(
        `hang-up: claude ${version}, ${side.name}: all gone after ${Math.round(performance.now() - begunAt)} ms`,
      );
      expect(claude).toBeGreaterThan(0);
      await outer.exited;
    }
  });

  test("a closed window leaves claude to a paired phone: it answers what is typed there, until it is stopped there", async () => {
    await using world = await claudeRig(version, true);
    const { rig, project } = world;
    const viewer = world.viewer ?? (await rig.pair());
    await using outer = rig.wrapped.outer(["--permission-mode", "default"], { cwd: project });
    const { id } = await rig.session(viewer, ({ connected, status }) => connected && status === "idle");
    await using watching = await new TestViewer(viewer.server, viewer.cookie).listen(id);
    await until("claude's screen on the phone", () => /for shortcuts|mode on/.test(watching.text));
    outer.hangUp();
    await rig.session(viewer, (session) => session.id === id && session.connected && !session.terminal);
    const typed = await viewer.post(`/api/sessions/${id}/input`, {
      id: Bun.randomUUIDv7(),
      text: "SAY: still-here",
      mode: "if_empty",
    });
    expect(typed.status).toBe(200);
    await until("the answer on the phone", () => /[●⏺] still-here/.test(watching.text));
    expect((await viewer.post(`/api/sessions/${id}/stop`)).status).toBe(200);
    await until("the session's end", () => watching.sessions.get(id)?.ended_at);
    expect(watching.sessions.get(id)?.end_reason).toBe("stopped");
    await until("the end of all", () => rig.running().length === 0);
  });
});
