// A server with its owner's commands and a paired phone, and devboxes on which something stands in claude's place.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DevboxState, Session, SessionId } from "../../protocol.ts";
import { VERSION } from "../../version.ts";
import { ended } from "../ended.ts";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { childrenOf, kill, nameOf, processesOf, textOf, until } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { TestViewer } from "../viewer.ts";
import { Cuttable } from "./cuttable.ts";
import { type Host, type HostOptions, Hosts } from "./hosts.ts";

/** How long a test waits for what takes a moment on a quiet machine. */
export const PATIENCE_MS = 30_000;
/** After its end, a process of ours is a leak. */
const GONE_MS = 20_000;
/** What our own writes there for as long as a session lasts. */
const OURS = [".local/share/claude-remote/hosted"];

/** In claude's place: says what a launch asks, and runs `rest` as a session. */
export const standIn = (rest: string) => `#!/bin/sh
case "$1" in
--version) echo "2.1.329 (Claude Code)"; exit 0 ;;
auth) echo '{"loggedIn": true}'; exit 0 ;;
esac
${rest}
`;

/** The demo's claude: hooks, dialogs and a state file, without a model. */
export const DEMO = standIn(
  `exec "$HOME/.local/share/claude-remote/bin/claude-remote-${VERSION}" demo-claude "$@"`,
);

