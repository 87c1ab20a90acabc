// Going on with a conversation, here or on a devbox: asked first where it is open, and with its newest files.
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { askYes, CommandError, printable, REFUSED } from "../command.ts";
import type { Config } from "../config.ts";
import type { Atlas } from "../conversations/atlas.ts";
import { moved } from "../conversations/folder.ts";
import type { Copy, Known, Opened } from "../conversations/known.ts";
import { type Connection, SyncError } from "../conversations/rsync.ts";
import { fetchTo, placeIn, type Synced, syncBack, syncThere } from "../conversations/sync.ts";
import type { Connections } from "../devbox/connections.ts";
import { toDevbox } from "../devbox/devbox.ts";
import { knownDevboxes } from "../devbox/owner.ts";
import { LaunchError } from "../devbox/ssh-errors.ts";
import type { ConversationId, DevboxError, Session, SessionId } from "../protocol.ts";
import { homeless, shortId } from "../sessions.ts";
import { reached, startOver } from "../ssh.ts";
import { say } from "./list.ts";

/** Asks, fetches what is elsewhere, and resolves with the directory in which it goes on. Throws CommandError. */
export async function prepared(atlas: Atlas, id: ConversationId, here: boolean): Promise<string> {
  await ask(atlas, id);
  const one = now(atlas, id);
  await agreed(one, atlas, "here");
  const directory = directoryFor(atlas, one, here);
  const there = await fetched(atlas, one, (connection) => fetchTo(directory, connection, id));
  if (!there) throw new CommandError("there is no copy of that conversation on this machine");
  await placeIn(directory, id);
  return directory;
}

/** A devbox of which nobody knows that it has a copy, asked all the same, is not waited for longer. */
const OTHERS_MS = 3_000;

/** Asks each machine that has, or had, a copy: somebody may have gone on there; and the others, if they answer at once. */
async function ask(atlas: Atlas, id: ConversationId) {
  const names = new Set(now(atlas, id).copies.map(({ where }) => where));
  const left = atlas.server.devboxes.filter(({ name }) => !atlas.connections.has(name));
  const signal = AbortSignal.timeout(OTHERS_MS);
  const others = left.filter(({ name }) => !names.has(name) && !atlas.problems.has(name));
  await Promise.all(others.map((devbox) => atlas.there(devbox, { begin: id }, { signal })));
  // One after the other: a password may be asked for.
  for (const devbox of left)
    if (names.has(devbox.name)) await atlas.there(devbox, { begin: id }, { ask: true });
}

/** What is known of it by now. */
function now(atlas: Atlas, id: ConversationId): Known {
  const one = atlas.known().find((known) => known.id === id);
  if (one) return one;
  throw new CommandError("that conversation is not there any more");
}

type Onward = { config: Config; atlas: Atlas; connections: Connections; id: ConversationId; args: string[] };

/** Brings the files to that devbox and starts a session there. Throws CommandError. */
export async function startedOn(
  name: string,
  { config, atlas, connections, id, args }: Onward,
): Promise<SessionId> {
  const state = (await knownDevboxes(config)).find((known) => known.name === name);
  if (!state)
    throw new CommandError(`there is no devbox "${printable(name)}"; claude-remote devbox list has them`);
  const devbox = toDevbox(state);
  await reached(config, devbox, connections, process.stdin.isTTY);
  await atlas.there(devbox, { begin: id });
  await ask(atlas, id);
  const one = now(atlas, id);
  await agreed(one, atlas, `on ${name}`);
  const on = one.copies.find(({ where }) => where === name);
  const elsewhere = { ...one, copies: one.copies.filter(({ where }) => where !== name) };
  const cwd = one.copies.find(({ directory }) => directory)?.directory ?? homedir();
  const own = await fetched(atlas, elsewhere, (from) => syncBack(from, { id, cwd }));
  if (!own && !on)
    throw new CommandError(`there is no copy of that conversation here that could go to ${name}`);
  const dir = on?.directory ?? thereFrom(atlas, one, name);
  if (own) await sent(await connections.get(devbox), id, dir);
  return startOver(config, connections, devbox, { dir, claudeArgs: args, resume: id });
}

