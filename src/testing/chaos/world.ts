// A user's machine for chaos: the server, wrapped programs and two phones as they really are, with a proxy on each wire.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceId } from "../../protocol.ts";
import { deviceSecret } from "../../seal.ts";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { filesBelow, kill, nameOf, processesOf, textOf } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { LinkProxy } from "./link-proxy.ts";
import { PageProxy } from "./page-proxy.ts";
import { ChaosPhone } from "./phone.ts";
import type { Place } from "./place.ts";
import { ChaosServer } from "./server.ts";
import { until } from "./until.ts";

/** After its sessions and its server ended, a process of theirs is a leak. */
const GONE_MS = 15_000;
const PHONES = ["Anna’s phone", "Ben’s phone"] as const;

/**
 * Wrappers and server have folders of their own with one key, as if they were two machines: so what a wrapper takes for
 * its server's socket is the proxy's, and stays there when the server dies.
 */
export class ChaosWorld implements AsyncDisposable {
  readonly root: string;
  readonly project: string;
  readonly server: ChaosServer;
  readonly link: LinkProxy;
  readonly page: PageProxy;
  phones: ChaosPhone[] = [];
  /** A wrapper that is killed cannot remove the folder of its run. */
  killedWrappers = 0;
  readonly #options: Pick<Place, "env" | "project">;
  readonly #admin: { stop(now: boolean): unknown };
  readonly #desks: Terminal[] = [];

  private constructor(
    options: Pick<Place, "env" | "project">,
    parts: {
      root: string;
      server: ChaosServer;
      link: LinkProxy;
      page: PageProxy;
      admin: { stop(): unknown };
    },
  ) {
    this.#options = options;
    this.project = options.project;
    this.root = parts.root;
    this.server = parts.server;
    this.link = parts.link;
    this.page = parts.page;
    this.#admin = parts.admin;
  }

  /** The server runs, the phones are paired and listen; no wrapper yet. */
  static async open(options: Pick<Place, "env" | "project">): Promise<ChaosWorld> {
    const root = mkdtempSync(join(tmpdir(), "cr-chaos-"));
    const desk = join(root, "desk", "data");
    mkdirSync(desk, { recursive: true, mode: 0o700 });
    const port = freePort();
    const page = await PageProxy.open(() => port);
    const server = new ChaosServer(join(root, "server"), port, {
      ...options.env,
      CLAUDE_REMOTE_PUBLIC_URL: page.url,
    });
    const key = crypto.getRandomValues(new Uint8Array(32));
    for (const data of [desk, server.data]) writeFileSync(join(data, "master.key"), key, { mode: 0o600 });
    const secret = deviceSecret(key, "local" as DeviceId);
    const link = await LinkProxy.open(join(desk, "server.sock"), join(server.data, "server.sock"), secret);
    // Wrappers ask whether a server runs before they start one; here somebody else sees to that.
    const admin = Bun.serve({ unix: join(desk, "admin.sock"), fetch: () => Response.json({ ok: true }) });
    await using rest = new AsyncDisposableStack();
    const world = rest.use(new ChaosWorld(options, { root, server, link, page, admin }));
    await server.start();
    for (const name of PHONES) world.phones.push(await world.pair(name));
    rest.move();
    return world;
  }

  async pair(name: string): Promise<ChaosPhone> {
    const { code } = (await this.server.admin("POST", "/pair", { yes: true })) as { code: string };
    return ChaosPhone.pair(name, this.page.url, code);
  }

  /** Starts `claude-remote` around this program in a terminal of its own. */
  desk(claude: string, args: string[] = [], env: Record<string, string> = {}): Terminal {
    const desk = new Terminal([program(), ...args], {
      cwd: this.project,
      env: {
        ...this.#options.env,
        CLAUDE_REMOTE_HOME: join(this.root, "desk"),
        CLAUDE_REMOTE_CLAUDE: claude,
        CLAUDE_REMOTE_KEEP_AWAKE: "0",
        ...env,
      },
    });
    this.#desks.push(desk);
    return desk;
  }

  /** Folders of single runs, but for one of each wrapper that was killed; and what lies about in the temporary folder. */
  #leftovers(): string[] {
    const folders = filesBelow(join(this.root, "desk", "run")).filter((name) => !name.includes("/"));
    const temporary = filesBelow(this.#options.env.TMPDIR ?? "");
    return [
      ...folders.slice(this.killedWrappers).map((name) => `run/${name}`),
      ...temporary.filter((name) => /^claude-remote|\.so$/.test(name)),
    ];
  }

  #processes = () => processesOf(this.#options.env.HOME ?? "");

  /** The server's log, its last lines. */
  log(chars = 3_000): string {
    return textOf(join(this.server.home, "server.log")).slice(-chars);
  }

  /** Ends everything. Throws if anything of it is left: a process, a socket, a folder. */
  async [Symbol.asyncDispose]() {
    using rest = new DisposableStack();
    rest.defer(() => rmSync(this.root, { recursive: true, force: true }));
    rest.defer(() => {
      for (const pid of this.#processes()) kill(pid, "SIGKILL");
    });
    for (const phone of this.phones) await phone[Symbol.asyncDispose]();
    for (const desk of this.#desks) desk.kill("SIGTERM");
    for (const desk of this.#desks) await Promise.race([desk.exited, Bun.sleep(GONE_MS)]);
    await this.server[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
    await this.page[Symbol.asyncDispose]();
    this.#admin.stop(true);
    const processes = this.#processes;
    await until("the end of all processes", () => processes().length === 0, GONE_MS).catch(() => {});
    const left = [...processes().map(nameOf), ...this.#leftovers()];
    for (const desk of this.#desks) await desk[Symbol.asyncDispose]();
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }
}
