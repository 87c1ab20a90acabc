// `claude-remote hook`: what claude's hooks run. Hands claude's JSON, unparsed, to the wrapper and prints what it answers.
import { connect } from "node:net";
import { join } from "node:path";

/** The wrapper's socket stands in the plugin folder, whose path claude gives to its plugins' hooks. */
export const HOOK_SOCKET = "hook.sock";

/**
 * Sends all of stdin behind its length (4 bytes, big endian); what comes back until the end goes to stdout. Our end stays
 * open meanwhile, so that the wrapper sees at once when claude ends us. The wait has no limit: a prompt may stay open
 * for hours. No wrapper, a broken one or one that hangs up means no output, and so no decision: claude's own dialog stays.
 */
export async function hook(): Promise<number> {
  const folder = process.env.CLAUDE_PLUGIN_ROOT;
  if (!folder) return 0;
  const input = await Bun.stdin.bytes();
  await new Promise<void>((done) => {
    const socket = connect(join(folder, HOOK_SOCKET));
    socket.on("connect", () => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(input.length);
      socket.write(Buffer.concat([length, input]));
    });
    socket.on("data", (bytes) => process.stdout.write(bytes));
    socket.on("error", () => done());
    socket.on("close", () => done());
  });
  return 0;
}