export class DevboxWorld implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly port = freePort();
  readonly #links: Cuttable[] = [];
  readonly #terminals: Terminal[] = [];

  private constructor(hosts: Hosts) {
    this.hosts = hosts;
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "crw-")));
    mkdirSync(join(this.folder, "home"));
    this.env = {
      HOME: join(this.folder, "home"),
      TMPDIR: tmpdir(),
      PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
      SHELL: "/bin/bash",
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      CLAUDE_REMOTE_HOME: join(this.folder, "cr"),
      CLAUDE_REMOTE_PORT: String(this.port),
      CLAUDE_REMOTE_SSH_FOLDER: hosts.setup.folder ?? "",
    };
  }

  /** `ready`: our program is there already; else a launch puts it there. */
  static async open(options: HostOptions[], ready = true): Promise<DevboxWorld> {
    const built = program(); // First: where it does not build, nothing has been started.
    const hosts = await Hosts.open(...options);
    const world = new DevboxWorld(hosts);
    if (ready) {
      cpSync(built, join(hosts.folder, "claude-remote"));
      for (const { name } of options) world.#prepare(hosts.host(name));
    }
    return world;
  }

  #prepare(host: Host) {
    host.put(`.local/share/claude-remote/bin/.keep`, "");
    const file = join(host.home, ".local/share/claude-remote/bin", `claude-remote-${VERSION}`);
    symlinkSync(join(this.hosts.folder, "claude-remote"), file);
  }

  /** A line to that host that can be cut; at its port nobody knows the host's key. */
  async line(name: string): Promise<Cuttable> {
    const link = await Cuttable.open(this.hosts.host(name).port);
    this.#links.push(link);
    return link;
  }

  /** Adds that host as a devbox, behind a line that can be cut. */
  async add(name: string): Promise<Cuttable> {
    const host = this.hosts.host(name);
    const link = await this.line(name);
    host.knownAt(link.port);
    const user = host.user ? ["--user", host.user] : [];
    await this.run("devbox", "add", name, "127.0.0.1", "--port", String(link.port), ...user);
    return link;
  }

  /** One of our commands, run to its end. Rejects with what it said if it failed. */
  async run(...words: string[]): Promise<string> {
    const { out, err, code } = await this.ran(...words);
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${err}${out}`);
    return out.trim();
  }

  async ran(...words: string[]): Promise<{ out: string; err: string; code: number }> {
    const child = Bun.spawn([program(), ...words], { env: this.env, stdin: "ignore", stderr: "pipe" });
    return ended(child);
  }

  /** One of our commands in a terminal. */
  terminal(...words: string[]): Terminal {
    const terminal = new Terminal([program(), ...words], { env: this.env, cwd: this.env.HOME ?? "/" });
    this.#terminals.push(terminal);
    return terminal;
  }

  /** A paired phone that listens. */
  async phone(session?: SessionId): Promise<TestViewer> {
    const { code } = JSON.parse(await this.run("pair", "--json", "--yes"));
    const viewer = await TestViewer.enter({ url: `http://127.0.0.1:${this.port}` }, code);
    return viewer.listen(session);
  }

  /** Starts a session on that devbox and leaves it alone. */
  async launch(name: string, ...words: string[]): Promise<SessionId> {
    return (await this.run("ssh", "--detach", ...words, name)) as SessionId;
  }

  /** The names of those that were added. */
  async devboxes(): Promise<string[]> {
    const { devboxes } = JSON.parse(await this.run("devbox", "list", "--json")) as {
      devboxes: DevboxState[];
    };
    return devboxes.filter(({ kind }) => kind === "ssh").map(({ name }) => name);
  }

  /** Where ssh finds its configuration and the host keys that it believes. */
  get sshFolder(): string {
    return this.hosts.setup.folder ?? "";
  }

  async sessions(): Promise<Session[]> {
    return JSON.parse(await this.run("sessions", "--json")).sessions;
  }

  get serverPid(): number {
    return JSON.parse(readFileSync(join(this.folder, "cr", "data", "server.json"), "utf8")).pid;
  }

  /** Every process of ours here, whoever started it. */
  processes(): number[] {
    return processesOf(this.env.HOME ?? "");
  }

  /** The processes that keep ways back open; what watches over one is not among them. */
  tunnels(): number[] {
    return this.processes().filter((pid) => / tunnel $/.test(nameOf(pid)));
  }

  /** The one that keeps a way back, once there is one that holds its two connections: two may begin where one was killed. */
  keeper(but?: number): Promise<Keeper> {
    const found = () => {
      const keeper = keeperIn(join(this.folder, "cr", "data"), this.processes());
      const settled = this.tunnels().length === 1 && keeper?.connections.length === 2;
      return settled && keeper.pid !== but && keeper;
    };
    return until("what keeps the way back", found, PATIENCE_MS);
  }

  /** Waits until nothing of ours runs on that host, and no file of a session is left. */
  async clean(name: string): Promise<void> {
    const { home } = this.hosts.host(name);
    const host = this.hosts.host(name);
    const left = () => [
      ...host
        .processes()
        .map(nameOf)
        .filter((one) => !/(cat|sh -s) $/.test(one)),
      ...OURS.flatMap((path) => filesIn(join(home, path))),
      ...this.tunnels().map(nameOf),
    ];
    await until(`nothing is left on ${name}`, () => left().length === 0, GONE_MS).catch((error) => {
      throw new Error(`${error.message}: ${left().join("; ")}`);
    });
  }

  async [Symbol.asyncDispose]() {
    for (const terminal of this.#terminals) await terminal[Symbol.asyncDispose]();
    const unix = join(this.folder, "cr", "data", "admin.sock");
    await fetch("http://localhost/shutdown", { method: "POST", unix, body: "{}" }).catch(() => null);
    const ours = () => this.processes();
    for (const pid of this.tunnels()) kill(pid, "SIGTERM");
    await until("the server's end", () => ours().length === 0, GONE_MS).catch(() => {});
    const left = ours().map(nameOf);
    for (const pid of ours()) kill(pid, "SIGKILL");
    for (const link of this.#links) await link[Symbol.asyncDispose]();
    await this.hosts[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    if (left.length > 0) console.error(`left running: ${left.join("; ")}`); // What failed before must not be hidden.
  }
}

/** What keeps a way back, as its record has it; and the connections that it holds. */
export type Keeper = { pid: number; connections: number[] };

/** The one of that data folder, if it is among those processes. */
export function keeperIn(data: string, processes: readonly number[]): Keeper | null {
  const [file] = filesIn(join(data, "tunnels")).filter((name) => name.endsWith(".json"));
  const text = file === undefined ? "" : textOf(join(data, "tunnels", file));
  const pid = text === "" ? 0 : JSON.parse(text).pid;
  return processes.includes(pid) ? { pid, connections: childrenOf(pid) } : null;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
}
