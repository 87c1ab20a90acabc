// One program with us around it and without, in the same terminal: what there is no difference between is transparent.

import { expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Session } from "../../protocol.ts";
import { Emulator } from "../../wrapper/emulator.ts";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { Terminal, type TerminalOptions } from "../terminal.ts";
import { TestViewer } from "../viewer.ts";
import { Outer, type OuterOptions } from "./outer.ts";

/** Drops our own argument and becomes the program that the others name. */
const STAND_IN = join(import.meta.dir, "testdata", "stand-in");
/** After its end, a process of ours is a leak. */
const GONE_MS = 30_000;
/** How long a test may take, on a machine that does other things too; quiet, each takes some tenths of a second. */
export const TEST_MS = 180_000;
/** How long a test waits for what takes a tenth of a second on a quiet machine. */
const PATIENCE_MS = 60_000;
/** A program that has painted nothing for so long has painted all. */
const REST_MS = 80;
/** How often what announces itself by no event is looked at. */
const LOOK_MS = 10;

type Looked<T> = T | null | undefined | false;

/** Waits for what nothing announces; rejects naming `what` after `timeout` ms. */
export async function until<T>(
  what: string,
  look: () => Looked<T> | Promise<Looked<T>>,
  timeout = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`never came within ${timeout} ms: ${what}`);
    await Bun.sleep(LOOK_MS);
  }
}

export type RigOptions = {
  /** What runs in claude's place; the stand-in if not given. */
  claude?: string;
  /** More environment, or another one. */
  env?: Record<string, string>;
  /** The name of the folder for what is claude-remote's own. */
  own?: string;
};

/** Either side of a comparison. */
export type Side = {
  name: "bare" | "wrapped";
  /** Its environment; without our own variables for the bare one. */
  env: Record<string, string>;
  /** The words that start claude with these arguments. */
  command(...args: string[]): string[];
  /** Runs these words, in claude's place, in a terminal that keeps bytes. */
  outer(args: readonly string[], options?: Partial<OuterOptions>): Outer;
  /** The same below a shell that leads the session and has job control. */
  inShell(args: readonly string[]): Outer;
  /** The same in a terminal with a screen. */
  terminal(args: readonly string[], options?: TerminalOptions): Terminal;
  /** An interactive shell that knows the program as `claude`. */
  shell(options?: TerminalOptions): Promise<Terminal>;
};

