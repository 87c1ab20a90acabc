// Devboxes beside the server's core: what viewers and the owner's commands ask of them, and the sessions started there.
import { hostname } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type {
  ConversationId,
  DevboxError,
  DevboxState,
  DeviceId,
  EarlierConversation,
  Launch,
  LaunchBody,
  LaunchMode,
  SessionId,
} from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import { type By, whoIn } from "../server/audit.ts";
import { byOf } from "../server/caller.ts";
import { LOCAL_DEVICE } from "../server/devices.ts";
import { ApiError } from "../server/errors.ts";
import { LIMITS } from "../server/limits.ts";
import { OWNER, ownerOf } from "../server/owner.ts";
import type { OpenAnnex } from "../server/parts.ts";
import { type Call, plain, type Route, route } from "../server/routes.ts";
import { devboxBody, launchBody, testBody, triedBody } from "./bodies.ts";
import { type Devbox, directory } from "./devbox.ts";
import { listings, type Script } from "./directories.ts";
import type { Enrolled, LaunchContext, LaunchRequest, LaunchStep } from "./launch.ts";
import { Launches, type Progress } from "./launches.ts";
import { type Registered, Registry, toState } from "./registry.ts";
import { FAILURES, LaunchError, type LaunchFailure, REFUSALS } from "./ssh-errors.ts";
import { endTunnel } from "./tunnel.ts";

/** What reaches devboxes. */
export type Engine = AsyncDisposable & {
  launch(
    request: LaunchRequest,
    context: Omit<LaunchContext, "connections">,
    onStep: (step: LaunchStep) => void,
  ): Promise<{ session: SessionId }>;
  /** A shell there. Rejects with LaunchError. */
  script(devbox: Devbox, ...rest: Parameters<Script>): ReturnType<Script>;
  /** Of the host key that the devbox shows now, or null where it has none. Rejects with LaunchError. */
  fingerprint(devbox: Devbox): Promise<string | null>;
  /** Believes the host key of that fingerprint from now on, if that is what the devbox shows. Rejects with LaunchError. */
  trust(devbox: Devbox, fingerprint: string): Promise<void>;
  /** The key that devboxes have to let in, where this server has one of its own; the line of `authorized_keys`. */
  publicKey(): Promise<string | null>;
};

export type DevboxesOptions = {
  engine: Engine;
  /** Phones may start sessions. */
  enabled: boolean;
  /** The permission modes that they may start them in. */
  modes: readonly LaunchMode[];
  /** There is a claude on this very machine. */
  local: () => boolean;
  /** Before a conversation goes on there, in that folder: its newest files. Rejects with what says what to do. */
  carry?: (devbox: Devbox, conversation: ConversationId, dir: string) => Promise<void>;
};

/** The server's own machine, by the name that nothing else may have. */
const LOCAL = "local";
/** Conversations offered to be gone on with. */
const MOST_CONVERSATIONS = 50;
/** Failures that say that nothing of the devbox can be reached. Any other is of a machine that is there. */
const OUT_OF_REACH: ReadonlySet<LaunchFailure> = new Set([
  ...(["refused", "timeout", "unreachable", "dns", "closed", "jump"] as const),
  ...(["auth", "too_many_keys", "key_file"] as const),
  ...([
    "host_key_unknown",
    "host_key_changed",
    "host_key_revoked",
    "algorithms",
    "config",
    "no_ssh",
  ] as const),
  ...(["nologin", "no_shell", "max_sessions", "lost"] as const),
]);
/** Failures of what was asked for, which say nothing of the devbox; nor does what is none of a launch. */
const OF_THE_REQUEST: readonly LaunchFailure[] = ["no_dir", "server", "stopped", "failed"];
const OF_THE_DEVBOX: ReadonlySet<string> = new Set(FAILURES.filter((one) => !OF_THE_REQUEST.includes(one)));

const reached = (error: DevboxError | null) =>
  error === null || !OUT_OF_REACH.has(error.class as LaunchFailure);

const VIEWER = ["viewer"] as const;

/** Opens the room of devboxes beside the core. */
export function devboxes(options: DevboxesOptions): OpenAnnex {
  return (core) => new Devboxes(core, options).annex();
}

type Core = Parameters<OpenAnnex>[0];

