// The `bun-pty` engine: that package's native library, driven by our own loop. Its own class polls slowly, rewrites bytes
// that are not UTF-8, freezes in a flood and leaks; docs/pty.md lists what is mended here and what only its Rust can mend.
import { dlopen, ptr } from "bun:ffi";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import darwin from "bun-pty/rust-pty/target/release/librust_pty.dylib" with { type: "file" };
import linux from "bun-pty/rust-pty/target/release/librust_pty.so" with { type: "file" };
import darwinArm from "bun-pty/rust-pty/target/release/librust_pty_arm64.dylib" with { type: "file" };
import linuxArm from "bun-pty/rust-pty/target/release/librust_pty_arm64.so" with { type: "file" };
import linuxArmMusl from "bun-pty/rust-pty/target/release/librust_pty_arm64_musl.so" with { type: "file" };
import linuxMusl from "bun-pty/rust-pty/target/release/librust_pty_musl.so" with { type: "file" };
import { pathsFor, privateFolder } from "../paths.ts";
import { readable } from "./libc.ts";
import type { Pty, PtyOptions } from "./pty-engine.ts";

/** The library hands out what it holds in pieces of this size and moves the rest each time, so pieces are large. */
const CHUNK_BYTES = 256 * 1024;
/** So long after a write or data the next is likely, and the library is asked every millisecond. */
const LIVELY_MS = 20;
/** Then less often: half a repaint of the screen, and when nothing happens for a while, a whole one. */
const QUIET_WAIT_MS = 8;
const IDLE_WAIT_MS = 16;
const IDLE_AFTER_MS = 1_000;
/**
 * Between the program's end and the last read: the library's reading thread may still hold the last output, and on a busy
 * machine it may not even have read it, which only Linux lets us see. Then we wait for it, but not for ever.
 */
const TAIL_MS = 20;
const MAX_UNREAD_MS = 1_000;
/** What a read says of a program that has ended, all of its output handed out. */
const ENDED = -2;
/** Removes variables from the environment and starts a program in its own place; the same on Linux and macOS. */
const ENV = "/usr/bin/env";

const SYMBOLS = {
  bun_pty_spawn: { args: ["ptr", "ptr", "ptr", "i32", "i32"], returns: "i32" },
  bun_pty_write: { args: ["i32", "ptr", "i32"], returns: "i32" },
  bun_pty_read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  bun_pty_resize: { args: ["i32", "i32", "i32"], returns: "i32" },
  bun_pty_get_pid: { args: ["i32"], returns: "i32" },
  bun_pty_get_exit_code: { args: ["i32"], returns: "i32" },
  bun_pty_close: { args: ["i32"], returns: "void" },
} as const;

type Library = ReturnType<typeof load>;
let loaded: Library | null = null;

/** Starts the program. `argv`, `cwd` and sizes have been checked. Throws if the library cannot be loaded. */
export function openBunPty(options: PtyOptions): Pty {
  loaded ??= load();
  return new BunPty(loaded, options);
}

class BunPty implements Pty {
  readonly pid: number;
  readonly #library: Library;
  readonly #handle: number;
  readonly #options: PtyOptions;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  readonly #masters: number[];
  #over = false;
  #livelyAt = performance.now();
  #wake: () => void = () => {};

