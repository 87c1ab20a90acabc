// Devboxes beside the server's core: what viewers and the owner's commands ask of them, and the sessions started there.
import type { LaunchBody } from "../protocol.ts";
import type { By } from "../server/audit.ts";
import { byOf } from "../server/caller.ts";
import { ApiError } from "../server/errors.ts";
import { OWNER, ownerOf } from "../server/owner.ts";
import type { OpenAnnex } from "../server/parts.ts";
import { type Call, plain, type Route, route } from "../server/routes.ts";
import { devboxBody, launchBody, testBody, triedBody } from "./bodies.ts";
import { earlier } from "./earlier.ts";
import { orForbidden, toError } from "./failures.ts";
import { Looks } from "./looks.ts";
import { Outages } from "./outages.ts";
import { type Core, Places } from "./places.ts";
import { type Registered, toState } from "./registry.ts";
import { Starts, type StartsOptions } from "./starts.ts";

export type DevboxesOptions = StartsOptions & {
  /** Phones may start sessions. */
  enabled: boolean;
  /** The folder of a devbox that is added without one; the home folder there if not given. */
  dir?: string | undefined;
  /** There is a claude on this very machine. */
  local: () => boolean;
};

const VIEWER = ["viewer"] as const;

/** Opens the room of devboxes beside the core. */
export function devboxes(options: DevboxesOptions): OpenAnnex {
  return (core) => new Devboxes(core, options).annex();
}

class Devboxes {
  readonly #core: Core;
  readonly #options: DevboxesOptions;
  readonly #places: Places;
  readonly #looks: Looks;
  readonly #starts: Starts;
  readonly #outages: Outages;

  constructor(core: Core, options: DevboxesOptions) {
    this.#core = core;
    this.#options = options;
    this.#places = new Places(core, options.local);
    this.#looks = new Looks(core, options.engine, this.#places);
    this.#starts = new Starts(core, options, this.#places);
    this.#outages = new Outages(core, options.engine, this.#places);
  }

  annex() {
    const stop = async () => {
      await Promise.all([this.#starts.stop(), this.#outages.stop()]);
      await this.#options.engine[Symbol.asyncDispose]();
    };
    return { routes: this.#routes(), owned: this.#owned(), stop };
  }

  #routes(): Route[] {
    return [
      plain("GET", "/api/devboxes", VIEWER, async () => Response.json(await this.#overview())),
      route("POST", "/api/devboxes", VIEWER, devboxBody, (call) => {
        this.#enabled();
        return this.#added(call.body, byOf(call));
      }),
      plain("DELETE", "/api/devboxes/:name", VIEWER, (call) => {
        this.#enabled();
        this.#places.remove(this.#find(call), byOf(call));
        return Response.json({ ok: true });
      }),
      route("POST", "/api/devboxes/:name/test", VIEWER, testBody, async (call) => {
        this.#enabled();
        return Response.json(
          await this.#looks.test(this.#find(call), call.body.fingerprint ?? null, byOf(call)),
        );
      }),
      plain("GET", "/api/devboxes/:name/directories", VIEWER, async (call) => {
        this.#enabled();
        return Response.json(await this.#looks.listing(this.#find(call), call.query.get("under") ?? "~/"));
      }),
      plain("GET", "/api/devboxes/:name/conversations", VIEWER, (call) => {
        const { device_id } = this.#find(call);
        return Response.json({ conversations: earlier(this.#core.store.tables, device_id) });
      }),
      plain("GET", "/api/launches", VIEWER, () => Response.json({ launches: this.#starts.list() })),
      plain("DELETE", "/api/launches/:launch", VIEWER, (call) =>
        Response.json({ launch: this.#starts.callOff(call.params.launch ?? "", byOf(call)) }),
      ),
      {
        ...route("POST", "/api/sessions", VIEWER, launchBody, (call) => {
          this.#enabled();
          return Response.json({ launch: this.#starts.launch(call.body as LaunchBody, byOf(call)) });
        }),
        rate: "launches",
      },
    ];
  }

  #owned(): Route[] {
    return [
      plain("GET", "/devboxes", OWNER, async () => Response.json(await this.#overview())),
      route("POST", "/devboxes", OWNER, devboxBody, (call) => this.#added(call.body, ownerOf(call))),
      plain("DELETE", "/devboxes/:name", OWNER, (call) => {
        this.#places.remove(this.#find(call), ownerOf(call));
        return Response.json({ ok: true });
      }),
      route("POST", "/devboxes/:name/test", OWNER, testBody, async (call) =>
        Response.json(await this.#looks.test(this.#find(call), call.body.fingerprint ?? null, ownerOf(call))),
      ),
      route("POST", "/devboxes/:name/tried", OWNER, triedBody, (call) => {
        const devbox = this.#find(call);
        const { error, fingerprint: seen } = call.body;
        this.#places.tried(devbox, error);
        if (seen) {
          this.#places.agreed(devbox.name, seen, ownerOf(call));
          this.#places.trusted(devbox.name, seen);
        }
        return Response.json({ devbox: toState(this.#find(call)) });
      }),
      plain("POST", "/devboxes/:name/enrol", OWNER, (call) =>
        Response.json(orForbidden(() => this.#places.enrolled(this.#find(call)))),
      ),
      plain("GET", "/launches/:launch", OWNER, ({ params }) =>
        Response.json({ session: this.#starts.sessionOf(params.launch ?? "") }),
      ),
    ];
  }

  #added(given: Parameters<Places["add"]>[0], by: By): Response {
    const dir = given.dir ?? this.#options.dir ?? null;
    return Response.json({ devbox: this.#places.add({ ...given, dir }, by) });
  }

  /** Throws `forbidden` where phones may not start anything. */
  #enabled() {
    if (this.#options.enabled) return;
    throw new ApiError(
      "forbidden",
      "Phones may not start sessions on this server: its setting `launch` is false.",
    );
  }

  async #overview() {
    const { enabled, modes, engine } = this.#options;
    // Without it everything but a server in a container can do its work.
    const failed = (error: unknown) => void toError(error, this.#core.log);
    const key = await engine.publicKey().catch(failed);
    const aliases = enabled ? ((await engine.aliases().catch(failed)) ?? []) : [];
    const [places, choices] = [this.#places.list(), this.#places.choices()];
    return { enabled, modes, public_key: key ?? null, devboxes: places, choices, aliases };
  }

  /** Throws `not_found`. */
  #find({ params: { name = "" } }: Pick<Call, "params">): Registered {
    return this.#places.find(name);
  }
}
