// What keeps one way back open: a connection to the devbox, a socket there that leads here, and both again when they are lost.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { relay } from "./relay.ts";
import { Retries } from "./retries.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError, type LaunchFailure } from "./ssh-errors.ts";
import { claim, forget, isOurs, type TunnelOrder, type TunnelReply } from "./tunnel.ts";
import { openWay, unneeded } from "./way.ts";

/** A connection attempt of a lost way: soon given up, for the next one is near. */
const CONNECT_SECONDS = 4;
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
  if (!claim(order)) {
    say({ up: true });
    return 0;
  }
  const onward = order.to.startsWith("/") ? null : relayOf(order);
  try {
    return await kept({ ...order, to: onward?.socket ?? order.to }, keeping);
  } finally {
    await onward?.[Symbol.asyncDispose]();
    // Ended from outside: the next start of the server opens it again.
    if (isOurs(order) && !signal.aborted) forget(order);
  }
}

/** A socket here for a server elsewhere; the folder is private. */
function relayOf({ setup, device, to }: TunnelOrder) {
  const name = createHash("sha256").update(device).digest("hex").slice(0, 12);
  const socket = join(setup.run, `r-${name}`);
  return Object.assign(relay(socket, to), { socket });
}

async function kept(order: TunnelOrder, { say, signal, retries = new Retries() }: Keeping): Promise<number> {
  const setup = { ...order.setup, ask: false, connectSeconds: CONNECT_SECONDS };
  let told = order.again === true;
  while (isOurs(order) && !signal.aborted) {
    let refused = false;
    try {
      await using ssh = await Ssh.open(order.devbox, setup);
      await openWay(ssh, order);
      if (!told) say({ up: true });
      told = true;
      const over = await unneeded(ssh, order, signal);
      retries.lost();
      if (over) return 0;
    } catch (error) {
      if (!told) {
        say({ error: toldOf(error) });
        return 1;
      }
      refused = error instanceof LaunchError && REFUSED.has(error.class);
    }
    await retries.pause(refused, signal);
  }
  return 0;
}

function toldOf(error: unknown): Extract<TunnelReply, { error: object }>["error"] {
  if (error instanceof LaunchError) return { class: error.class, message: error.message, next: error.next };
  return {
    class: "tunnel",
    message: error instanceof Error ? error.message : String(error),
    next: "Try again.",
  };
}
