// The few calls of the C library for which Bun has no words: terminal settings, and whether a terminal takes more.
import { dlopen } from "bun:ffi";

const ARCH = process.arch === "arm64" ? "aarch64" : "x86_64";
const FILES = process.platform === "darwin" ? ["libSystem.B.dylib"] : ["libc.so.6", `libc.musl-${ARCH}.so.1`];
const SYMBOLS = {
  tcgetattr: { args: ["i32", "buffer"], returns: "i32" },
  tcsetattr: { args: ["i32", "i32", "buffer"], returns: "i32" },
  cfmakeraw: { args: ["buffer"], returns: "void" },
  poll: { args: ["buffer", "u64", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "buffer", "buffer"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
} as const;
/** struct termios is 60 bytes on Linux and 72 on macOS. */
const TERMIOS_BYTES = 128;
/** Of Linux: where its local flags stand, and which of them says that input is taken a line at a time. */
const LOCAL_FLAGS_AT = 12;
const ICANON = 2;
/** Now, not after pending output is gone: that could be never. */
const TCSANOW = 0;
const POLLIN = 1;
const POLLOUT = 4;
/** Of Linux: who made the connection, as {pid, uid, gid}. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
/** The signals that Bun ignores for itself; the numbers are the same on Linux and macOS. */
const SIGPIPE = 13;
const SIGXFSZ = 25;
const SIG_DFL = null;

let loaded: ReturnType<typeof load> | null = null;

function libc() {
  loaded ??= load();
  return loaded;
}

function load() {
  const faults: unknown[] = [];
  for (const file of FILES) {
    try {
      return dlopen(file, SYMBOLS).symbols;
    } catch (error) {
      faults.push(error);
    }
  }
  throw new Error(`the C library cannot be loaded (${faults.join("; ")})`);
}

/** The terminal's settings, for `setTerminal`; null where `fd` is no terminal. */
export function terminalSettings(fd: number): Uint8Array | null {
  const settings = new Uint8Array(TERMIOS_BYTES);
  return libc().tcgetattr(fd, settings) === 0 ? settings : null;
}

/** Gives a terminal the settings. Whether it took them; in the background the kernel stops us first, as it should. */
export function setTerminal(fd: number, settings: Uint8Array): boolean {
  return libc().tcsetattr(fd, TCSANOW, settings) === 0;
}

/** The same settings made raw: every byte passes as it is, in both directions. */
export function madeRaw(settings: Uint8Array): Uint8Array {
  const raw = settings.slice();
  libc().cfmakeraw(raw);
  return raw;
}

/** Whether a terminal with these settings hands over each key at once. Linux only. */
export function isRaw(settings: Uint8Array): boolean {
  const flags = new DataView(settings.buffer, settings.byteOffset).getUint32(LOCAL_FLAGS_AT, true);
  return (flags & ICANON) === 0;
}

/** Waits at most `ms` until `fd` takes bytes, or says that it never will again. Whether it is ready. */
export function writable(fd: number, ms: number): boolean {
  return polled(fd, POLLOUT, ms) !== 0;
}

/** Whether `fd` has bytes that nobody has read yet. */
export function readable(fd: number): boolean {
  return (polled(fd, POLLIN, 0) & POLLIN) !== 0;
}

/** What of `events`, or what fault, there is within `ms`; 0 for nothing. */
function polled(fd: number, events: number, ms: number): number {
  const request = new Int32Array([fd, events]); // struct pollfd {int fd; short events, revents}, little-endian
  return libc().poll(new Uint8Array(request.buffer), 1, ms) > 0 ? (request[1] ?? 0) >>> 16 : 0;
}

/** The process that connected to a unix socket, by Linux's own word; null where there is none to be had. */
export function peerOf(fd: number): number | null {
  if (process.platform !== "linux") return null;
  const credentials = new Int32Array(UCRED_BYTES / 4);
  const length = new Uint8Array(new Int32Array([UCRED_BYTES]).buffer);
  const failed = libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, new Uint8Array(credentials.buffer), length);
  return failed === 0 ? (credentials[0] ?? null) : null;
}

/** Bun ignores two signals, and a program that takes our place would go on ignoring them. */
export function restoreSignals() {
  libc().signal(SIGPIPE, SIG_DFL);
  libc().signal(SIGXFSZ, SIG_DFL);
}
