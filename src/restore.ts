// `claude-remote restore`: puts a backup in the place of the data, which are kept beside it.
import { resolve } from "node:path";
import { type Plan, Restore } from "./backup/restore.ts";
import { ArchiveError } from "./backup/tar.ts";
import { askYes, CommandError, flags, printable, REFUSED, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { privateFolder } from "./paths.ts";
import { AlreadyRunningError } from "./server/server.ts";

const USAGE_LINE = "claude-remote restore <file> [--yes]";
/** Names listed before "and N more". */
const NAMES_SHOWN = 10;

/** Restores after a yes; resolves with 0. */
export async function restore(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, { yes: { type: "boolean" } }, USAGE_LINE);
  const [given, more] = positionals;
  if (given === undefined || more !== undefined) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (process.env.CLAUDECODE === "1")
    throw new CommandError("a backup is restored by you, not below a running claude", REFUSED);
  if (!values.yes && !process.stdin.isTTY)
    throw new CommandError("this asks for a yes at a terminal; for scripts: --yes", REFUSED);
  const data = privateFolder(loadConfig().paths.data);
  using prepared = prepare(data, resolve(given));
  console.error(told(prepared.plan));
  if (!values.yes && !(await askYes(`Put it in the place of what is in ${printable(data)}?`)))
    throw new CommandError("not restored; everything is as it was", REFUSED);
  const before = prepared.decide();
  console.error(before ? `Restored. What was there is kept in ${printable(before)}` : "Restored.");
  return 0;
}

function prepare(data: string, file: string): Restore {
  try {
    return new Restore(data, file, Date.now());
  } catch (error) {
    if (error instanceof AlreadyRunningError)
      throw new CommandError(`${error.message.split(".")[0]}; stop it, and restore then`, REFUSED);
    if (error instanceof ArchiveError)
      throw new CommandError(`${printable(file)} is not restored: ${printable(error.message)}`, REFUSED);
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${printable(file)} is not restored: ${why}`);
  }
}

function told({ manifest, present, viewers, devices, revoked, keys }: Plan): string {
  const at = new Date(manifest.created_at).toISOString().slice(0, 16).replace("T", " ");
  return [
    `A backup of ${at} UTC, by claude-remote ${manifest.version}.`,
    `Phones that are let in: ${list(viewers)}. Machines: ${list(devices)}. Let in nobody that you do not know.`,
    present === "none"
      ? NONE
      : present === "unreadable"
        ? UNREADABLE
        : `Revoked since, and kept out: ${revoked}.`,
    keys.length > 0 ? `Keys from the backup: ${keys.join(", ")}.` : "The keys stay those that are here.",
  ].join("\n");
}

const NONE = "There is no database here to tell who was revoked since: whoever was, is let in again.";
const UNREADABLE =
  "The database that is here cannot be read, so nobody knows who was revoked since: every phone has to be paired and every other machine enrolled anew. (To trust the backup instead, move claude-remote.db away first.)";

function list(names: string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `"${printable(name)}"`);
  return names.length > shown.length
    ? `${shown.join(", ")} and ${names.length - shown.length} more`
    : shown.join(", ");
}
