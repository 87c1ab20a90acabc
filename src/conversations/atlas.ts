// Where conversations are: this machine's own, the server's records, and every devbox that can be asked.
import type { Devbox } from "../devbox/devbox.ts";
import type { DevboxError } from "../protocol.ts";
import { told as toldOf } from "./annex.ts";
import { type Known, known, type Seen, type Told } from "./known.ts";
import type { Connection } from "./rsync.ts";
import { LIST, listed, localShell, type Shell } from "./script.ts";

/** What is asked for: the newest, those of one folder, or those whose ids begin so. */
export type Wanted = { folder?: string; begin?: string };
/** What the server knows; `devboxes`: those that are reached by ssh. */
export type FromServer = Told & { devboxes: readonly Devbox[] };

/** Conversations of one machine that are looked at; a person reads two pages of them. */
const MOST = 40;

/** How somebody is reached: `ask`, who sits at the terminal may be asked for a password; given up when `signal` says so. */
export type How = { ask?: boolean; signal?: AbortSignal };
type Reach = (devbox: Devbox, how: How) => Promise<Connection>;

export const NOTHING: FromServer = { recorded: [], sessions: [], own: [], devboxes: [] };

const late = (name: string): DevboxError => ({
  class: "timeout",
  message: `${name}: no answer in time`,
  next: `See how it is: claude-remote devbox status ${name}`,
});

export class Atlas {
  readonly #server: FromServer;
  readonly #connect: Reach;
  readonly #seen: Seen[] = [];
  /** Who could not be asked, and why. */
  readonly problems = new Map<string, DevboxError>();
  readonly connections = new Map<string, Connection>();

  constructor(server: FromServer, connect: Reach) {
    this.#server = server;
    this.#connect = connect;
  }

  get server(): FromServer {
    return this.#server;
  }

  /** Everything that was heard so far. */
  known(): Known[] {
    return known(this.#seen, this.#server);
  }

  /** That machine's home folder, once it was asked. */
  homeOf(where: string | null): string | null {
    return this.#seen.find((seen) => seen.where === where)?.listed.home ?? null;
  }

  /** Asks this machine. */
  async here(wanted: Wanted = {}): Promise<void> {
    await this.#ask(null, localShell(), wanted);
  }

  /** Asks a devbox; what goes wrong is kept in `problems`. */
  async there(devbox: Devbox, wanted: Wanted = {}, how: How = {}): Promise<void> {
    try {
      const connection = await this.#connect(devbox, how);
      await this.#ask(devbox.name, connection, wanted);
      this.connections.set(devbox.name, connection);
      this.problems.delete(devbox.name);
    } catch (error) {
      this.problems.set(devbox.name, how.signal?.aborted ? late(devbox.name) : toldOf(error));
    }
  }

  async #ask(where: string | null, shell: Shell, { folder = "", begin = "" }: Wanted) {
    const { out } = await shell.script(LIST, { stdin: `${MOST}\n${folder}\n${begin}\n` });
    const answer = listed(out);
    if (!answer) throw new Error("the machine's answer was cut");
    const before = this.#seen.findIndex((seen) => seen.where === where);
    if (before >= 0) this.#seen.splice(before, 1);
    this.#seen.push({ where, listed: answer });
  }
}
