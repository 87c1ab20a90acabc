// Looking at a devbox for somebody on a phone: whether it lets us in, and which folders it has.
import * as v from "valibot";
import type { By } from "../server/audit.ts";
import { ApiError } from "../server/errors.ts";
import { LIMITS } from "../server/limits.ts";
import { directory, toDevbox } from "./devbox.ts";
import { type Directories, listings, type Script } from "./directories.ts";
import type { Engine } from "./engine.ts";
import { notAgain, refuses, toError } from "./failures.ts";
import type { Core, Places } from "./places.ts";
import { type Registered, toState } from "./registry.ts";
import { LaunchError, REFUSALS } from "./ssh-errors.ts";

/** A page waits 10 s for any answer; a login over a slow link takes some. */
const TEST_WITHIN_MS = 9_000;

export class Looks {
  readonly #core: Core;
  readonly #engine: Engine;
  readonly #places: Places;
  readonly #directories: ReturnType<typeof listings>;
  /** Tests under way. */
  #testing = 0;

  constructor(core: Core, engine: Engine, places: Places) {
    this.#core = core;
    this.#engine = engine;
    this.#places = places;
    this.#directories = listings(core.clock.now);
  }

  /**
   * What the devbox is now, and the fingerprint that somebody has to say yes to first, if that is what is missing. `yes`: to
   * that host key. Throws `rate_limited`.
   */
  async test(devbox: Registered, yes: string | null, by: By) {
    const { name } = devbox;
    let unknown: string | null = null;
    if (this.#testing >= LIMITS.devboxTests)
      throw new ApiError("rate_limited", "Some devboxes are being tested already; wait for one.");
    if (yes !== null) this.#places.agreed(name, yes, by); // First of all: no key is believed of which nothing says why.
    this.#testing++;
    try {
      if (yes !== null) {
        await this.#engine.trust(toDevbox(devbox), yes);
        this.#places.trusted(name, yes);
      }
      await this.#reach(devbox);
      this.#places.note(devbox, null);
    } catch (error) {
      this.#places.note(devbox, toError(error, this.#core.log));
      if (error instanceof LaunchError && error.class === "host_key_unknown")
        unknown = error.fingerprint ?? (await this.#engine.fingerprint(toDevbox(devbox)).catch(() => null));
    } finally {
      this.#testing--;
    }
    return { devbox: toState(this.#places.find(name)), fingerprint: unknown };
  }

  /** Logs in and does nothing. Rejects with LaunchError. */
  async #reach(devbox: Registered) {
    const limit = AbortSignal.timeout(TEST_WITHIN_MS);
    await this.#engine.script(toDevbox(devbox), "exit 0\n", "", limit).catch((error) => {
      if (!limit.aborted) throw error;
      throw new LaunchError(
        "timeout",
        `${devbox.name}: no login within ${TEST_WITHIN_MS / 1_000} s`,
        "See that it is up, and that its address and port are right.",
      );
    });
  }

  /** The folders there that what was typed may become. Throws `invalid`, `rate_limited`, `unreachable`. */
  async listing(devbox: Registered, under: string): Promise<Directories> {
    const checked = v.safeParse(directory, under);
    if (!checked.success) throw new ApiError("invalid", `under: ${checked.issues[0].message}`);
    if (devbox.error && refuses(devbox.error)) throw notAgain(devbox.error);
    const script: Script = (...rest) => this.#engine.script(toDevbox(devbox), ...rest);
    const listing = this.#directories(devbox.device_id, under, script);
    if (!listing) throw new ApiError("rate_limited", "Many folders are being read already.");
    try {
      return await listing;
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      if (!REFUSALS.has(error.class)) throw new ApiError("unreachable", `${error.message}. ${error.next}`);
      this.#places.note(devbox, toError(error, this.#core.log));
      throw notAgain(error);
    }
  }
}
