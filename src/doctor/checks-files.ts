// The files this program keeps: on which disk, with how much room, for whose eyes, and whether they are whole.
import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, lstatSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config.ts";
import { MIGRATIONS } from "../server/store/schema.ts";
import { type Found, fail, ok, quoted, warn } from "./found.ts";

const MB = 1_000_000;
/** Below the first nothing can be stored soon; below the second a busy week may not fit. */
const SPACE = { fail: 50 * MB, warn: 500 * MB };
/** A clock that was put back by less than this does no harm: logins allow for it. */
const CLOCK_SLACK_MS = 5 * 60_000;
/** Whoever's clock is before this has none: the time of this program's first release. */
const FIRST_RELEASE = Date.UTC(2026, 0, 1);
/** Files that are looked at; a data folder has some twenty, with backups beside a few more. */
const MAX_FILES = 5_000;

/** Linux' names of file systems that are not on this machine, and whether SQLite's log must not be there. */
const NETWORK_DISKS: Record<number, string> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "CIFS",
  4266872130: "SMB",
  1397113167: "AFS",
  12805120: "Ceph",
  16914839: "9p",
  198183888: "Lustre",
  1702057286: "FUSE",
};
/** Of these it depends on what is behind them. */
const PERHAPS = ["FUSE", "9p"];

/** The folder, or the nearest one above it that is there. */
const there = (path: string): string => (existsSync(path) ? path : there(dirname(path)));

export function networkDiskCheck({ paths }: Config): Found {
  const { type } = statfsSync(there(paths.data));
  return diskOf(paths.data, process.platform === "linux" ? type : 0);
}

/** What `statfs` calls its type. */
export function diskOf(data: string, type: number): Found {
  const name = NETWORK_DISKS[type];
  if (name === undefined) return ok(`${data} is on a disk of this machine`);
  const next = "name a folder on a disk of this machine: CLAUDE_REMOTE_HOME";
  if (PERHAPS.includes(name))
    return warn(`${data} is on ${name}, which may be a disk of another machine`, next);
  return fail(`${data} is on ${name}: a database there can be damaged`, next);
}

export function diskCheck({ paths }: Config): Found {
  const { bavail, bsize } = statfsSync(there(paths.data));
  return spaceOf(paths.data, bavail * bsize);
}

export function spaceOf(data: string, free: number): Found {
  const reason = `${Math.floor(free / MB)} MB are free for ${data}`;
  if (free < SPACE.fail) return fail(reason, "make room: what happens is not stored without it");
  return free < SPACE.warn
    ? warn(reason, "make room: a backup or an upgrade needs as much as the database has")
    : ok(reason);
}

type Wide = { path: string; mode: number; wanted: string };

export function modesCheck({ paths }: Config): Found {
  const config = join(paths.config, "config.toml");
  const secret = existsSync(config) && /^\s*metrics_token\s*=/m.test(readFileSync(config, "utf8"));
  const roots = [paths.data, join(paths.state, "logs"), paths.run, ...(secret ? [config] : [])];
  const all = roots.filter(existsSync).flatMap((root) => below(root));
  const own = process.getuid?.();
  const foreign = all.find((path) => own !== undefined && lstatSync(path).uid !== own);
  if (foreign) return fail(`${foreign} belongs to another user`, `sudo chown ${own} ${quoted(foreign)}`);
  const wide = all.flatMap((path) => widthOf(path));
  const [first] = wide;
  if (!first) return ok(`nobody else can read any of ${all.length} files and folders`);
  const more = wide.length > 1 ? ` and ${wide.length - 1} more` : "";
  const modes = [...new Set(wide.map(({ wanted }) => wanted))].map((wanted) => {
    const of = wide.filter((one) => one.wanted === wanted).map(({ path }) => quoted(path));
    return `chmod ${wanted} ${of.join(" ")}`;
  });
  return fail(`others can get at ${first.path} (${first.mode.toString(8)})${more}`, modes.join(" && "));
}

/** A folder with everything in it, or a file; no link is followed. */
function below(root: string): string[] {
  if (!lstatSync(root).isDirectory()) return [root];
  const names = readdirSync(root, { recursive: true }).map(String);
  return [root, ...names.slice(0, MAX_FILES).map((name) => join(root, name))].filter(existsSync);
}

function widthOf(path: string): Wide[] {
  const found = lstatSync(path);
  const mode = found.mode & 0o777;
  if (found.isSymbolicLink() || (mode & 0o077) === 0) return [];
  return [{ path, mode, wanted: found.isDirectory() ? "700" : "600" }];
}

/** Opens the database without changing it. Null: there is none. */
function opened(config: Config): Database | null {
  const path = databaseOf(config);
  return existsSync(path) ? new Database(path, { readwrite: true, create: false }) : null;
}

const databaseOf = ({ paths }: Config) => join(paths.data, "claude-remote.db");

export function databaseCheck(config: Config): Found {
  const next =
    "stop the server, and restore a backup (claude-remote restore), or move the file away to begin anew";
  try {
    using db = opened(config);
    if (!db) return ok("there is none yet; the first start makes it");
    db.run("PRAGMA busy_timeout = 5000");
    const { user_version: version } = db.query("PRAGMA user_version").get() as { user_version: number };
    if (version > MIGRATIONS.length)
      return fail(
        `it has version ${version}, this claude-remote knows up to ${MIGRATIONS.length}`,
        "update claude-remote, or restore a backup of that version",
      );
    const { quick_check: said } = db.query("PRAGMA quick_check(1)").get() as { quick_check: string };
    if (said !== "ok") return fail(`it is damaged: ${said.slice(0, 200)}`, next);
    if (version < MIGRATIONS.length)
      return ok(`whole; version ${version} becomes ${MIGRATIONS.length} at the server's next start`);
    return ok(`whole, version ${version}`);
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    return fail(`it cannot be read: ${error.message}`, next);
  }
}

export function clockCheck(config: Config): Found {
  return clockOf(Date.now(), newestIn(config));
}

/** `newest`: when the server last wrote something down. */
export function clockOf(now: number, newest: number | null): Found {
  const next =
    "set the clock (timedatectl set-ntp true): phones are logged out, and ages are wrong, while it is not right";
  const told = new Date(now).toISOString().slice(0, 16).replace("T", " ");
  if (now < FIRST_RELEASE) return fail(`it says ${told} UTC, which cannot be`, next);
  if (newest === null || now > newest - CLOCK_SLACK_MS) return ok(`it says ${told} UTC`);
  return fail(`it says ${told} UTC, and what happened last was written down later than that`, next);
}

function newestIn(config: Config): number | null {
  try {
    using db = opened(config);
    return (
      (db?.query("SELECT max(at) AS at FROM audit_log").get() as { at: number | null } | null)?.at ?? null
    );
  } catch {
    return null; // The database has its own check.
  }
}