class Devboxes {
  readonly #core: Core;
  readonly #options: DevboxesOptions;
  readonly #registry: Registry;
  readonly #launches: Launches;
  readonly #directories: ReturnType<typeof listings>;
  /** Tests under way. */
  #testing = 0;
  /** Who waits for the wrapper of a launch. */
  readonly #waiting = new Map<string, (session: SessionId, device: DeviceId) => void>();
  /** How this machine itself was when a session was started here last. */
  #local: DevboxError | null = null;

  constructor(core: Core, options: DevboxesOptions) {
    const { clock, events, store } = core;
    this.#core = core;
    this.#options = options;
    this.#registry = new Registry(store.tables);
    this.#directories = listings(clock.now);
    this.#launches = new Launches({
      clock,
      start: (body, onProgress, signal) => this.#start(body, onProgress, signal),
      toError: (error) => this.#told(error),
      tell: (launch) => events.tell(`launch ${launch.id}`, "launch", { launch }),
      onEnd: (launch, body) => this.#ended(launch, body),
    });
    events.addToState(() => ({ launches: this.#launches.list() }));
    events.listen((_, name, told) => {
      if (name === "session_start" && "session" in told) this.#stated(told.session as Stated);
    });
  }

  annex() {
    const stop = async () => {
      await this.#launches.stop();
      await this.#options.engine[Symbol.asyncDispose]();
    };
    return { routes: this.#routes(), owned: this.#owned(), stop };
  }

  #routes(): Route[] {
    return [
      plain("GET", "/api/devboxes", VIEWER, async () => Response.json(await this.#overview())),
      route("POST", "/api/devboxes", VIEWER, devboxBody, (call) => {
        this.#enabled();
        return Response.json({ devbox: this.#add(call.body, byOf(call)) });
      }),
      plain("DELETE", "/api/devboxes/:name", VIEWER, (call) => {
        this.#enabled();
        return this.#remove(call, byOf(call));
      }),
      route("POST", "/api/devboxes/:name/test", VIEWER, testBody, async (call) => {
        this.#enabled();
        return Response.json(await this.#test(this.#find(call), call.body.fingerprint ?? null, byOf(call)));
      }),
      plain("GET", "/api/devboxes/:name/directories", VIEWER, async (call) => {
        this.#enabled();
        return Response.json(await this.#listing(this.#find(call), call.query.get("under") ?? "~/"));
      }),
      plain("GET", "/api/devboxes/:name/conversations", VIEWER, (call) => {
        const { device_id } = this.#find(call);
        return Response.json({ conversations: this.#conversations(device_id) });
      }),
      plain("GET", "/api/launches", VIEWER, () => Response.json({ launches: this.#launches.list() })),
      plain("DELETE", "/api/launches/:launch", VIEWER, (call) =>
        Response.json({ launch: this.#callOff(call.params.launch ?? "", byOf(call)) }),
      ),
      {
        ...route("POST", "/api/sessions", VIEWER, launchBody, (call) => {
          this.#enabled();
          return Response.json({ launch: this.#launch(call.body as LaunchBody, byOf(call)) });
        }),
        rate: "launches",
      },
    ];
  }

  #owned(): Route[] {
    return [
      plain("GET", "/devboxes", OWNER, async () => Response.json(await this.#overview())),
      route("POST", "/devboxes", OWNER, devboxBody, (call) =>
        Response.json({ devbox: this.#add(call.body, ownerOf(call)) }),
      ),
      plain("DELETE", "/devboxes/:name", OWNER, (call) => this.#remove(call, ownerOf(call))),
      route("POST", "/devboxes/:name/test", OWNER, testBody, async (call) =>
        Response.json(await this.#test(this.#find(call), call.body.fingerprint ?? null, ownerOf(call))),
      ),
      route("POST", "/devboxes/:name/tried", OWNER, triedBody, (call) => {
        const { name } = this.#find(call);
        const { error, fingerprint: seen } = call.body;
        this.#registry.tried(name, error, reached(error), this.#core.clock.now());
        if (seen) this.#trusted(name, seen, ownerOf(call));
        return Response.json({ devbox: toState(this.#find(call)) });
      }),
      plain("POST", "/devboxes/:name/enrol", OWNER, (call) =>
        Response.json(this.#enrolled(this.#find(call))),
      ),
      // Which device is not asked: who made the id has told it nobody but the wrapper that it is for.
      plain("GET", "/launches/:launch", OWNER, ({ params }) =>
        Response.json({ session: this.#begunBy(params.launch ?? "")[0]?.id ?? null }),
      ),
    ];
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
    const { enabled, modes, local, engine } = this.#options;
    // Without it everything but a server in a container can do its work.
    const key = await engine.publicKey().catch((error) => void this.#told(error));
    return {
      ...{ enabled, modes, public_key: key ?? null },
      devboxes: [...(local() ? [toState(this.#ownMachine())] : []), ...this.#registry.list().map(toState)],
      choices: this.#registry.choices(),
    };
  }

  #ownMachine(): Registered {
    return {
      ...{ name: LOCAL, kind: "local", host: hostname(), user: null, port: null, key: null, dir: null },
      ...{ device_id: LOCAL_DEVICE, created_at: 0, last_used: null, seen_at: null, fingerprint: null },
      ...{ state: "active", error: this.#local },
    };
  }

  /** Throws `not_found`. */
  #find({ params: { name = "" } }: Pick<Call, "params">): Registered {
    const found = name === LOCAL && this.#options.local() ? this.#ownMachine() : this.#registry.get(name);
    if (!found) throw new ApiError("not_found", `There is no devbox "${name}".`);
    return found;
  }

  #add(given: v.InferOutput<typeof devboxBody>, by: By): DevboxState {
    const { store, clock } = this.#core;
    const { name } = given;
    const now = clock.now();
    if (this.#registry.list().length >= LIMITS.devboxes)
      throw new ApiError("invalid", `There are ${LIMITS.devboxes} devboxes already; remove one.`);
    const taken = store.devices.list().some((device) => device.name === name && device.revoked_at === null);
    if (name === LOCAL || taken)
      throw new ApiError("invalid", `name: there is a machine "${name}" already; name it differently.`);
    const device = Bun.randomUUIDv7() as DeviceId;
    if (!this.#registry.add({ ...given, kind: "ssh" }, device, now))
      throw new ApiError("invalid", `name: there is a devbox "${name}" already; name it differently.`);
    store.devices.add(device, name, now);
    const { kind, ...detail } = given;
    store.audit.add({ ...whoIn(by), action: "devbox added", subject: name, detail }, now);
    return toState(this.#find({ params: { name } }));
  }

  /** Its wrappers may not report any more either: what still runs there goes on, unseen from here. */
  #remove(call: Pick<Call, "params">, by: By): Response {
    const { name, device_id } = this.#find(call);
    const { store, clock, revokeDevice } = this.#core;
    if (name === LOCAL) throw new ApiError("forbidden", "The server's own machine cannot be removed.");
    this.#registry.remove(name);
    revokeDevice(device_id);
    endTunnel({ data: this.#core.data, device: device_id });
    store.audit.add({ ...whoIn(by), action: "devbox removed", subject: name, detail: {} }, clock.now());
    return Response.json({ ok: true });
  }

  /** What the devbox is now, and the fingerprint that somebody has to say yes to first, if that is what is missing. */
  async #test(devbox: Registered, yes: string | null, by: By) {
    const { engine } = this.#options;
    const { name } = devbox;
    let unknown: string | null = null;
    if (this.#testing >= LIMITS.devboxTests)
      throw new ApiError("rate_limited", "Some devboxes are being tested already; wait for one.");
    this.#testing++;
    try {
      if (yes !== null) {
        await engine.trust(toDevbox(devbox), yes);
        this.#trusted(name, yes, by);
      }
      await this.#reach(devbox);
      this.#note(name, null);
    } catch (error) {
      this.#note(name, this.#told(error));
      if (error instanceof LaunchError && error.class === "host_key_unknown")
        unknown = error.fingerprint ?? (await engine.fingerprint(toDevbox(devbox)).catch(() => null));
    } finally {
      this.#testing--;
    }
    return { devbox: toState(this.#find({ params: { name } })), fingerprint: unknown };
  }

  /** Logs in and does nothing. Rejects with LaunchError. */
  async #reach(devbox: Registered) {
    const limit = AbortSignal.timeout(TEST_WITHIN_MS);
    await this.#options.engine.script(toDevbox(devbox), "exit 0\n", "", limit).catch((error) => {
      if (!limit.aborted) throw error;
      throw new LaunchError(
        "timeout",
        `${devbox.name}: no login within ${TEST_WITHIN_MS / 1_000} s`,
        "See that it is up, and that its address and port are right.",
      );
    });
  }

  #trusted(name: string, seen: string, by: By) {
    const { store, clock } = this.#core;
    this.#registry.trusted(name, seen);
    const detail = { fingerprint: seen };
    store.audit.add({ ...whoIn(by), action: "host key trusted", subject: name, detail }, clock.now());
  }

  /** Remembers how a devbox was; null: it was there. */
  #note(name: string, error: DevboxError | null) {
    if (error && !OF_THE_DEVBOX.has(error.class)) return;
    if (name === LOCAL) this.#local = error;
    else this.#registry.tried(name, error, reached(error), this.#core.clock.now());
  }

  /** What went wrong, for people. What says no more is a fault of ours, and the log has it. */
  #told(error: unknown): DevboxError {
    if (saysWhatToDo(error)) return { class: error.class, message: error.message, next: error.next };
    this.#core.log.error({ error: String(error) }, "a devbox failed");
    return { class: "failed", message: "Something failed on the server.", next: "Its log says what." };
  }

  async #listing(devbox: Registered, under: string) {
    const checked = v.safeParse(directory, under);
    if (!checked.success) throw new ApiError("invalid", `under: ${checked.issues[0].message}`);
    if (devbox.error && REFUSALS.has(devbox.error.class)) throw notAgain(devbox.error);
    const script: Script = (...rest) => this.#options.engine.script(toDevbox(devbox), ...rest);
    const listing = this.#directories(devbox.device_id, under, script);
    if (!listing) throw new ApiError("rate_limited", "Many folders are being read already.");
    try {
      return await listing;
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      if (!REFUSALS.has(error.class)) throw new ApiError("unreachable", `${error.message}. ${error.next}`);
      this.#note(devbox.name, this.#told(error));
      throw notAgain(error);
    }
  }

  #conversations(device: DeviceId): EarlierConversation[] {
    return this.#core.store.tables
      .query<EarlierConversation, [Record<string, string | number>]>(CONVERSATIONS)
      .all({ device, limit: MOST_CONVERSATIONS });
  }

  #launch(body: LaunchBody, by: By): Launch {
    const { devbox: name, dir, mode, resume, prompt, launch: id } = body;
    const known = this.#launches.known(body);
    if (known) return known;
    const devbox = this.#find({ params: { name } });
    if (mode && !this.#options.modes.includes(mode))
      throw new ApiError("forbidden", `mode: ${mode} is not among this server's launch_modes.`);
    if (resume) this.#resumable(devbox, resume, body.anyway ?? false);
    const launch = this.#launches.begin(body);
    const { store, clock } = this.#core;
    const detail = { devbox: name, dir, mode: mode ?? null, resume: resume ?? null, prompt: prompt ?? null };
    store.audit.add({ ...whoIn(by), action: "launch", subject: id, detail }, clock.now());
    this.#registry.used(name, dir, mode ?? null, clock.now());
    return launch;
  }

  /** Throws `not_found`. One that is over stays as it is. */
  #callOff(id: string, by: By): Launch {
    const found = this.#launches.callOff(id);
    if (!found) throw new ApiError("not_found", "No such launch is known.");
    const { launch, first } = found;
    const { store, clock } = this.#core;
    const detail = { devbox: launch.devbox, step: launch.step };
    const entry = { ...whoIn(by), action: "launch called off", subject: launch.id, detail };
    if (first) store.audit.add(entry, clock.now());
    return launch;
  }

  /** Throws `not_found`, or `alive` where it goes on somewhere else and nobody has said that this is meant. */
  #resumable({ device_id, name }: Registered, resume: ConversationId, anyway: boolean) {
    const { tables } = this.#core.store;
    const there = tables.query<{ id: string }, [string, string]>(CONVERSED).get(resume, device_id);
    if (!there) throw new ApiError("not_found", `No such conversation is known of "${name}".`);
    const alive = this.#core.sessions.open().find(({ conversation }) => conversation === resume);
    if (alive && !anyway)
      throw new ApiError("alive", "That conversation goes on in another session; say `anyway` to have both.");
  }

  async #start(body: LaunchBody, onProgress: (progress: Progress) => void, signal: AbortSignal) {
    const { prompt = null, mode = null, resume = null, dir, launch } = body;
    const devbox = this.#find({ params: { name: body.devbox } });
    const request = { devbox: toDevbox(devbox), dir, args: [], prompt, mode, resume };
    const { data } = this.#core;
    const context = {
      enrol: async () => this.#enrolled(devbox),
      waitFor: (id: string, end: AbortSignal) => this.#waitFor(id, devbox.device_id, end),
      ...{ socket: join(data, "server.sock"), data, launch, signal },
    };
    const onStep = ({ step, percent = null }: { step: Launch["step"]; percent?: number | null }) =>
      onProgress({ step, percent });
    const { engine, carry } = this.#options;
    if (resume && devbox.kind === "ssh") await carry?.(request.devbox, resume, dir);
    return (await engine.launch(request, context, onStep)).session;
  }

  #ended({ session, error, id }: Launch, { devbox: name }: LaunchBody) {
    const { store, clock } = this.#core;
    const known = name === LOCAL ? LOCAL_DEVICE : this.#registry.get(name)?.device_id;
    const action = error ? "launch failed" : "launched";
    const detail = { devbox: name, ...error };
    const actor = `device ${known ?? "that was removed"}`;
    store.audit.add({ actor, name, session, subject: id, action, detail }, clock.now());
    if (known) this.#note(name, error);
  }

  #enrolled({ device_id }: Registered): Enrolled {
    const { masterKey, url } = this.#core;
    const secret = Buffer.from(deviceSecret(masterKey, device_id)).toString("base64url");
    return { device: device_id, secret, url: url() };
  }

  #begunBy(launch: string): Stated[] {
    const { tables } = this.#core.store;
    return tables
      .query<Stated, [string]>("SELECT id, device_id, launch FROM sessions WHERE launch = ?")
      .all(launch);
  }

  /** Only what the devbox's own device says counts: another one may know the id as well. */
  #waitFor(launch: string, device: DeviceId, signal: AbortSignal): Promise<SessionId> {
    const found = Promise.withResolvers<SessionId>();
    const hear = (session: SessionId, by: DeviceId) => by === device && found.resolve(session);
    this.#waiting.set(launch, hear);
    for (const begun of this.#begunBy(launch)) hear(begun.id, begun.device_id);
    const ended = () => found.reject(signal.reason);
    signal.addEventListener("abort", ended);
    if (signal.aborted) ended();
    return found.promise.finally(() => {
      signal.removeEventListener("abort", ended);
      this.#waiting.delete(launch);
    });
  }

  #stated({ id, launch, device_id }: Stated) {
    if (launch) this.#waiting.get(launch)?.(id, device_id);
  }
}

/** A LaunchError, or what carrying the files of a conversation fails with. */
const saysWhatToDo = (error: unknown): error is Error & { class: string; next: string } =>
  error instanceof Error && ["class", "next"].every((name) => typeof Reflect.get(error, name) === "string");

/** A folder is asked for with each few letters: none of them is another login that is refused. */
const notAgain = ({ message, next }: Pick<DevboxError, "message" | "next">) =>
  new ApiError(
    "unreachable",
    `${message}. ${next} It is not tried again by itself: test it under Devboxes then.`,
  );

type Stated = { id: SessionId; device_id: DeviceId; launch?: string | null };

/** A page waits 10 s for any answer; a login over a slow link takes some. */
const TEST_WITHIN_MS = 9_000;

const CONVERSED = `SELECT s.id FROM session_conversations c JOIN sessions s ON s.id = c.session_id
  WHERE c.conversation_id = ? AND s.device_id = ? AND s.deleted_at IS NULL`;

// Of the sessions that passed through it, the one that was heard last says what it is called and where it is.
const CONVERSATIONS = `SELECT c.conversation_id AS id, s.cwd AS dir, max(s.heard_at) AS last_at,
    coalesce(s.name, nullif(s.title, ''), t.opening, '') AS title,
    (SELECT o.id FROM sessions o WHERE o.conversation = c.conversation_id AND o.ended_at IS NULL LIMIT 1) AS alive_in
  FROM session_conversations c JOIN sessions s ON s.id = c.session_id
    JOIN conversations t ON t.id = c.conversation_id
  WHERE s.device_id = $device AND s.deleted_at IS NULL GROUP BY c.conversation_id ORDER BY last_at DESC LIMIT $limit`;

/** What reaches it. */
export function toDevbox({ name, kind, host, user, port, key, dir }: DevboxState): Devbox {
  if (kind === "local" || host === null) return { kind: "local", name, dir };
  return { kind, name, host, user, port, key, dir };
}
