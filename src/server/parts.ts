// The parts of a running server, joined: who tells whom what.
import { type DeviceId, PROTOCOL, type Viewer, type ViewerEvents, type ViewerId } from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import { type By, sparing, tried } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { Commands } from "./commands.ts";
import type { RefusedDevice } from "./connection.ts";
import { Events } from "./events.ts";
import { Files } from "./files.ts";
import { Inputs } from "./inputs.ts";
import { LIMITS } from "./limits.ts";
import { guarded, type Logger } from "./log.ts";
import { Logins } from "./logins.ts";
import { Pairing } from "./pairing.ts";
import { Prompts } from "./prompts.ts";
import type { Route } from "./routes.ts";
import { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";
import { Tokens } from "./tokens.ts";
import { Uplinks } from "./uplink.ts";

export type PartsOptions = {
  store: Store;
  clock: Clock;
  log: Logger;
  version: string;
  masterKey: Uint8Array;
  /** The page travels in clear text beyond this machine. */
  insecure: () => boolean;
  /** Event streams and wrappers at once, where not as LIMITS has it. */
  maxStreams?: number | undefined;
  maxWrappers?: number | undefined;
};

/** What can wait is written down this often, and what is too old forgotten. */
const TIDY_MS = 60_000;
/** Steps of forgetting in one go: a second's worth at most. */
const SWEEP_STEPS = 20;
/** Between two steps of what goes at once. */
const SWEEP_AGAIN_MS = 20;

export type Parts = ReturnType<typeof joinParts>;

/** Something beside the core, which never imports it: it hears what happens (`events.listen`) and has routes of its own,
 * `owned` ones on the owner's socket. */
export type Annex = { routes: Route[]; owned?: Route[]; stop(): void | Promise<void> };
/** `url`: where browsers go. */
export type OpenAnnex = (core: Parts & { data: string; log: Logger; url: () => string }) => Annex;

/** Makes every part and shows it the others. `stop` ends them, with everything written down. */
export function joinParts(options: PartsOptions) {
  const { store, clock, log, version, masterKey, insecure, maxStreams, maxWrappers } = options;
  const logins = new Logins(store.viewers, clock);
  const tokens = new Tokens(store.tokens, clock);
  const state = (viewer: Viewer): ViewerEvents["state"] => ({
    ...{ now: clock.now(), protocol: PROTOCOL, version, insecure: insecure() },
    viewer: { id: viewer.id, name: viewer.name },
    sessions: [...sessions.open(), ...store.sessions.ended()],
    prompts: store.prompts.list("unfinished"),
  });
  const events = new Events({
    ...{ catchUp: store.catchUp, clock, state, maxStreams },
    screen: (session) => sessions.screen(session),
    onWatch: (session) => sessions.watch(session),
    onSeen: (viewer) => logins.seen(viewer),
  });
  const sessions = new Sessions(store, clock, events);
  const prompts = new Prompts(store, clock, sessions, events.tell);
  const inputs = new Inputs(store.audit, clock, sessions, events.tell);
  const commands = new Commands();
  const files = new Files(store.audit, clock, sessions);
  const secretOf = (device: DeviceId) => deviceSecret(masterKey, device);
  const onRefused = refusedDevices(store, clock);
  const uplinks = new Uplinks(
    { store, clock, log, sessions, prompts, inputs, commands, files, events, secretOf, onRefused },
    maxWrappers,
  );

  const viewersChanged = () => {
    events.tell("viewers", "viewers", { viewers: logins.list() });
    for (const session of sessions.connected()) sessions.watch(session);
  };
  const pairing = new Pairing(logins, clock, {
    paired: viewersChanged,
    refused({ name, address }) {
      const entry = {
        actor: "nobody",
        name,
        address,
        action: "pairing refused",
        subject: "code",
        detail: {},
      };
      store.audit.add(entry, clock.now());
    },
  });
  const tidy = guarded(log, "tidying", () => {
    sessions.tidy();
    logins.flush();
    tokens.flush();
    for (let step = 0; step < SWEEP_STEPS && store.retention.sweep(clock.now()); step++);
  });
  /** Forgets step by step what was deleted; everybody has a turn between two steps. */
  const sweep = guarded(log, "sweeping", () => {
    stopSweeping();
    if (store.retention.sweep(clock.now())) stopSweeping = clock.after(SWEEP_AGAIN_MS, sweep);
  });
  let stopSweeping = () => {};
  const stopTidying = clock.every(TIDY_MS, tidy);

  return {
    ...{
      store,
      clock,
      logins,
      tokens,
      events,
      sessions,
      prompts,
      inputs,
      commands,
      files,
      uplinks,
      pairing,
      masterKey,
    },
    /** Gives a viewer another name, and tells everybody. False: there is none. */
    renameViewer(viewer: ViewerId, name: string, by: By): boolean {
      const renamed = logins.rename(viewer, name, by);
      if (renamed) viewersChanged();
      return renamed;
    },
    /** Ends a login everywhere, at once. False: there is none. */
    revokeViewer(viewer: ViewerId, by: By): boolean {
      if (!logins.revoke(viewer, by)) return false;
      pairing.close(viewer);
      events.end(viewer);
      viewersChanged();
      return true;
    },
    /** Ends a machine's right to report. False: there is none. */
    revokeDevice(device: DeviceId, by: By = "owner"): boolean {
      const ended = store.devices.revoke(device, clock.now(), by);
      if (!ended) return false;
      tokens.ended(ended);
      uplinks.end(device);
      return true;
    },
    sweepSoon: sweep,
    stop() {
      stopTidying();
      stopSweeping();
      uplinks.stop();
      events.stop();
      tidy();
    },
  };
}

/** Writes down which devices were not let in: all of a few, some of many. */
function refusedDevices(store: Store, clock: Clock): (refused: RefusedDevice) => void {
  const { refusals: most, refusalsWithinMs: withinMs } = LIMITS;
  return sparing({ most, withinMs, now: clock.now }, ({ device, code, address }, left_out) => {
    const name = device === null ? null : (store.devices.get(device)?.name ?? null);
    const detail = { why: code, ...tried({ device }), left_out };
    const actor = name === null ? "nobody" : `device ${device}`;
    store.audit.add(
      { actor, name, address, action: "device refused", subject: "channel", detail },
      clock.now(),
    );
  });
}
