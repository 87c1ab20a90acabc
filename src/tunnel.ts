// `claude-remote tunnel`, internal: keeps one devbox's way back to this server open.
import * as v from "valibot";
import { keepTunnel } from "./devbox/keeper.ts";
import { lineOf } from "./devbox/lines.ts";
import { Retries } from "./devbox/retries.ts";
import { type TunnelReply, tunnelOrder } from "./devbox/tunnel.ts";

/** Reads what to do as one line on stdin, says how the first attempt went, and stays until no session is left there. */
export async function tunnel(): Promise<number> {
  process.on("SIGHUP", () => {});
  const order = v.parse(tunnelOrder, JSON.parse(await lineOf(Bun.stdin.stream())));
  process.stdout.on("error", () => {}); // Whoever asked need not wait.
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => ended.abort());
  const say = (reply: TunnelReply) => process.stdout.write(`${JSON.stringify(reply)}\n`);
  const retries = new Retries();
  process.on("SIGCONT", () => retries.hurry());
  const code = await keepTunnel(order, { say, signal: ended.signal, retries });
  process.exit(code); // What still waits for the network does not keep us.
}
