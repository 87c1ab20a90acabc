// The compiled program in a home and on a port of its own: its server, a paired viewer, wrapped programs.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const BUILT = join(import.meta.dir, "..", "dist", "claude-remote");
/** What is measured; another build of it, to compare the two, by `CLAUDE_REMOTE_BENCH_BINARY`. */
export const BINARY = process.env.CLAUDE_REMOTE_BENCH_BINARY || BUILT;

/** Far from the usual port; the server takes the next free one where this is taken. */
const FIRST_PORT = 7_420;
const LOOK_MS = 5;
const PATIENCE_MS = 10_000;

export type Viewer = { cookie: string; headers: Record<string, string> };
type SessionRow = { id: string; started_at: number; connected: boolean };

export type RigOptions = {
  /** For a program that is not a small one of ours: its environment, less what is set here. */
  env?: Record<string, string>;
  /** False: nobody starts the server before the first wrapper does. */
  server?: boolean;
};

/** A home; disposing it ends its server and removes it. End what runs in it first. */
export class Rig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "claude-remote-bench-"));
  readonly #env: Record<string, string>;

  private constructor(env: Record<string, string>) {
    const port = FIRST_PORT + Math.floor(Math.random() * 400);
    this.#env = { ...env, CLAUDE_REMOTE_HOME: join(this.folder, "home"), CLAUDE_REMOTE_PORT: String(port) };
  }

  static async open({ env, server = true }: RigOptions = {}): Promise<Rig> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there; build it with: bun src/build.ts`);
    const PATH = process.env.PATH ?? "/usr/bin:/bin";
    const rig = new Rig(env ?? { PATH, HOME: tmpdir(), TERM: "xterm-256color", LANG: "C.UTF-8" });
    if (server) await rig.startServer();
    return rig;
  }

  /** For a wrapper around `program`, or for that program alone. */
  env(program: string): Record<string, string> {
    return { ...this.#env, CLAUDE_REMOTE_CLAUDE: program };
  }

  /** Writes a shell script; its path. */
  script(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** The server, in the background as a wrapper starts it. Resolves once it answers. */
  async startServer() {
    const data = join(this.folder, "home", "data");
    mkdirSync(data, { recursive: true, mode: 0o700 });
    Bun.spawn([BINARY, "serve", "--auto"], {
      cwd: data,
      env: this.#env,
      stdio: ["ignore", "ignore", "ignore"],
      detached: true,
    }).unref();
    await this.serverUp();
  }

  /** Resolves once the server answers. */
  async serverUp() {
    await this.until("the server", () => this.admin("GET", "/status").catch(() => null));
    await this.until("server.json", () => existsSync(join(this.folder, "home", "data", "server.json")));
  }

  #info(): { pid: number; url: string } {
    return JSON.parse(readFileSync(join(this.folder, "home", "data", "server.json"), "utf8"));
  }

  get url(): string {
    return this.#info().url;
  }

  get serverPid(): number {
    return this.#info().pid;
  }

  /** A request on the owner's socket. */
  async admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const unix = join(this.folder, "home", "data", "admin.sock");
    const headers = { "content-type": "application/json" };
    const response = await fetch(`http://localhost${path}`, {
      ...{ unix, method, headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  /** A new viewer, its login as a browser sends it. */
  async pair(): Promise<Viewer> {
    const { code } = await this.admin("POST", "/pair", { yes: true });
    const headers = { "content-type": "application/json", origin: this.url };
    const body = JSON.stringify({ code, name: "Bench" });
    const response = await fetch(`${this.url}/api/pair`, { method: "POST", headers, body });
    const cookie = response.headers.get("set-cookie")?.split(";")[0];
    if (!cookie) throw new Error(`pairing failed: ${response.status} ${await response.text()}`);
    return { cookie, headers: { ...headers, cookie } };
  }

  /** The newest session that is connected and not among `known`. */
  async session(viewer: Viewer, known: readonly string[] = []): Promise<string> {
    return this.until("a session", async () => {
      const response = await fetch(`${this.url}/api/sessions`, { headers: viewer.headers });
      const { sessions } = (await response.json()) as { sessions: SessionRow[] };
      return sessions.find(({ id, connected }) => connected && !known.includes(id))?.id;
    });
  }

  /** Asks again and again, for what nobody tells. */
  async until<T>(
    what: string,
    look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  ) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
      if (performance.now() > end) throw new Error(`never came: ${what}`);
      await Bun.sleep(LOOK_MS);
    }
  }

  async [Symbol.asyncDispose]() {
    await this.admin("POST", "/shutdown", {}).catch(() => {});
    await this.until("the server's end", () =>
      this.admin("GET", "/status").then(
        () => false,
        () => true,
      ),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}