  constructor(library: Library, options: PtyOptions) {
    const { argv, cwd, env, cols, rows } = options;
    const words = [
      Buffer.from(`${commandLine(argv, env)}\0`),
      Buffer.from(`${cwd}\0`),
      environment(env),
    ] as const;
    const others = masters();
    const handle = library.bun_pty_spawn(ptr(words[0]), ptr(words[1]), ptr(words[2]), cols, rows);
    if (handle < 0) throw new Error(`cannot start ${argv[0]}: bun-pty could not make a terminal for it`);
    this.#library = library;
    this.#options = options;
    this.#handle = handle;
    this.pid = library.bun_pty_get_pid(handle);
    this.#masters = masters().filter((fd) => !others.includes(fd));
    setImmediate(() => this.#run()); // Nothing is reported before the caller has us.
  }

  write(bytes: Uint8Array) {
    if (this.#over) return;
    this.#library.bun_pty_write(this.#handle, ptr(bytes), bytes.length);
    this.#livelyAt = performance.now();
    this.#wake();
  }

  resize(cols: number, rows: number) {
    if (!this.#over) this.#library.bun_pty_resize(this.#handle, cols, rows);
  }

  /** The library's own kill sends SIGHUP whatever is asked. */
  kill(signal: NodeJS.Signals) {
    if (!this.#over && this.#alive()) process.kill(this.pid, signal);
  }

  close() {
    this.kill("SIGHUP"); // Its reading thread keeps the PTY open while the program runs.
    this.#end();
    this.#wake();
  }

  async #run() {
    let tailed = false;
    while (!this.#over) {
      if (!tailed && !this.#alive()) {
        tailed = true;
        await this.#tail();
      }
      const count = this.#over
        ? ENDED
        : this.#library.bun_pty_read(this.#handle, ptr(this.#buffer), CHUNK_BYTES);
      if (count > 0) await this.#received(this.#buffer.slice(0, count));
      else if (count === 0) await this.#pause();
      else this.#exited();
    }
  }

  async #tail() {
    const endedAt = performance.now();
    while (this.#masters.some(readable) && performance.now() - endedAt < MAX_UNREAD_MS) await Bun.sleep(1);
    await Bun.sleep(TAIL_MS);
  }

  /** One turn of the event loop after each piece, or a flood would stop everything else. */
  async #received(bytes: Uint8Array) {
    this.#livelyAt = performance.now();
    this.#options.onData(bytes);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async #pause() {
    const quiet = performance.now() - this.#livelyAt;
    const wait = quiet < LIVELY_MS ? 1 : quiet < IDLE_AFTER_MS ? QUIET_WAIT_MS : IDLE_WAIT_MS;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, wait);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** The library knows no signals: a program that one ended has "exited with 1". */
  #exited() {
    if (this.#over) return;
    const code = this.#library.bun_pty_get_exit_code(this.#handle);
    this.#end();
    this.#options.onExit({ code, signal: null });
  }

  #end() {
    if (this.#over) return;
    this.#over = true;
    this.#library.bun_pty_close(this.#handle);
  }

  #alive(): boolean {
    try {
      return process.kill(this.pid, 0);
    } catch {
      return false;
    }
  }
}

/** Our descriptors of PTYs, as far as /proc shows them: the library keeps its own to itself. */
function masters(): number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number).filter(isMaster);
  } catch {
    return []; // macOS.
  }
}

function isMaster(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith("ptmx");
  } catch {
    return false; // Closed since: the folder itself was one of them.
  }
}

/**
 * The library splits one line as a shell would, and always puts our own environment beneath: `env -u` takes away what was
 * not asked for. Only names stand on that line, which others on this machine could see for a moment; never a value.
 */
function commandLine(argv: readonly string[], env: Record<string, string>): string {
  const [program = ""] = argv;
  if (program.includes("="))
    throw new Error(`cannot start ${program} with bun-pty: its path contains "="; use --pty bun`);
  const unwanted = ourVariables().filter((name) => !Object.hasOwn(env, name));
  const words = [ENV, ...unwanted.flatMap((name) => ["-u", name]), ...argv];
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** The names of our environment as the library sees it: as we were started, and what it adds itself. */
function ourVariables(): string[] {
  const names = new Set(["SHELL", "TERM", ...Object.keys(process.env)]);
  try {
    for (const entry of readFileSync("/proc/self/environ", "utf8").split("\0"))
      names.add(entry.slice(0, entry.indexOf("=")));
  } catch {
    // No /proc (macOS): what Bun shows of it is what there is.
  }
  return [...names].filter((name) => name !== "" && !name.includes("="));
}

const environment = (env: Record<string, string>) =>
  Buffer.from(
    `${Object.entries(env)
      .map(([name, value]) => `${name}=${value}\0`)
      .join("")}\0`,
  );

function load() {
  const faults: unknown[] = [];
  for (const file of libraryFiles()) {
    for (const place of placesFor(file)) {
      try {
        return opened(file, place);
      } catch (error) {
        faults.push(error);
      }
    }
  }
  throw new Error(`bun-pty's library cannot be loaded (${faults.join("; ")}); use --pty bun`);
}

/** For glibc and for musl: the wrong one does not load. */
function libraryFiles(): string[] {
  const arm = process.arch === "arm64";
  if (process.platform === "darwin") return [arm ? darwinArm : darwin];
  return arm ? [linuxArm, linuxArmMusl] : [linux, linuxMusl];
}

/** Where the file is put before it is loaded: null for nowhere, since it is a file already. */
function placesFor(file: string): (string | null)[] {
  const { run, data } = pathsFor(process.env);
  return file.includes("$bunfs") ? [run, data] : [null]; // The first may be mounted noexec.
}

function opened(file: string, place: string | null) {
  if (place === null) return dlopen(file, SYMBOLS).symbols;
  const folder = mkdtempSync(join(privateFolder(place), "pty-"));
  try {
    const copy = join(folder, basename(file));
    writeFileSync(copy, readFileSync(file), { mode: 0o600 });
    return dlopen(copy, SYMBOLS).symbols;
  } finally {
    rmSync(folder, { recursive: true, force: true }); // Once mapped, it needs no name.
  }
}
