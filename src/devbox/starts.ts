// Sessions that phones start: asked for, called off, and there once the wrapper on the devbox has said so.
import { join } from "node:path";
import type { ConversationId, DeviceId, Launch, LaunchBody, LaunchMode, SessionId } from "../protocol.ts";
import { type By, whoIn } from "../server/audit.ts";
import { ApiError } from "../server/errors.ts";
import { type Devbox, toDevbox } from "./devbox.ts";
import { wasThere } from "./earlier.ts";
import type { Engine } from "./engine.ts";
import { toError } from "./failures.ts";
import { Launches, type Progress } from "./launches.ts";
import type { Core, Places } from "./places.ts";
import type { Registered } from "./registry.ts";
import { orStopped } from "./ssh.ts";

export type StartsOptions = {
  engine: Engine;
  /** The permission modes that phones may start sessions in. */
  modes: readonly LaunchMode[];
  /** Before a conversation goes on there, in that folder: its newest files, until `signal`. Rejects with what says what to do. */
  carry?: (devbox: Devbox, conversation: ConversationId, dir: string, signal: AbortSignal) => Promise<void>;
};

type Stated = { id: SessionId; device_id: DeviceId; launch?: string | null };

export class Starts {
  readonly #core: Core;
  readonly #options: StartsOptions;
  readonly #places: Places;
  readonly #launches: Launches;
  /** Who waits for the wrapper of a launch. */
  readonly #waiting = new Map<string, (session: SessionId, device: DeviceId) => void>();

  constructor(core: Core, options: StartsOptions, places: Places) {
    const { clock, events, log } = core;
    this.#core = core;
    this.#options = options;
    this.#places = places;
    this.#launches = new Launches({
      clock,
      start: (body, onProgress, signal) => this.#start(body, onProgress, signal),
      toError: (error) => toError(error, log),
      tell: (launch) => events.tell(`launch ${launch.id}`, "launch", { launch }),
      onEnd: (launch, body) => this.#ended(launch, body),
      onFault: (error) =>
        log.error({ error: String(error) }, "the end of a launch could not be written down"),
    });
    events.addToState(() => ({ launches: this.list() }));
    events.listen((_, name, told) => {
      if (name === "session_start" && "session" in told) this.#stated(told.session as Stated);
    });
  }

  /** Newest first. */
  list(): Launch[] {
    return this.#launches.list();
  }

  /** Ends what is under way; resolves when nothing is. */
  stop(): Promise<void> {
    return this.#launches.stop();
  }

  /** Begins that launch, or finds it: the same id is the same one. Throws `not_found`, `forbidden`, `alive`, `rate_limited`. */
  launch(body: LaunchBody, by: By): Launch {
    const { devbox: name, dir, mode, resume, prompt, launch: id } = body;
    const known = this.#launches.known(body);
    if (known) return known;
    const devbox = this.#places.find(name);
    if (mode && !this.#options.modes.includes(mode))
      throw new ApiError("forbidden", `mode: ${mode} is not among this server's launch_modes.`);
    if (resume) this.#resumable(devbox, resume, body.anyway ?? false);
    this.#launches.room();
    const { store, clock } = this.#core;
    const detail = { devbox: name, dir, mode: mode ?? null, resume: resume ?? null, prompt: prompt ?? null };
    store.statements.tx(() => {
      store.audit.add({ ...whoIn(by), action: "launch", subject: id, detail }, clock.now());
      this.#places.used(name, dir, mode ?? null);
    });
    return this.#launches.begin(body);
  }

  /** Throws `not_found`. One that is over stays as it is. */
  callOff(id: string, by: By): Launch {
    const found = this.#launches.callOff(id);
    if (!found) throw new ApiError("not_found", "No such launch is known.");
    const { launch, first } = found;
    const detail = { devbox: launch.devbox, step: launch.step };
    const entry = { ...whoIn(by), action: "launch called off", subject: launch.id, detail };
    if (first) this.#core.note(entry);
    return launch;
  }

  /** The session of that launch, or null. Which device is not asked: nobody was told its id but the wrapper that it is for. */
  sessionOf(launch: string): SessionId | null {
    return this.#begunBy(launch)[0]?.id ?? null;
  }

  /** Throws `not_found`, or `alive` where it goes on somewhere else and nobody has said that this is meant. */
  #resumable({ device_id, name }: Registered, resume: ConversationId, anyway: boolean) {
    if (!wasThere(this.#core.store.tables, resume, device_id))
      throw new ApiError("not_found", `No such conversation is known of "${name}".`);
    const alive = this.#core.sessions.open().find(({ conversation }) => conversation === resume);
    if (alive && !anyway)
      throw new ApiError("alive", "That conversation goes on in another session; say `anyway` to have both.");
  }

  async #start(body: LaunchBody, onProgress: (progress: Progress) => void, signal: AbortSignal) {
    const { prompt = null, mode = null, resume = null, dir, launch } = body;
    const devbox = this.#places.find(body.devbox);
    const request = { devbox: toDevbox(devbox), dir, args: [], prompt, mode, resume };
    const { data } = this.#core;
    const context = {
      enrol: async () => this.#places.enrolled(devbox),
      waitFor: (id: string, end: AbortSignal) => this.#waitFor(id, devbox.device_id, end),
      ...{ socket: join(data, "server.sock"), data, launch, signal },
    };
    const onStep = ({ step, percent = null }: { step: Launch["step"]; percent?: number | null }) =>
      onProgress({ step, percent });
    const { engine, carry } = this.#options;
    if (resume && carry && devbox.kind === "ssh")
      await orStopped(carry(request.devbox, resume, dir, signal), devbox.name, signal);
    return (await engine.launch(request, context, onStep)).session;
  }

  #ended({ session, error, id }: Launch, { devbox: name }: LaunchBody) {
    const { store, clock } = this.#core;
    const device = this.#places.deviceOf(name);
    const action = error ? "launch failed" : "launched";
    const detail = { devbox: name, ...error };
    const actor = `device ${device ?? "that was removed"}`;
    store.audit.add({ actor, name, session, subject: id, action, detail }, clock.now());
    if (device) this.#places.note({ name, device_id: device }, error);
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
