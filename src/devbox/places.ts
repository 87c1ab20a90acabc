// The devboxes that this server knows, with its own machine among them: found, added, removed, and how each was last.
import { hostname } from "node:os";
import type * as v from "valibot";
import type { DevboxError, DevboxState, DeviceId, LaunchMode } from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import { type By, whoIn } from "../server/audit.ts";
import { LOCAL_DEVICE } from "../server/devices.ts";
import { ApiError } from "../server/errors.ts";
import { LIMITS } from "../server/limits.ts";
import type { OpenAnnex } from "../server/parts.ts";
import type { Enrolled } from "./address.ts";
import type { devboxBody } from "./bodies.ts";
import { ofTheDevbox, reached, refuses } from "./failures.ts";
import { type Registered, Registry, toState } from "./registry.ts";
import { LaunchError } from "./ssh-errors.ts";
import { endTunnel, hurryTunnel } from "./tunnel.ts";

export type Core = Parameters<OpenAnnex>[0];

/** The server's own machine, by the name that nothing else may have. */
const LOCAL = "local";

export class Places {
  readonly #core: Core;
  readonly #registry: Registry;
  /** There is a claude on this very machine. */
  readonly #hasOwn: () => boolean;
  /** How this machine itself was when a session was started here last. */
  #own: DevboxError | null = null;

  constructor(core: Core, hasOwn: () => boolean) {
    this.#core = core;
    this.#registry = new Registry(core.store.statements);
    this.#hasOwn = hasOwn;
  }

  /** This machine first, where it has a claude. */
  list(): DevboxState[] {
    return [...(this.#hasOwn() ? [this.#ownMachine()] : []), ...this.#registry.list()].map(toState);
  }

  /** Those to which this server's own ssh got before, and whose login nobody has to look after first. */
  reachedByUs(): Registered[] {
    return this.#registry
      .list()
      .filter(({ kind, seen_at, error }) => kind === "ssh" && seen_at !== null && !refuses(error));
  }

  /** Where sessions were started, the newest first. */
  choices() {
    return this.#registry.choices();
  }

  #ownMachine(): Registered {
    return {
      ...{ name: LOCAL, kind: "local", host: hostname(), user: null, port: null, key: null, dir: null },
      ...{ device_id: LOCAL_DEVICE, created_at: 0, last_used: null, seen_at: null, fingerprint: null },
      ...{ state: "active", error: this.#own },
    };
  }

  /** Throws `not_found`. */
  find(name: string): Registered {
    const found = name === LOCAL && this.#hasOwn() ? this.#ownMachine() : this.#registry.get(name);
    if (!found) throw new ApiError("not_found", `There is no devbox "${name}".`);
    return found;
  }

  /** The device of that name, or null where it was removed. */
  deviceOf(name: string): DeviceId | null {
    return name === LOCAL ? LOCAL_DEVICE : (this.#registry.get(name)?.device_id ?? null);
  }

  /** Throws `invalid`. */
  add(given: v.InferOutput<typeof devboxBody>, by: By): DevboxState {
    const { store, clock } = this.#core;
    const { name } = given;
    const now = clock.now();
    if (this.#registry.list().length >= LIMITS.devboxes)
      throw new ApiError("invalid", `There are ${LIMITS.devboxes} devboxes already; remove one.`);
    const taken = store.devices.list().some((device) => device.name === name && device.revoked_at === null);
    if (name === LOCAL || taken)
      throw new ApiError("invalid", `name: there is a machine "${name}" already; name it differently.`);
    const device = Bun.randomUUIDv7() as DeviceId;
    const { kind, ...detail } = given;
    store.statements.tx(() => {
      if (!this.#registry.add({ ...given, kind: "ssh" }, device, now))
        throw new ApiError("invalid", `name: there is a devbox "${name}" already; name it differently.`);
      store.devices.add(device, name, now);
      store.audit.add({ ...whoIn(by), action: "devbox added", subject: name, detail }, now);
    });
    return toState(this.find(name));
  }

  /** Its wrappers may not report any more either: what still runs there goes on, unseen from here. */
  remove({ name, device_id }: Registered, by: By): void {
    const { store, clock, revokeDevice, data } = this.#core;
    if (name === LOCAL) throw new ApiError("forbidden", "The server's own machine cannot be removed.");
    revokeDevice(device_id, by, () => {
      this.#registry.remove(name);
      store.audit.add({ ...whoIn(by), action: "devbox removed", subject: name, detail: {} }, clock.now());
    });
    endTunnel({ data, device: device_id });
  }

  /** Somebody says yes to that host key. */
  agreed(name: string, seen: string, by: By) {
    const { store, clock } = this.#core;
    const detail = { fingerprint: seen };
    store.audit.add({ ...whoIn(by), action: "host key trusted", subject: name, detail }, clock.now());
  }

  /** It is believed from now on. */
  trusted(name: string, seen: string) {
    this.#registry.trusted(name, seen);
  }

  /** Remembers how a devbox was when it was tried just now; null: it was there. */
  tried({ name, device_id }: Pick<Registered, "name" | "device_id">, error: DevboxError | null) {
    const { clock, data } = this.#core;
    this.#registry.tried(name, error, reached(error), clock.now());
    if (!error) hurryTunnel({ data, device: device_id });
  }

  /** The same, where it may be no failure of the devbox. */
  note(place: Pick<Registered, "name" | "device_id">, error: DevboxError | null) {
    if (error && !ofTheDevbox(error)) return;
    if (place.name === LOCAL) this.#own = error;
    else this.tried(place, error);
  }

  /** A session was started there. */
  used(name: string, dir: string, mode: LaunchMode | null) {
    this.#registry.used(name, dir, mode, this.#core.clock.now());
  }

  /** What lets its wrappers in. Throws LaunchError where nothing does any more. */
  enrolled({ name, device_id }: Registered): Enrolled {
    const { store, masterKey, url } = this.#core;
    if (store.devices.get(device_id)?.revoked_at !== null)
      throw new LaunchError(
        "server",
        `${name}: it may not report to this server any more, for its right was revoked`,
        "Remove this devbox and add it again.",
      );
    const secret = Buffer.from(deviceSecret(masterKey, device_id)).toString("base64url");
    return { device: device_id, secret, url: url() };
  }
}