/** The directory there that is the same as here, or as where it was last. */
function thereFrom(atlas: Atlas, { copies }: Known, name: string): string {
  const [copy] = copies.filter(({ directory }) => directory !== null);
  const home = atlas.homeOf(copy?.where ?? null) ?? "";
  return moved(copy?.directory ?? "~", home, atlas.homeOf(name) ?? "");
}

async function sent(connection: Connection, id: ConversationId, dir: string) {
  try {
    const { note } = await syncThere(connection, id, dir);
    if (note) say(note);
  } catch (error) {
    const { message, class: failure, next } = toldOf(error);
    throw new CommandError(`${printable(message)} (${failure}). ${printable(next)}`);
  }
}

/** claude has no lock: where a conversation is open already, only a person says that it goes on twice. */
async function agreed({ open }: Known, { server: { sessions } }: Atlas, place: string): Promise<void> {
  if (open.length === 0) return;
  say("that conversation is open already:");
  for (const opened of open) process.stderr.write(`  ${lineOf(opened, sessions)}\n`);
  process.stderr.write("Two claudes write to one file, and neither sees what the other does.\n");
  const refusal = "nothing was started; attach to the session that is open, or end it first";
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CommandError(refusal, REFUSED);
  if (!(await askYes(`Go on with it ${place} as well?`))) throw new CommandError(refusal, REFUSED);
}

function lineOf({ where, directory, session, pid, connected }: Opened, sessions: readonly Session[]): string {
  const place = `${where ?? "this machine"}, ${printable(homeless(directory))}`;
  if (session === null) return `a claude without us on ${place}, process ${pid}`;
  const id = shortId(session, sessions);
  if (!connected) return `session ${id} on ${place}, out of reach now`;
  return `session ${id} on ${place}\n      its terminal: claude-remote attach ${id}`;
}

/** Where it goes on here: where its copy here is; else where the same directory is on this machine; or, if told so, right here. */
function directoryFor(atlas: Atlas, { copies, id }: Known, here: boolean): string {
  if (here) return process.cwd();
  const own = copies.filter(({ where }) => where === null);
  const elsewhere = copies.filter(({ where }) => where !== null);
  const home = process.env.HOME ?? homedir();
  const same = ({ where, directory }: Copy) =>
    directory && [moved(directory, atlas.homeOf(where) ?? "", home), directory];
  const wanted = [...own.map(({ directory }) => directory), ...elsewhere.flatMap(same)];
  const found = wanted.find((path) => path && isDirectory(path));
  if (found) return found;
  const [first] = wanted.filter((path) => path);
  throw new CommandError(
    `its directory${first ? ` ${printable(first)}` : ""} is not on this machine; go to where it shall go on, and there: ` +
      `claude-remote resume ${id} --here`,
  );
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What other machines have of it comes here first; what does not come is said. Whether there is a copy here then. */
async function fetched(
  atlas: Atlas,
  { copies, open }: Known,
  fetch: (connection: Connection) => Promise<Synced>,
): Promise<boolean> {
  const own = copies.some(({ where }) => where === null);
  if (open.some(({ where }) => where === null)) return own; // Nothing is written into a file that is in use.
  const failed = new Map<string, DevboxError>(atlas.problems);
  let came = false;
  for (const [name, connection] of atlas.connections) {
    if (!copies.some(({ where }) => where === name)) continue;
    try {
      const { how, note } = await fetch(connection);
      came ||= how !== "none";
      if (note) say(note);
    } catch (error) {
      failed.set(name, toldOf(error));
    }
  }
  const warnings = [...failed].filter(([name]) => copies.some(({ where }) => where === name));
  for (const [, { class: failure, message, next }] of warnings) {
    const stale = own || came ? "the local copy may be stale" : "it cannot be fetched";
    say(`${stale}: ${printable(message)} (${failure}). ${printable(next)}`);
  }
  return own || came;
}

function toldOf(error: unknown): DevboxError {
  if (!(error instanceof SyncError || error instanceof LaunchError)) throw error;
  return { class: error.class, message: error.message, next: error.next };
}
