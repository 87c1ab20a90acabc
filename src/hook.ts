// `claude-remote hook`: what claude's hooks run. Hands claude's JSON, unparsed, to the wrapper and prints what it answers.
// claude waits for this program to start, answer and end: it loads as little as it can (no node:net, no process.stdout).
import { writeSync } from "node:fs";
import { join } from "node:path";

/** The wrapper's socket stands in the plugin folder, whose path claude gives to its plugins' hooks. */
export const HOOK_SOCKET = "hook.sock";
/** `claude-remote hook --ask <tools>` needs nobody: it says on its own that claude must ask. */
export const ASK = "--ask";
/** Where stdout takes nothing now, until it is tried again. */
const RETRY_MS = 1;

/**
 * Sends all of stdin behind its length (4 bytes, big endian); what comes back until the end goes to stdout. Our end stays
 * open meanwhile, so that the wrapper sees at once when claude ends us. The wait has no limit: a prompt may stay open
 * for hours. No wrapper, a broken one or one that hangs up means no output, and so no decision: claude's own dialog stays.
 */
export async function hook([flag, tools]: string[] = []): Promise<number> {
  const folder = process.env.CLAUDE_PLUGIN_ROOT;
  const input = await Bun.stdin.bytes();
  if (flag === ASK) print(new TextEncoder().encode(JSON.stringify(asking(String(tools)))));
  if (flag === ASK || !folder) return 0;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(input.length);
  await exchange(join(folder, HOOK_SOCKET), Buffer.concat([length, input]));
  return 0;
}

/** What a PreToolUse hook prints so that claude asks, whatever its mode. The reason stands in claude's dialog. */
function asking(tools: string): object {
  const reason = `claude-remote asks for ${tools}`;
  const decision = { permissionDecision: "ask", permissionDecisionReason: reason };
  return { hookSpecificOutput: { hookEventName: "PreToolUse", ...decision } };
}

/** Resolves when the other end has closed, or was never there. */
async function exchange(unix: string, bytes: Uint8Array) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest = bytes;
  const send = (socket: { write(bytes: Uint8Array): number }) => {
    if (rest.length > 0) rest = rest.subarray(Math.max(0, socket.write(rest)));
  };
  const over = () => resolve();
  const socket = { open: send, drain: send, end: over, close: over, error: over, connectError: over };
  await Bun.connect({ unix, socket: { ...socket, data: (_, answer) => print(answer) } }).catch(over);
  await promise;
}

function print(bytes: Uint8Array) {
  let taken = 0;
  while (taken < bytes.length) {
    try {
      taken += writeSync(1, bytes, taken);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return; // Nobody reads any more.
      Bun.sleepSync(RETRY_MS);
    }
  }
}
