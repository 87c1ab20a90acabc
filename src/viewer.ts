// `claude-remote viewer`: the paired phones, and the end of one's login or of all.
import { admin, ownersServer } from "./background.ts";
import { CommandError, day, flags, notBelowClaude, printable, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import type { Viewer } from "./protocol.ts";
import { revoke } from "./revoke.ts";

const USAGE_LINE = "claude-remote viewer list [--json] | revoke <id or name> | revoke --all [--yes]";
const OPTIONS = { all: { type: "boolean" }, yes: { type: "boolean" }, json: { type: "boolean" } } as const;

/** Lists them, or ends logins: their streams close at once, and what the phones keep is cleared at the next contact. */
export async function viewer(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const [verb, name, more] = positionals;
  const config = loadConfig();
  const known = async () => {
    await ownersServer(config);
    return ((await admin(config.paths, "GET", "/viewers")) as { viewers: Viewer[] }).viewers;
  };
  if (verb === "list" && name === undefined) return list(await known(), values.json);
  if (verb !== "revoke" || more !== undefined || (name === undefined) !== (values.all === true))
    throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  notBelowClaude("phones are let in and out by you");
  const ended = (one: Viewer) => `${printable(one.name)} is logged out; it can be paired anew.`;
  const kind = { word: "phone", path: "/viewers", all: await known(), ended };
  return revoke(config.paths, kind, { ...values, name });
}

function list(viewers: readonly Viewer[], json: boolean | undefined): number {
  if (json) console.log(JSON.stringify({ viewers }));
  else
    for (const { id, name, address, last_seen, created_at } of viewers)
      console.log(
        `${id}  ${printable(name)}  (paired ${day(created_at)} from ${printable(address ?? "?")}, seen ${day(last_seen)})`,
      );
  if (viewers.length === 0 && !json) console.error("No phone is paired.");
  return 0;
}
