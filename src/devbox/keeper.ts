// What keeps one way back open: a connection to the devbox, a socket there that leads here, and both again when they are lost.
import { createHash } from "node:crypto";
import { relayIn } from "./relay.ts";
import { Retries } from "./retries.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError, type LaunchFailure } from "./ssh-errors.ts";
import { agentOf, claim, forget, isKnown, isOurs, type TunnelOrder, type TunnelReply } from "./tunnel.ts";
import { openWay, unneeded } from "./way.ts";

/** A connection attempt of a lost way: soon given up, for the next one is near. */
const CONNECT_SECONDS = 4;
/** A devbox that answers opens its end within a second or two; one whose disk or shell hangs is tried again. */
const OPENS_WITHIN_MS = 30_000;
/** Refusals, which no sooner attempt will change. */
const REFUSED: ReadonlySet<LaunchFailure> = new Set([
  ...(["auth", "too_many_keys", "key_file"] as const),
  ...(["host_key_unknown", "host_key_changed", "host_key_revoked"] as const),
]);

/** `say`: how the first attempt went. */
type Keeping = { say: (reply: TunnelReply) => void; signal: AbortSignal; retries?: Retries };

/** Keeps one way open until no session is left there, or `signal` ends it. Resolves with the exit code, everything closed. */
export async function keepTunnel(order: TunnelOrder, keeping: Keeping): Promise<number> {
  const { say, signal } = keeping;
  if (order.again && !isKnown(order)) return 0; // Somebody ended it before it was begun again.
  if (!claim(order)) {
    say({ up: true });
    return 0;
  }
  const onward = order.to.startsWith("/") ? null : relayIn(order.setup.run, nameOf(order), order.to);
  try {
    return await kept({ ...order, to: onward?.socket ?? order.to }, keeping);
  } finally {
    await onward?.[Symbol.asyncDispose]();
    // Ended from outside: the next start of the server opens it again.
    if (isOurs(order) && !signal.aborted) forget(order);
  }
}

const nameOf = ({ device }: TunnelOrder) => createHash("sha256").update(device).digest("hex").slice(0, 12);

async function kept(order: TunnelOrder, { say, signal, retries = new Retries() }: Keeping): Promise<number> {
  const setup = { ...order.setup, ask: false, connectSeconds: CONNECT_SECONDS };
  let told = false;
  const tell = (reply: TunnelReply) => {
    if (!told) say(reply);
    told = true;
  };
  let was = order.again === true;
  while (isOurs(order) && !signal.aborted) {
    let refused = false;
    useAgent(order);
    try {
      await using ssh = await Ssh.open(order.devbox, setup, signal);
      await opened(ssh, order, signal);
      tell({ up: true });
      was = true;
      const over = await unneeded(ssh, order, signal).finally(() => retries.lost());
      if (over) return 0;
    } catch (error) {
      tell({ error: toldOf(error) });
      if (!was) return 1;
      refused = error instanceof LaunchError && REFUSED.has(error.class);
    }
    await retries.pause(refused, signal);
  }
  return 0;
}

/** The first keys that are asked are those of who used this way last. */
function useAgent(order: TunnelOrder) {
  const agent = agentOf(order);
  if (agent) process.env.SSH_AUTH_SOCK = agent;
}

async function opened(ssh: Ssh, order: TunnelOrder, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(OPENS_WITHIN_MS);
  await openWay(ssh, order, AbortSignal.any([signal, limit])).catch((error) => {
    if (!limit.aborted || signal.aborted) throw error;
    throw new LaunchError(
      "tunnel",
      `${order.devbox.name}: the way back to this server did not open within ${OPENS_WITHIN_MS / 1_000} s`,
      "See that its disk answers, and that it is not overloaded.",
    );
  });
}

function toldOf(error: unknown): Extract<TunnelReply, { error: object }>["error"] {
  if (error instanceof LaunchError) return { class: error.class, message: error.message, next: error.next };
  return {
    class: "tunnel",
    message: error instanceof Error ? error.message : String(error),
    next: "Try again.",
  };
}
