// A machine that joined the server of a world: a home, settings and ssh of its own, from which its user types commands.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionId } from "../../protocol.ts";
import { ended } from "../ended.ts";
import { program } from "../program.ts";
import { kill, nameOf, processesOf, until } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { type DevboxWorld, type Keeper, keeperIn } from "./world.ts";

/** After its end, a process of ours is a leak. */
const GONE_MS = 20_000;

export class Laptop implements AsyncDisposable {
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly #terminals: Terminal[] = [];

  private constructor(world: DevboxWorld) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "crl-")));
    mkdirSync(join(this.folder, "home"));
    this.env = {
      ...{ HOME: join(this.folder, "home"), TMPDIR: tmpdir(), PATH: world.env.PATH ?? "" },
      ...{ SHELL: "/bin/bash", TERM: "xterm-256color", LANG: "C.UTF-8" },
      CLAUDE_REMOTE_HOME: join(this.folder, "cr"),
      CLAUDE_REMOTE_SSH_FOLDER: world.sshFolder,
    };
  }

  /** Lets it in, reached at that address of the server, and has it join. */
  static async join(world: DevboxWorld, name: string, url: string, ...flags: string[]): Promise<Laptop> {
    const link = await world.run("device", "add", name, "--yes", "--url", url, ...flags);
    const laptop = new Laptop(world);
    const { code, err } = await laptop.ran(["join", "-"], `${link}\n`);
    if (code !== 0) throw new Error(`${name} could not join: ${err}`);
    return laptop;
  }

  /** One of our commands, run to its end. */
  async ran(words: string[], input = ""): Promise<{ out: string; err: string; code: number }> {
    const stdin = new Blob([input]);
    const child = Bun.spawn([program(), ...words], { env: this.env, stdin, stderr: "pipe" });
    return ended(child);
  }

  /** Starts a session on that devbox and leaves it alone: its id, and what was said. */
  async launch(name: string): Promise<{ id: SessionId; said: string }> {
    const { out, err, code } = await this.ran(["ssh", "--detach", name]);
    if (code !== 0) throw new Error(`ssh ${name} ended with ${code}: ${err}${out}`);
    return { id: out.trim() as SessionId, said: err };
  }

  terminal(...words: string[]): Terminal {
    const terminal = new Terminal([program(), ...words], { env: this.env, cwd: this.env.HOME ?? "/" });
    this.#terminals.push(terminal);
    return terminal;
  }

  /** The processes here, whoever started them. */
  processes(): number[] {
    return processesOf(this.env.HOME ?? "");
  }

  /** The one that keeps a way back open, as its record has it; and the connections that it holds. */
  keeper(): Keeper | null {
    return keeperIn(join(this.folder, "cr", "data"), this.processes());
  }

  /** It is switched off, or its lid is closed for good: nothing here ends in order, or outlives anything else. */
  off() {
    for (let left = this.processes(); left.length > 0; left = left.filter((pid) => kill(pid, 0)))
      for (const pid of left) kill(pid, "SIGKILL");
  }

  async [Symbol.asyncDispose]() {
    for (const terminal of this.#terminals) await terminal[Symbol.asyncDispose]();
    const keeper = this.keeper();
    if (keeper) kill(keeper.pid, "SIGTERM");
    await until("the laptop's end", () => this.processes().length === 0, GONE_MS).catch(() => {});
    const left = this.processes().map(nameOf);
    this.off();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) console.error(`left running: ${left.join("; ")}`); // What failed before must not be hidden.
  }
}
