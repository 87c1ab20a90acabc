// A conversation's files, from a devbox to this machine after each turn, and there before it goes on there. They only
// grow: of two copies the longer one that begins like the other wins; where they differ, none is lost.
import { createHash } from "node:crypto";
import { constants, copyFileSync, createReadStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { ConversationId } from "../protocol.ts";
import { isConversationId } from "./conversation.ts";
import { moved, projectFolder, realDirectory } from "./folder.ts";
import { APPEND, type Connection, FOLDER, MAX_MEGABYTES, REPLACE, rsync, SyncError } from "./rsync.ts";
import { type Found, LOOK, localShell, looked, type Place, PREPARE, type Shell } from "./script.ts";

/** `id`, and the directory on the devbox that its claude was started in. */
export type Remote = { id: ConversationId; cwd: string };

/** `same`: nothing was missing. `none`: nothing was said yet. `path`: the file that was written. `note`: for people. */
export type Synced = {
  how: "none" | "same" | "grown" | "copied" | "beside";
  path: string | null;
  note: string | null;
};

type Env = Record<string, string | undefined>;

/**
 * After a turn: what that devbox has of the conversation, into this machine's own copy. Never shortens one, nor touches
 * one that a claude has open here; a machine where no claude ever ran gets none. Throws SyncError, or LaunchError where there is no connection.
 */
export async function syncBack(
  ssh: Connection,
  { id, cwd }: Remote,
  env: Env = process.env,
): Promise<Synced> {
  const own = await look(localShell(env), id);
  if (!existsSync(own.folder)) return { how: "none", path: null, note: null };
  const known = newest(own.found);
  const folder = known?.folder ?? folderOf(moved(cwd, (await look(ssh, id)).home, own.home));
  return bring(ssh, id, own, folder, "stays");
}

/**
 * Before it goes on here: the same into the folder of `directory`. Where both copies say something else, the newer one is
 * gone on with, and the other kept.
 */
export async function fetchTo(
  directory: string,
  ssh: Connection,
  id: ConversationId,
  env: Env = process.env,
): Promise<Synced> {
  return bring(ssh, id, await look(localShell(env), id), folderOf(directory), "newer stays");
}

/**
 * Before it goes on here in a directory that it was never in: claude looks only in that one's folder. The newest copy that
 * this machine has is copied there; one that stands there is left alone.
 */
export async function placeIn(directory: string, id: ConversationId, env: Env = process.env): Promise<void> {
  const own = await look(localShell(env), id);
  const folder = folderOf(directory);
  const from = newest(own.found);
  if (!from || own.found.some((one) => one.folder === folder)) return;
  mkdirSync(join(own.folder, "projects", folder), { recursive: true, mode: 0o700 });
  copyFileSync(pathOf(own, from.folder, id), pathOf(own, folder, id), constants.COPYFILE_EXCL);
}

/** Before it goes on there, in `directory` (`~`, `~/x` or absolute): this machine's copy. Tells that one's real name, too. */
export async function syncThere(
  ssh: Connection,
  id: ConversationId,
  directory: string,
  env: Env = process.env,
): Promise<Synced & { directory: string }> {
  const { name, kind } = ssh.devbox;
  const own = await look(localShell(env), id);
  const from = newest(own.found);
  if (!from)
    throw new SyncError(
      "no_file",
      `this machine has no file of ${id}`,
      "See claude-remote resume for what there is.",
    );
  bounded(from.bytes);
  const there = await look(ssh, id, from.bytes, directory);
  if (there.dir === null)
    throw new SyncError(
      "no_dir",
      `there is no ${directory} on ${name}`,
      "Make it there, or name another one.",
    );
  const folder = projectFolder(there.dir);
  const [here, target] = [pathOf(own, from.folder, id), pathOf(there, folder, id)];
  const done = { path: target, directory: there.dir };
  if (kind === "local" && here === target) return { ...done, how: "same", note: null };
  const to = there.found.find((one) => one.folder === folder) ?? null;
  const how = to ? change(from.bytes, to.bytes, await alike(here, from.bytes, to)) : "copied";
  if (how === "differs" && to && to.modifiedAt >= from.modifiedAt)
    return {
      ...done,
      how: "same",
      note: `${name} has another copy, which is newer: it goes on with that one`,
    };
  if (how !== "same" && isOpen(there, id))
    throw new SyncError(
      "open_there",
      `a claude on ${name} has it open`,
      "End that one first: both would write to one file.",
    );
  if (how !== "same" || from.more) await prepare(ssh, folder, how === "differs" ? `${id}.jsonl` : "");
  if (how !== "same") await rsync({ ssh, here, there: target, to: "there", options: APPEND });
  if (from.more) await carryFolder(ssh, "there", here, target);
  const note = `what ${name} had of it says something else; that stands beside it now`;
  return how === "differs" ? { ...done, how: "copied", note } : { ...done, how, note: null };
}

/** Into this machine's `folder`. Where both say something else, `differing` says what becomes of the one here. */
async function bring(
  ssh: Connection,
  id: ConversationId,
  own: Look,
  folder: string,
  differing: "stays" | "newer stays",
): Promise<Synced> {
  const path = pathOf(own, folder, id);
  const to = own.found.find((one) => one.folder === folder) ?? null;
  const there = await look(ssh, id, to?.bytes ?? 0);
  const from = newest(there.found);
  if (!from) return { how: "none", path: null, note: null };
  bounded(from.bytes);
  const source = pathOf(there, from.folder, id);
  if (ssh.devbox.kind === "local" && source === path) return { how: "same", path, note: null };
  const how = to ? change(from.bytes, to.bytes, await alike(path, to.bytes, from)) : "copied";
  if (how !== "same" && isOpen(own, id))
    throw new SyncError(
      "open_here",
      "a claude has it open here",
      "End one of the two: both write to the same file.",
    );
  mkdirSync(join(own.folder, "projects", folder), { recursive: true, mode: 0o700 });
  const stays = differing === "stays" || (to !== null && to.modifiedAt >= from.modifiedAt);
  if (how === "differs" && stays) return beside(ssh, path, source);
  const aside = `${path}.${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}`;
  if (how === "differs") renameSync(path, aside);
  if (how !== "same") await rsync({ ssh, here: path, there: source, to: "here", options: APPEND });
  if (from.more) await carryFolder(ssh, "here", path, source);
  if (how !== "differs") return { how, path, note: null };
  return { how: "copied", path, note: `what stood here said something else; it is kept as ${aside}` };
}

async function beside(ssh: Connection, path: string, source: string): Promise<Synced> {
  const { name } = ssh.devbox;
  const here = `${path}.${name}`;
  await rsync({ ssh, here, there: source, to: "here", options: REPLACE });
  const note = `what ${name} has of this conversation says something else than the copy here; it is kept as ${here}`;
  return { how: "beside", path: here, note };
}

/** What a conversation has beside its file: subagents, long results. */
async function carryFolder(ssh: Connection, to: "here" | "there", here: string, there: string) {
  await rsync({ ssh, to, options: FOLDER, here: `${without(here)}/`, there: `${without(there)}/` });
}

/** What becomes of a copy of `to` bytes where the other one has `from`. */
function change(from: number, to: number, alike: boolean): "same" | "grown" | "differs" {
  if (!alike) return "differs";
  return from > to ? "grown" : "same";
}

/** Whether the file here begins as the one elsewhere does, as far as both go; `sum` there is about that beginning. */
async function alike(here: string, bytes: number, elsewhere: Found): Promise<boolean> {
  const both = Math.min(bytes, elsewhere.bytes);
  const hash = createHash("sha256");
  if (both > 0) for await (const piece of createReadStream(here, { end: both - 1 })) hash.update(piece);
  return hash.digest("hex") === elsewhere.sum;
}

async function prepare(ssh: Connection, folder: string, aside: string) {
  const { out, err } = await ssh.script(PREPARE, { stdin: `${folder}\n${aside}\n` });
  if (out.trimEnd().endsWith("end")) return;
  const why = err.replace(/\p{C}/gu, " ").trim().slice(-200);
  throw new SyncError(
    "forbidden",
    `nothing can be written on ${ssh.devbox.name}: ${why}`,
    "See who owns ~/.claude there.",
  );
}

type Look = Place & { found: Found[]; dir: string | null };

async function look(shell: Shell, id: ConversationId, bytes = 0, dir = ""): Promise<Look> {
  if (!isConversationId(id))
    throw new SyncError(
      "no_file",
      "that is no conversation's id",
      "See claude-remote resume for what there is.",
    );
  if (/[\n\0]/.test(dir))
    throw new SyncError("no_dir", "a directory's name is one line", "Name another one.");
  const { out } = await shell.script(LOOK, { stdin: `${id}\n${bytes}\n${dir}\n` });
  const found = looked(out);
  if (found) return found;
  throw new SyncError("lost", "the machine's answer was cut", "It is tried again after the next turn.");
}

const newest = (found: readonly Found[]): Found | null =>
  found.toSorted((one, other) => other.modifiedAt - one.modifiedAt || other.bytes - one.bytes)[0] ?? null;

const isOpen = ({ running }: Place, id: string) => running.some(({ conversation }) => conversation === id);
const folderOf = (directory: string) => projectFolder(realDirectory(directory) ?? directory);
const pathOf = (place: Place, folder: string, id: string) =>
  join(place.folder, "projects", folder, `${id}.jsonl`);
const without = (file: string) => file.replace(/\.jsonl$/, "");

function bounded(bytes: number) {
  if (bytes <= MAX_MEGABYTES * 1024 * 1024) return;
  const size = `${Math.round(bytes / 1024 / 1024)} MB`;
  throw new SyncError(
    "too_large",
    `the conversation has ${size}, more than is carried`,
    "Copy its file by hand.",
  );
}
