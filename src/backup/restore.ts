// Puts a backup in the place of the data: prepared in a folder of its own, then decided by one rename.
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { lockFolder } from "../server/lock.ts";
import { BEFORE, finishRestore, PREPARED, RESTORED, toDisk } from "../server/restored.ts";
import { Store } from "../server/store.ts";
import { unpack } from "./archive.ts";
import { checkDatabase, checkVersion } from "./database-check.ts";
import { DATABASE, KEYS, type Manifest } from "./manifest.ts";
import { keepRevoked, knownIn, originOf, type Standing, standingIn } from "./standing.ts";

/** What a restore would do, for whoever has to say yes. */
export type Plan = {
  manifest: Manifest;
  present: Standing["kind"];
  /** Names of phones and machines that are let in afterwards. */
  viewers: string[];
  devices: string[];
  /** Whom the backup would have let in again, and who stays out. */
  revoked: number;
  /** Key files that are taken from the backup. */
  keys: string[];
};

const MASTER_KEY_BYTES = 32;

/** A restore that was prepared and not decided; disposing of it leaves everything as it was. */
export class Restore implements Disposable {
  readonly plan: Plan;
  readonly #data: string;
  readonly #folder: string;
  readonly #unlock: () => void;
  readonly #now: number;

  /**
   * Takes the folder, which no server may have, and prepares everything beside the data. Throws AlreadyRunningError,
   * ArchiveError naming what is wrong with the file, or what the system says.
   */
  constructor(data: string, file: string, now: number) {
    this.#data = data;
    this.#now = now;
    this.#unlock = lockFolder(data);
    try {
      finishRestore(data);
      this.#folder = mkdtempSync(join(data, PREPARED));
    } catch (error) {
      this.#unlock();
      throw error;
    }
    try {
      this.plan = this.#prepare(file);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #prepare(file: string): Plan {
    const manifest = unpack(file, this.#folder);
    checkVersion(manifest.schema, manifest.version);
    const database = join(this.#folder, DATABASE);
    checkDatabase(database, manifest.schema);
    const present = standingIn(join(this.#data, DATABASE));
    const { sameOrigin, ...told } = this.#adjust(database, manifest, present);
    for (const name of ["", "-wal", "-shm"].map((tail) => `${database}.version-${manifest.schema}${tail}`))
      rmSync(name, { force: true });
    flush(database);
    const mayTake = !(sameOrigin || present.kind === "unreadable");
    const keys = manifest.files.map(({ name }) => name).filter((name) => name !== DATABASE);
    const taken = keys.filter((name) => mayTake || !this.#isWhole(name));
    for (const name of keys.filter((one) => !taken.includes(one))) rmSync(join(this.#folder, name));
    return { manifest, present: present.kind, ...told, keys: taken };
  }

  /** Brings it to this program's version, takes rights away, and writes down that it was restored. */
  #adjust(database: string, { created_at, version }: Manifest, present: Standing) {
    using store = new Store(database);
    const { tables } = store;
    const revoked = keepRevoked(tables, present, this.#now);
    const detail = { backup_of: created_at, made_by: version, kept_out: revoked };
    store.audit.add({ actor: "owner", action: "restored", subject: "database", detail }, this.#now);
    const { viewers, devices } = knownIn(tables);
    const names = (known: typeof viewers) =>
      [...known.values()].filter((one) => one.inForce).map(({ name }) => name);
    const sameOrigin = present.kind === "read" && present.origin === originOf(tables);
    return { viewers: names(viewers), devices: names(devices), revoked, sameOrigin };
  }

  /** The key that is here is in use: a change of it was meant, and the old one must not come back. */
  #isWhole(name: string): boolean {
    const path = join(this.#data, name);
    if (!existsSync(path)) return false;
    const { size } = statSync(path);
    return name === "master.key" ? size === MASTER_KEY_BYTES : size > 0;
  }

  /** Puts it in place. Returns the folder with what was there, or null if nothing was. */
  decide(): string | null {
    const stamp = new Date(this.#now).toISOString().slice(0, 19).replaceAll(":", "-");
    const name = `${BEFORE}${stamp}-${this.#now % 1000}`;
    const kept = [DATABASE, `${DATABASE}-wal`, ...KEYS].filter((one) => existsSync(join(this.#data, one)));
    const before = join(this.#folder, name);
    mkdirSync(before, { mode: 0o700 });
    for (const one of kept) keep(join(this.#data, one), join(before, one));
    if (kept.length === 0) rmSync(before, { recursive: true });
    else toDisk(before);
    toDisk(this.#folder);
    renameSync(this.#folder, join(this.#data, RESTORED));
    toDisk(this.#data);
    finishRestore(this.#data);
    return kept.length === 0 ? null : join(this.#data, name);
  }

  [Symbol.dispose]() {
    rmSync(this.#folder, { recursive: true, force: true });
    this.#unlock();
  }
}

/** The same file under a second name, which costs no room; a copy where the disk has no such thing. */
function keep(from: string, to: string) {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code ?? "")) throw error;
    copyFileSync(from, to);
    flush(to);
  }
}

function flush(path: string) {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
