// Ways to a disk that is full or read-only: a small one of its own where this may mount one, and limits of the system
// on what its programs may write, which everybody may set.
import { appendFileSync, chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What there is to fill, to free, to forbid and to allow again. `pids`: the programs that run on it. */
export type Disk = Disposable & {
  /** The words before those of every program that is to run on it. */
  words: readonly string[];
  /** And these before those of one that starts while it is full. */
  starting(): readonly string[];
  fill(pids: readonly number[]): void;
  free(pids: readonly number[]): void;
  readOnly(): void;
  writable(): void;
};

const SIZE = "size=8m";
const root = process.getuid?.() === 0;
const sudo = root ? [] : ["sudo", "-n"];

/** A tmpfs of some megabytes, mounted at this folder. */
function mounted(folder: string): Disk {
  mount("-t", "tmpfs", "-o", SIZE, "tmpfs", folder);
  const filler = join(folder, "filler");
  return {
    words: [],
    starting: () => [],
    fill() {
      try {
        for (;;) appendFileSync(filler, Buffer.alloc(4_096, 1));
      } catch {
        // Now it is full.
      }
    },
    free: () => rmSync(filler),
    readOnly: () => mount("-o", "remount,ro", folder),
    writable: () => mount("-o", "remount,rw", folder),
    [Symbol.dispose]: () => void Bun.spawnSync([...sudo, "umount", "-l", folder]),
  };
}

/** root may write whatever its rights say; a program without that capability may not. */
const AS_OTHERS = root ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
/** A write beyond the limit fails as one on a full disk, but for its number; it must not end the program. */
const FAILING = ["sh", "-c", `trap '' XFSZ; exec "$@"`, "sh"];
const limit = (bytes: string) => `--fsize=${bytes}:unlimited`;

/** No file of its programs may grow, or the database's files may not be written. */
function limited(folder: string): Disk {
  let full = false;
  const limitAll = (pids: readonly number[], bytes: string) => {
    full = bytes === "0";
    for (const pid of pids) run("prlimit", "--pid", String(pid), limit(bytes));
  };
  const rights = (mode: number) => {
    const data = join(folder, "data");
    const names = readdirSync(data).filter((name) => name.startsWith("claude-remote.db"));
    for (const name of names) chmodSync(join(data, name), mode);
  };
  return {
    words: [...AS_OTHERS, ...FAILING],
    starting: () => (full ? ["prlimit", limit("0")] : []),
    fill: (pids) => limitAll(pids, "0"),
    free: (pids) => limitAll(pids, "unlimited"),
    readOnly: () => rights(0o400),
    writable: () => rights(0o600),
    [Symbol.dispose]: () => {},
  };
}

const mount = (...args: string[]) => run(...sudo, "mount", ...args);

function run(...command: string[]) {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
}

/** Every way that is to be had here; by limits it can be had everywhere. */
export const DISKS: readonly (readonly [string, (folder: string) => Disk])[] = [
  ...(mountable() ? ([["on a disk of its own", mounted]] as const) : []),
  ["by the system's limits", limited],
];

function mountable(): boolean {
  const folder = join(tmpdir(), `cr-mount-${process.pid}`);
  mkdirSync(folder);
  try {
    using _disk = mounted(folder);
    return true;
  } catch {
    return false; // Neither root nor sudo, or a container that may not.
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
