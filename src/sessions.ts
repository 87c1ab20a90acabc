// `claude-remote sessions`: the open sessions and the newest ended; and how the other commands find the one that is meant.
import { homedir } from "node:os";
import { admin, ownersServer } from "./background.ts";
import { CommandError, flags, printable } from "./command.ts";
import { type Config, loadConfig } from "./config.ts";
import { restoreTunnels } from "./devbox/tunnel.ts";
import { enrolment } from "./enrolment.ts";
import type { Session } from "./protocol.ts";

const USAGE_LINE = "claude-remote sessions [--json]";
/** Characters of an id that are shown at least; more where several begin so. */
const SHORT_ID = 8;
/** Ended sessions that a person wants to see; `--json` has all that the server lists. */
const ENDED_SHOWN = 10;

type Listed = { now: number; sessions: Session[] };

/** Prints the sessions of this server, open ones first. */
export async function sessions(args: string[]): Promise<number> {
  const { values } = flags(args, { json: { type: "boolean" } }, USAGE_LINE);
  const listed = await listSessions(loadConfig());
  if (values.json) {
    console.log(JSON.stringify(listed));
    return 0;
  }
  const open = listed.sessions.filter(isOpen);
  const ended = listed.sessions.filter((session) => !isOpen(session)).slice(0, ENDED_SHOWN);
  if (open.length + ended.length === 0) console.error("There are no sessions yet.");
  const rows = [...open, ...ended].map((session) => rowOf(session, listed));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  return 0;
}

export const isOpen = (session: Session) => session.ended_at === null;

/**
 * The sessions of the server that the owner's commands are for; this user's own is started if there is none. Beside one
 * elsewhere, ways back that this machine kept are opened again: nothing else here does.
 */
export async function listSessions(config: Config): Promise<Listed> {
  await ownersServer(config);
  if (enrolment(config.paths)?.operator) restoreTunnels(config.paths.data);
  return (await admin(config.paths, "GET", "/sessions")) as Listed;
}

/** The one that `wanted` begins the id of; an open one before those that have ended. */
export function findSession(all: readonly Session[], wanted: string): Session {
  const begin = (session: Session) => session.id.startsWith(wanted.toLowerCase());
  const open = all.filter((session) => isOpen(session) && begin(session));
  const found = open.length > 0 ? open : all.filter(begin);
  const [session, another] = found;
  if (!session)
    throw new CommandError(`there is no session ${printable(wanted)}; claude-remote sessions lists them`);
  if (another)
    throw new CommandError(
      `${printable(wanted)} may be ${found.map(({ id }) => shortId(id, all)).join(", ")}; give more of it`,
    );
  return session;
}

/** So much of the id that no other one begins so. */
export function shortId(id: string, all: readonly { id: string }[]): string {
  const others = all.filter((other) => other.id !== id);
  let length = SHORT_ID;
  while (others.some((other) => other.id.startsWith(id.slice(0, length)))) length++;
  return id.slice(0, length);
}

function rowOf(session: Session, { now, sessions: all }: Listed): string[] {
  const { id, cwd, device_name, started_at, ended_at } = session;
  const age = ended_at === null ? ageOf(now - started_at) : `${ageOf(now - ended_at)} ago`;
  const place = `${printable(homeless(cwd))}  (${printable(device_name)})`;
  return [shortId(id, all), statusOf(session), terminalOf(session), age, place];
}

function statusOf({ status, ended_at, end_reason, exit_code, connected }: Session): string {
  if (ended_at !== null) return end_reason === "exit" ? `ended (${exit_code})` : `ended (${end_reason})`;
  return connected ? status : "out of reach";
}

function terminalOf({ ended_at, attached = 0, terminal }: Session): string {
  if (ended_at !== null) return "";
  if (attached > 0) return attached === 1 ? "attached" : `${attached} attached`;
  return terminal ? "terminal" : "no terminal";
}

/** A path as a person would write it. */
export const homeless = (path: string) =>
  path === homedir() || path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;

/** "4 s", "12 min", "3 h", "9 days". */
export function ageOf(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return `${Math.floor(Math.max(0, ms) / 1_000)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
