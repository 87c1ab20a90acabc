// A home with a real claude in it, and our program run there as a user does; its server ends with it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { admin } from "../../background.ts";
import { pathsFor } from "../../paths.ts";
import type { Session } from "../../protocol.ts";
import { ended } from "../ended.ts";
import type { MessagesApi } from "../messages-api.ts";
import { freePort } from "../port.ts";
import { type ClaudeHome, claudeHome, claudePath } from "../real-claude.ts";
import { Terminal } from "../terminal.ts";
import { until } from "../transparency/rig.ts";

/** The first start of a claude reads some 300 MB from the disk. */
export const START = { timeout: 60_000 };
/** What takes a moment on a quiet machine. */
export const STEP = { timeout: 60_000 };
/** A whole story of a real claude, on a machine that does other things too. */
export const STORY_MS = 180_000;
/** claude's input box, empty and ready. */
export const READY = /\? for shortcuts|(mode|edits) on/;

const CLI = [process.execPath, join(import.meta.dir, "..", "..", "cli.ts")];

export class Place implements AsyncDisposable {
  readonly home: string;
  readonly project: string;
  readonly env: Record<string, string>;
  readonly claude: string;
  readonly #made: ClaudeHome;

  private constructor(made: ClaudeHome, claude: string, more: Record<string, string>) {
    this.#made = made;
    this.home = made.home;
    this.project = made.project;
    this.claude = claude;
    this.env = {
      ...made.env,
      CLAUDE_REMOTE_HOME: join(made.home, "r"),
      CLAUDE_REMOTE_PORT: String(freePort()),
      CLAUDE_REMOTE_CLAUDE: claude,
      ...more,
    };
  }

  static async open(
    api: MessagesApi,
    version: string,
    { env = {}, projects = [] }: { env?: Record<string, string>; projects?: string[] } = {},
  ): Promise<Place> {
    return new Place(await claudeHome({ api, projects }), claudePath(version), env);
  }

  get paths() {
    return pathsFor(this.env);
  }

  /** Where claude keeps what was said. */
  get projects(): string {
    return join(this.home, ".claude", "projects");
  }

  /** Our program in a terminal. */
  terminal(args: readonly string[], cwd = this.project): Terminal {
    return new Terminal([...CLI, ...args], { cwd, env: this.env });
  }

  /** claude in a terminal, without us. */
  bare(args: readonly string[] = [], cwd = this.project): Terminal {
    const own = Object.entries(this.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_"));
    return new Terminal([this.claude, ...args], { cwd, env: Object.fromEntries(own) });
  }

  /** Our program without a terminal, run to its end. */
  async run(args: readonly string[], cwd = this.project) {
    const child = Bun.spawn([...CLI, ...args], { cwd, env: this.env, stdin: "ignore", stderr: "pipe" });
    return ended(child);
  }

  /** One prompt without a terminal, by claude itself; the conversation's id. */
  async said(text: string, { cwd = this.project, home = this.home, resume = "" } = {}): Promise<string> {
    const env = { ...this.env, HOME: home };
    const words = [
      this.claude,
      "-p",
      "--output-format",
      "json",
      ...(resume ? ["--resume", resume] : []),
      text,
    ];
    const child = Bun.spawn(words, { cwd, env, stdin: "ignore", stderr: "pipe" });
    const { out, err, code } = await ended(child);
    if (code !== 0) throw new Error(`claude failed: ${out}${err}`);
    return (JSON.parse(out) as { session_id: string }).session_id;
  }

  /** The owner's request to this home's server. */
  admin(method: string, path: string, body?: object): Promise<unknown> {
    return admin(this.paths, method, path, body);
  }

  /** The open sessions. */
  async sessions(): Promise<Session[]> {
    const { sessions } = (await this.admin("GET", "/sessions")) as { sessions: Session[] };
    return sessions.filter(({ ended_at }) => ended_at === null);
  }

  /** Waits until claude wrote that answer down: one that ends at once after a turn may lose it, and resumes nothing then. */
  async wrote(words: string): Promise<void> {
    const answer = new RegExp(`"role":"assistant".*${words}`);
    const all = () => [...new Bun.Glob("*/*.jsonl").scanSync(this.projects)];
    const text = (file: string) => readFileSync(join(this.projects, file), "utf8");
    const said = () => existsSync(this.projects) && all().some((file) => answer.test(text(file)));
    await until(`${words} in a transcript`, said, STEP.timeout);
  }

  /** The only open session, once it has said which conversation it is in. */
  conversing(): Promise<Session> {
    return until(
      "a session with its conversation",
      async () => {
        const [session, another] = await this.sessions();
        return !another && session?.conversation ? session : null;
      },
      STEP.timeout,
    );
  }

  async [Symbol.asyncDispose]() {
    const gone = () =>
      this.admin("GET", "/status").then(
        () => false,
        () => true,
      );
    await this.admin("POST", "/shutdown", {}).catch(() => {}); // There may be none.
    await until("the server's end", gone);
    await this.#made[Symbol.asyncDispose]();
  }
}

/** Types a text into an empty input box, and Enter once it stands there; a resumed claude shows older ones above it. */
export async function say(terminal: Terminal, text: string) {
  const typed = (screen: string) => screen.split("\n").findLast((row) => row.startsWith("❯")) ?? "";
  terminal.paste(text);
  await terminal.waitFor((screen) => typed(screen).slice(2).startsWith(text.slice(0, 40)), STEP);
  terminal.write("\r");
}

/** `/exit`; resolves with how it ended. */
export async function leave(terminal: Terminal) {
  await say(terminal, "/exit");
  return terminal.exited;
}
