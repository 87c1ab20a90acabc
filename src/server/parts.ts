// The parts of a running server, joined: who tells whom what.
import { type DeviceId, PROTOCOL, type PushOutcome, type Viewer, type ViewerEvents } from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import type { Clock } from "./clock.ts";
import { Commands } from "./commands.ts";
import { Events } from "./events.ts";
import { Files } from "./files.ts";
import { Inputs } from "./inputs.ts";
import type { Logger } from "./log.ts";
import { Logins } from "./logins.ts";
import { notes } from "./notes.ts";
import { Pairing } from "./pairing.ts";
import { Prompts } from "./prompts.ts";
import { refusedDevices, refusedPairing } from "./refusals.ts";
import { rights } from "./rights.ts";
import type { Route } from "./routes.ts";
import { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";
import { tidying } from "./tidying.ts";
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

export type Parts = ReturnType<typeof joinParts>;

/** Something beside the core, which never imports it: it hears what happens (`events.listen`) and has routes of its own,
 * `owned` ones on the owner's socket. */
export type Annex = { routes: Route[]; owned?: Route[]; stop(): void | Promise<void> };
/** `url`: where browsers go. */
export type OpenAnnex = (core: Parts & { data: string; log: Logger; url: () => string }) => Annex;

/** Makes every part and shows it the others. `stop` ends them, with everything written down. */
export function joinParts(options: PartsOptions) {
  const { store, clock, log, version, masterKey, insecure, maxStreams, maxWrappers } = options;
  const note = notes(store.audit, clock, log);
  const logins = new Logins(store.viewers, clock);
  const tokens = new Tokens(store.tokens, clock);
  const state = (viewer: Viewer): ViewerEvents["state"] => ({
    ...{ now: clock.now(), protocol: PROTOCOL, version, insecure: insecure() },
    viewer: { id: viewer.id, name: viewer.name },
    sessions: [...sessions.open(), ...store.sessions.ended()],
    prompts: store.prompts.list("unfinished"),
  });
  const events = new Events({
    ...{ catchUp: store.catchUp, clock, log, state, maxStreams },
    screen: (session) => sessions.screen(session),
    onWatch: (session) => sessions.watch(session),
    onSeen: (viewer) => logins.seen(viewer),
  });
  const sessions = new Sessions(store, clock, events);
  const prompts = new Prompts(store, note, clock, sessions, events.tell);
  const inputs = new Inputs(store.audit, clock, sessions, events.tell);
  const commands = new Commands();
  const files = new Files(store.audit, note, clock, sessions);
  sessions.onEnd((ended) => {
    for (const part of [commands, files, inputs]) part.forget(ended);
  });
  const secretOf = (device: DeviceId) => deviceSecret(masterKey, device);
  const onRefused = refusedDevices(store, note, clock);
  const uplinks = new Uplinks(
    { store, clock, log, sessions, prompts, inputs, commands, files, events, secretOf, onRefused },
    maxWrappers,
  );

  const viewersChanged = () => {
    events.tell("viewers", "viewers", { viewers: logins.list() });
    for (const session of sessions.connected()) sessions.watch(session);
  };
  const refused = refusedPairing(note);
  const pairing = new Pairing(logins, clock, { paired: viewersChanged, refused });
  /** What became of pushes since the start; the room of notifications counts. */
  const pushes: Record<PushOutcome, number> = {
    ...{ sent: 0, refused: 0, gone: 0, limited: 0, failed: 0, expired: 0, answered_first: 0 },
  };
  const { retention } = store;
  const { tidy, sweepSoon, stop } = tidying({ retention, clock, log, sessions, logins, tokens });
  return {
    ...{ store, clock, note, masterKey, logins, tokens, pairing, events, uplinks },
    ...{ sessions, prompts, inputs, commands, files, pushes },
    ...rights({ store, clock, logins, tokens, events, pairing, uplinks, viewersChanged }),
    sweepSoon,
    stop() {
      stop();
      uplinks.stop();
      events.stop();
      tidy();
    },
  };
}
