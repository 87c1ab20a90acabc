// A whole story for tests: the compiled program, a real claude in a real terminal, a paired phone; and nothing left of it.

import { Database } from "bun:sqlite";
import { afterAll, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { ended } from "../ended.ts";
import { type MessagesApi, messagesApi } from "../messages-api.ts";
import { openBrowser, Phone } from "../page.ts";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { type ClaudeHome, claudeHome, claudePath } from "../real-claude.ts";
import { Terminal } from "../terminal.ts";
import { enter } from "./acts.ts";
import { childrenOf, filesBelow, kill, nameOf, processesOf, textOf, until } from "./processes.ts";

/** The first start of a claude reads some 300 MB from the disk. */
const START_MS = 60_000;
/** A whole story on a machine that does other things too; quiet, each takes some seconds. */
const STORY_MS = 240_000;
/** After claude's end, whatever runs around it has to end within. */
const GONE_MS = 30_000;
/** How often a port is asked whether a server is there. */
const ANSWERS_LOOK_MS = 25;
/** The end of a log is what tells why. */
const LOG_BYTES = 4_000;

type Register = (name: string, run: () => Promise<void>, timeout: number) => void;

/**
 * Registers stories as tests, each in a world of its own. The stories of a file share one browser. What a story that
 * fails leaves on its screens is shown, and pictures of its phones are kept.
 */
export function stories(
  register: Register = test,
): (name: string, version: string, tell: (world: World) => Promise<void>, timeout?: number) => void {
  let browser: Promise<Browser> | null = null;
  afterAll(async () => (await browser)?.close());
  const shared = () => {
    browser ??= openBrowser();
    return browser;
  };
  return (name, version, tell, timeout = STORY_MS) =>
    register(
      name,
      async () => {
        await using world = await World.open(version, shared);
        await tell(world).catch(async (error) => {
          await world.explain(name);
          console.error(error); // What its world's end has to say as well must not hide it.
          throw error;
        });
      },
      timeout,
    );
}

export class World implements AsyncDisposable {
  readonly version: string;
  readonly api: MessagesApi;
  readonly project: string;
  readonly #home: ClaudeHome;
  readonly #env: Record<string, string>;
  readonly #browser: () => Promise<Browser>;
  readonly #desks: Terminal[] = [];
  readonly #phones: Phone[] = [];

  private constructor(version: string, api: MessagesApi, home: ClaudeHome, browser: () => Promise<Browser>) {
    this.version = version;
    this.api = api;
    this.project = home.project;
    this.#home = home;
    this.#browser = browser;
    this.#env = {
      ...home.env,
      CLAUDE_REMOTE_HOME: this.own,
      CLAUDE_REMOTE_PORT: String(freePort()),
      CLAUDE_REMOTE_CLAUDE: claudePath(version),
    };
  }

  /** Nothing runs yet. */
  static async open(version: string, browser: () => Promise<Browser>): Promise<World> {
    const api = await messagesApi();
    return new World(version, api, await claudeHome({ api }), browser);
  }

  /** Where claude-remote keeps everything of its own. */
  get own(): string {
    return join(this.#home.home, "cr");
  }

  /** A terminal in the project in which claude-remote runs with these arguments. */
  terminal(...args: string[]): Terminal {
    return this.#run([program(), ...args]);
  }

  /** The same with claude itself, and nobody around it. */
  bareClaude(...args: string[]): Terminal {
    return this.#run([claudePath(this.version), ...args]);
  }

  #run(command: string[]): Terminal {
    const terminal = new Terminal(command, { cwd: this.project, env: this.#env });
    this.#desks.push(terminal);
    return terminal;
  }

  /** A claude at the desk, its input box empty and waiting. */
  async desk(mode = "default"): Promise<Terminal> {
    const desk = this.terminal("--permission-mode", mode);
    await this.idle(desk);
    return desk;
  }

  /** Waits until claude says of itself that it waits for a prompt, and shows where to type it. */
  async idle(desk: Terminal): Promise<void> {
    const folder = join(this.#home.home, ".claude", "sessions");
    const idle = (pid: number) => /"status":\s*"idle"/.test(textOf(join(folder, `${pid}.json`)));
    await until("claude idle", () => [desk.pid, ...childrenOf(desk.pid)].some(idle), START_MS);
    await desk.waitFor(/\? for shortcuts|(mode|edits) on/, { timeout: START_MS });
  }

  /** Types a prompt into claude's empty input box once claude is idle, and Enter once it stands there. */
  async say(desk: Terminal, text: string): Promise<void> {
    await this.idle(desk);
    await enter(desk, text);
  }

  /** Runs one of the commands to its end; resolves with what it wrote to stdout. Rejects if it failed. */
  async command(...args: string[]): Promise<string> {
    const child = Bun.spawn([program(), ...args], {
      cwd: this.project,
      env: this.#env,
      stdin: "ignore",
      stderr: "pipe",
    });
    const { out, err, code } = await ended(child);
    if (code !== 0) throw new Error(`${args.join(" ")} failed: ${err}`);
    return out;
  }

  /** A browser that is not paired. */
  async stranger(): Promise<Phone> {
    const phone = await Phone.open(await this.#browser());
    this.#phones.push(phone);
    return phone;
  }

  /** A phone, paired by opening the link that `claude-remote pair` gave; it shows the list. */
  async phone(): Promise<Phone> {
    const [phone, link] = await Promise.all([this.stranger(), this.pairing()]);
    await phone.goto(link.url);
    await phone.button("Pair this phone").tap();
    await phone.part("link").filter({ hasText: "Live" }).waitFor();
    return phone;
  }

  /** What `claude-remote pair --json --yes` prints. */
  async pairing(): Promise<{ url: string; code: string }> {
    return JSON.parse(await this.command("pair", "--json", "--yes"));
  }

  /** Keeps what a phone shows, for people to look at. */
  async picture(phone: Phone, name: string): Promise<void> {
    await phone.picture(`story-${this.version}-${name}`);
  }

  /** A file of the project: its text, or null while it is not there. */
  read(name: string): string | null {
    const path = join(this.project, name);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  }

  /** Waits until claude wrote that answer down: one that ends at once after a turn may lose it, and continues nothing then. */
  async wrote(words: string): Promise<void> {
    const folder = join(this.#home.home, ".claude", "projects");
    const answer = new RegExp(`"role":"assistant".*"text":"${words}"`);
    const transcripts = () => filesBelow(folder).filter((path) => path.endsWith(".jsonl"));
    const written = () => transcripts().some((path) => answer.test(textOf(join(folder, path))));
    await until(`"${words}" in a transcript`, written, START_MS);
  }

  /** How many questions the server has heard of so far. */
  get questions(): number {
    using database = new Database(join(this.own, "data", "claude-remote.db"), { readonly: true });
    return Number(database.query("SELECT count(*) FROM prompts").values()[0]?.[0]);
  }

  /** The process id of the server, which some command started. */
  get serverPid(): number {
    return JSON.parse(readFileSync(join(this.own, "data", "server.json"), "utf8")).pid;
  }

  /** Waits until a server answers on the page's port. */
  async serverAnswers(): Promise<void> {
    const health = `http://127.0.0.1:${this.#env.CLAUDE_REMOTE_PORT}/health`;
    const answers = () =>
      fetch(health).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await answers())) await Bun.sleep(ANSWERS_LOOK_MS);
  }

  /** The process id of the claude in a terminal. */
  claudePid(desk: Terminal): Promise<number> {
    return until("claude's process", () => childrenOf(desk.pid)[0]);
  }

  /** For whoever has to find out why: what every screen shows, and the server's log. */
  async explain(name: string) {
    for (const [i, phone] of this.#phones.entries())
      await this.picture(phone, `failed-${name.replaceAll(/\W+/g, "-").slice(0, 40)}-${i}`).catch(() => {});
    for (const desk of this.#desks) console.error(`── a terminal shows:\n${desk.screen()}`);
    for (const log of filesBelow(join(this.own, "state", "logs")))
      console.error(`── ${log}:\n${textOf(join(this.own, "state", "logs", log)).slice(-LOG_BYTES)}`);
  }

  /** Ends everything. Throws if anything of it is left: a process, a socket, a folder. */
  async [Symbol.asyncDispose]() {
    await using _home = this.#home;
    await using _api = this.api;
    await using stack = new AsyncDisposableStack();
    for (const part of [...this.#desks, ...this.#phones]) stack.use(part);
    stack.defer(() => {
      for (const pid of processesOf(this.#home.home)) kill(pid, "SIGKILL");
    });
    for (const desk of this.#desks) await this.#end(desk);
    await this.#stopServer();
    const processes = () => processesOf(this.#home.home);
    await until("the end of all processes", () => processes().length === 0).catch(() => {});
    const left = [...processes().map(nameOf), ...this.#leftovers()];
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }

  /** Through claude, as when somebody ends it; whatever runs around it has to follow. */
  async #end(desk: Terminal) {
    for (const pid of childrenOf(desk.pid)) kill(pid, "SIGTERM");
    if (childrenOf(desk.pid).length === 0) desk.kill("SIGTERM");
    await Promise.race([desk.exited, Bun.sleep(GONE_MS)]);
  }

  async #stopServer() {
    const unix = join(this.own, "data", "admin.sock");
    await fetch("http://localhost/shutdown", { method: "POST", unix, body: "{}" }).catch(() => null);
  }

  /** Sockets and folders of single runs, wherever they may be. */
  #leftovers(): string[] {
    const own = filesBelow(this.own).filter((path) => /\.sock$|(^|\/)run\/./.test(path));
    const temporary = filesBelow(this.#env.TMPDIR ?? "").filter((path) => /^claude-remote|\.so$/.test(path));
    return [...own, ...temporary];
  }
}