/** A home of its own, short enough for its sockets' paths; disposing it ends its server, and throws if anything is left. */
export class Rig implements AsyncDisposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "cr-p1-")));
  readonly port = freePort();
  readonly bare: Side;
  readonly wrapped: Side;
  /** Where claude-remote keeps everything of its own. */
  readonly own: string;
  /** An empty folder to run programs in. */
  readonly cwd = join(this.folder, "w");

  readonly #afterwards: (() => void)[] = [];

  constructor({ claude = STAND_IN, env = {}, own = "r" }: RigOptions = {}) {
    this.own = join(this.folder, own);
    for (const name of ["h", "t", "w", "bare", "wrapped"]) mkdirSync(join(this.folder, name));
    symlinkSync(claude, join(this.folder, "bare", "claude"));
    symlinkSync(program(), join(this.folder, "wrapped", "claude"));
    const common = {
      HOME: join(this.folder, "h"),
      TMPDIR: join(this.folder, "t"),
      PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
      SHELL: "/bin/bash",
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      ...env,
    };
    this.bare = this.#side("bare", claude, common);
    this.wrapped = this.#side("wrapped", program(), {
      ...common,
      CLAUDE_REMOTE_HOME: this.own,
      CLAUDE_REMOTE_PORT: String(this.port),
      CLAUDE_REMOTE_CLAUDE: claude,
    });
  }

  /** With a server that runs and a viewer that is paired, so that nothing is said before claude starts. */
  static async paired(options?: RigOptions): Promise<Rig & { viewer: TestViewer }> {
    const rig = new Rig(options);
    return Object.assign(rig, { viewer: await rig.pair() });
  }

  #side(name: Side["name"], start: string, env: Side["env"]): Side {
    const { cwd } = this;
    const command = (...args: string[]) => [start, ...args];
    const terminal = (args: readonly string[], options: TerminalOptions = {}) =>
      new Terminal(command(...args), { cwd, env, ...options });
    const shell = async (options: TerminalOptions = {}) => {
      const PATH = `${join(this.folder, name)}:${env.PATH}`;
      const INPUTRC = join(this.folder, "inputrc");
      writeFileSync(INPUTRC, "set enable-bracketed-paste off\n"); // Else the modes that are left on are the shell's.
      const words = ["bash", "--norc", "--noprofile", "-i"];
      const opened = new Terminal(words, {
        cwd,
        ...options,
        env: { ...env, PATH, INPUTRC, PS1: "$ ", HISTFILE: "", ...options.env },
      });
      await opened.waitFor(/^\$$/m);
      return opened;
    };
    return {
      ...{ name, env, command, terminal, shell },
      outer: (args, options = {}) => new Outer(command(...args), { cwd, env, ...options }),
      inShell: (args) => new Outer(["bash", "-mc", '"$@"; :', "sh", ...command(...args)], { cwd, env }),
    };
  }

  /** Does the same without us and with us; what came of it has to be equal. Resolves with what it was. */
  async same<T>(act: (side: Side) => Promise<T>): Promise<T> {
    const told = (side: Side) =>
      act(side).catch((error) => {
        console.error(`${side.name}:`, error); // What our own end has to say as well must not hide it.
        throw error;
      });
    const bare = await told(this.bare);
    expect(await told(this.wrapped)).toEqual(bare);
    return bare;
  }

  /** Starts the server if there is none, and pairs a viewer; resolves when wrappers know of it. */
  async pair(): Promise<TestViewer> {
    const env = this.wrapped.env;
    const child = Bun.spawn([program(), "pair", "--json", "--yes"], {
      env,
      stdin: "ignore",
      stderr: "inherit",
    });
    const { code } = JSON.parse(await new Response(child.stdout).text());
    const viewer = new TestViewer({ url: `http://127.0.0.1:${this.port}` }, "");
    const reply = await viewer.post("/api/pair", { code, name: "Phone" });
    viewer.cookie = reply.headers.get("set-cookie")?.split(";")[0] ?? "";
    await until("the paired viewer in server.json", () => this.server().viewers > 0);
    return viewer;
  }

  /** What the server wrote of itself. */
  server(): { pid: number; viewers: number } {
    return JSON.parse(readFileSync(join(this.own, "data", "server.json"), "utf8"));
  }

  /** The session of the wrapper with this process id, once it is connected. */
  async session(
    viewer: TestViewer,
    wanted: (session: Session) => boolean = (session) => session.connected,
  ): Promise<Session> {
    return until("a session", async () => {
      const reply = await viewer.get("/api/sessions").catch(() => null); // The server may be about to start.
      const { sessions = [] } = (reply?.body ?? {}) as { sessions?: Session[] };
      return sessions.filter((session) => session.ended_at === null).find(wanted);
    });
  }

  /** Something to do when nothing runs any more, before the folder is removed. */
  afterwards(act: () => void) {
    this.#afterwards.push(act);
  }

  /** Every process that was started with our HOME, whoever its parent is now. */
  processes(): number[] {
    const mark = `HOME=${this.wrapped.env.HOME}\0`;
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => `\0${textOf(`/proc/${pid}/environ`)}`.includes(`\0${mark}`));
  }

  /** The same without the server. */
  running(): number[] {
    return this.processes().filter((pid) => !textOf(`/proc/${pid}/cmdline`).includes("\0serve\0"));
  }

  /** Ends the server. Nothing of it is left when this resolves. */
  async [Symbol.asyncDispose]() {
    const unix = join(this.own, "data", "admin.sock");
    const ended = async () => {
      if (this.processes().length === 0) return true;
      // Again and again: a server that a wrapper has just started does not hear the first word.
      const signal = AbortSignal.timeout(GONE_MS);
      await fetch("http://localhost/shutdown", { method: "POST", unix, body: "{}", signal }).catch(
        () => null,
      );
      return false;
    };
    try {
      await until("the end of everything", ended, GONE_MS);
    } catch (error) {
      const left = this.processes();
      for (const pid of left) process.kill(pid, "SIGKILL");
      throw new Error(`left running: ${left.map(nameOf).join("; ")}`, { cause: error });
    } finally {
      for (const act of this.#afterwards) act();
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** The screen once it stays the same for a moment. */
export async function atRest(terminal: Terminal): Promise<string> {
  let before = "";
  return until("a screen at rest", async () => {
    await Bun.sleep(REST_MS);
    const same = terminal.screen() === before;
    before = terminal.screen();
    return same && before;
  });
}

/** A file's text, or none where it cannot be read (a process that has ended). */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** The modes in which these bytes leave a terminal. */
export async function modesAfter(bytes: Uint8Array) {
  using emulator = new Emulator({ cols: 100, rows: 40 });
  emulator.write(bytes);
  await emulator.settled();
  const { modes, cursor } = emulator.screen();
  return { ...modes, cursor: cursor.visible };
}

/** The newest process that one has started, once there is one: claude below a wrapper, the wrapper below a shell. */
export const childOf = (pid: number) => until(`a child of ${pid}`, () => childrenOf(pid).at(-1));

/** The processes that one has started and that still run. */
export function childrenOf(pid: number): number[] {
  const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  const lists = tasks.map((task) => textOf(`/proc/${pid}/task/${task}/children`));
  return lists.join(" ").split(" ").filter(Boolean).map(Number);
}

const nameOf = (pid: number) =>
  `${pid} ${textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").slice(0, 200)}`;
