// Sessions on devboxes that this server has lost: where its ssh gets to their machine, they are given a way back.
import type { DevboxError, DeviceId } from "../protocol.ts";
import { toDevbox } from "./devbox.ts";
import type { Engine } from "./engine.ts";
import { toError } from "./failures.ts";
import type { Core, Places } from "./places.ts";
import type { Registered } from "./registry.ts";
import { tunnelRuns } from "./tunnel.ts";

/** A wrapper dials every two seconds: what was a short outage, or a restart of this server, is over by then. */
const LOST_MS = 30_000;
const LOOK_MS = 10_000;
/** Between two tries at one devbox, twice as long each time: it may be switched off for days. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 30 * 60_000;

type Tried = { at: number; waitMs: number };

export class Outages {
  readonly #core: Core;
  readonly #engine: Engine;
  readonly #places: Places;
  readonly #begunAt: number;
  readonly #tried = new Map<DeviceId, Tried>();
  readonly #underway = new Set<Promise<void>>();
  readonly #end = new AbortController();
  readonly #stopLooking: () => void;

  constructor(core: Core, engine: Engine, places: Places) {
    this.#core = core;
    this.#engine = engine;
    this.#places = places;
    this.#begunAt = core.clock.now();
    this.#stopLooking = core.clock.every(LOOK_MS, () => this.#look());
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#stopLooking();
    this.#end.abort();
    await Promise.all(this.#underway);
  }

  #look() {
    const lost = this.#lost();
    for (const device of this.#tried.keys()) if (!lost.has(device)) this.#tried.delete(device);
    if (this.#underway.size > 0) return; // One after the other: each is a login somewhere, and there is time.
    const devbox = this.#places
      .reachedByUs()
      .find(({ device_id }) => lost.has(device_id) && this.#due(device_id));
    if (!devbox) return;
    const run = this.#open(devbox).finally(() => this.#underway.delete(run));
    this.#underway.add(run);
  }

  /** The devices whose sessions have been out of reach for so long. */
  #lost(): Set<DeviceId> {
    const since = this.#core.clock.now() - LOST_MS;
    const away = this.#core.sessions
      .open()
      .filter(({ connected, heard_at }) => !connected && Math.max(heard_at, this.#begunAt) <= since);
    return new Set(away.map(({ device_id }) => device_id));
  }

  #due(device: DeviceId): boolean {
    const tried = this.#tried.get(device);
    if (tried && this.#core.clock.now() - tried.at < tried.waitMs) return false;
    return !tunnelRuns({ data: this.#core.data, device });
  }

  async #open(devbox: Registered) {
    const { clock, log, data } = this.#core;
    const { device_id: device, name } = devbox;
    const before = this.#tried.get(device)?.waitMs ?? FIRST_WAIT_MS / 2;
    this.#tried.set(device, { at: clock.now(), waitMs: Math.min(2 * before, LONGEST_WAIT_MS) });
    let error: DevboxError | null = null;
    try {
      await this.#engine.back(toDevbox(devbox), device, data, this.#end.signal);
      log.info({ devbox: name }, "sessions there were out of reach: they have a way back now");
    } catch (reason) {
      error = toError(reason, log);
    }
    try {
      this.#places.note(devbox, error);
    } catch (fault) {
      log.error({ error: String(fault) }, "how a devbox was could not be written down");
    }
  }
}
