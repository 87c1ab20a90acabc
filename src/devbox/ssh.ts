// A connection to a devbox's shell, shared by everything that this process does there.
import { type Child, send, start } from "./child.ts";
import { copyError, copyScript, pieces } from "./copy.ts";
import { controlPath, type Devbox, type SshDevbox, type SshSetup, words } from "./devbox.ts";
import { Said } from "./said.ts";
import { framed, type Input, resultOf, type ScriptOptions, type ScriptResult } from "./script.ts";
import { hostKey } from "./setup.ts";
import { connectError, LaunchError, saidBy } from "./ssh-errors.ts";

/** Nobody can be asked: a login takes seconds, over a bad line more. */
const LOGIN_MS = 30_000;
/** With somebody who looks for a password. */
const LOGIN_ASKED_MS = 300_000;
/** A master that is told to end has this long. */
const ENDS_WITHIN_MS = 1_000;

/** Of a host key in question, so that somebody can compare it. */
async function withFingerprint(error: LaunchError, devbox: SshDevbox, setup: SshSetup): Promise<LaunchError> {
  if (error.class !== "host_key_unknown" && error.class !== "host_key_changed") return error;
  const seen = await hostKey(devbox, setup).catch(() => null);
  if (!seen) return error;
  const message = `${error.message}; it shows ${seen.fingerprint}`;
  return new LaunchError(error.class, message, error.next, seen.fingerprint);
}

/** Somebody did not want it any more. */
export const stopped = (name: string) =>
  new LaunchError("stopped", `${name}: called off`, "Start it again when you like.");

/** What comes of it, or `stopped` as soon as whoever waits does not want it any more. */
export async function orStopped<T>(
  work: Promise<T>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return work;
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(stopped(name));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Scripts and files for one devbox. */
export class Ssh implements AsyncDisposable {
  readonly devbox: Devbox;
  readonly setup: SshSetup;
  /** What holds the connection: a shell there that waits for its input's end. */
  readonly #holder: Child | null;
  /** Scripts that run now. */
  busy = 0;

  private constructor(devbox: Devbox, setup: SshSetup, holder: Child | null) {
    this.devbox = devbox;
    this.setup = setup;
    this.#holder = holder;
  }

  /**
   * Connects. Throws LaunchError with the reason; it is never tried a second time by itself, since sshd bans whoever is
   * refused often. If this process dies, the connection ends with it.
   */
  static async open(devbox: Devbox, by: SshSetup, signal?: AbortSignal): Promise<Ssh> {
    if (devbox.kind === "local") return new Ssh(devbox, by, null);
    if (signal?.aborted) throw stopped(devbox.name);
    const setup = { ...by, line: crypto.randomUUID() };
    const withinMs = setup.ask ? LOGIN_ASKED_MS : LOGIN_MS;
    const limit = AbortSignal.timeout(withinMs);
    const child = start(words(devbox, setup), undefined);
    const give = () => child.kill();
    const either = AbortSignal.any([limit, ...(signal ? [signal] : [])]);
    either.addEventListener("abort", give);
    const mark = `cr-${crypto.randomUUID()}`;
    const [out, err] = [new Said(child.stdout, give), new Said(child.stderr, give)];
    send(child, `printf '\\n%s\\n' '${mark}'; exec cat >/dev/null\n`);
    const there = await out.until(`\n${mark}\n`);
    if (there && either.aborted) child.kill();
    // Without its word it ends by itself, unless it is given up: only its own end says why.
    const code = there && !either.aborted ? null : await child.exited;
    either.removeEventListener("abort", give);
    if (code === null) return new Ssh(devbox, setup, child);
    if (signal?.aborted) throw stopped(devbox.name);
    // What leads over another host may outlive the ssh that was given up, and hold its pipes.
    if (!limit.aborted) await Promise.all([out.done, err.done]);
    if (limit.aborted)
      throw new LaunchError(
        "timeout",
        `${devbox.name}: no login within ${withinMs / 1_000} s (${saidBy(err.text) || "it says nothing"})`,
        "See that the machine is not overloaded, and that its login shell does not wait for something.",
      );
    throw await withFingerprint(
      connectError(devbox.name, { code, out: out.text, err: err.text }),
      devbox,
      setup,
    );
  }

  /** Whether the connection still stands, as far as this end knows. */
  get open(): boolean {
    return this.#holder === null || this.#holder.exitCode === null;
  }

  /** Resolves when the connection has ended; of the machine itself, never. */
  get closed(): Promise<unknown> {
    return this.#holder?.exited ?? new Promise(() => {});
  }

  /**
   * Runs a script for /bin/sh there, with `stdin` as its input; what the login shell prints by itself is left out. Throws
   * LaunchError where the connection fails, not where the script does.
   */
  async script(text: string, options: ScriptOptions = {}): Promise<ScriptResult> {
    this.busy++;
    try {
      return await this.#run(text, options);
    } finally {
      this.busy--;
    }
  }

  async #run(text: string, { stdin, signal }: ScriptOptions): Promise<ScriptResult> {
    const { name } = this.devbox;
    if (signal?.aborted) throw stopped(name);
    const mark = `cr-${crypto.randomUUID()}`;
    const child = start(words(this.devbox, this.setup), signal);
    let tooMuch = false;
    const give = () => {
      tooMuch = true;
      child.kill();
    };
    const [out, err] = [new Said(child.stdout, give), new Said(child.stderr, give)];
    send(child, framed(text, mark), stdin === undefined);
    if (stdin !== undefined) await Promise.race([this.#feed(child, out, mark, stdin), child.exited]);
    const code = await child.exited;
    if (signal?.aborted) throw stopped(name); // The shared connection holds its pipes for as long as that shell lives.
    if (!tooMuch) await Promise.all([out.done, err.done]);
    if (signal?.aborted) throw stopped(name);
    if (tooMuch) throw new LaunchError("failed", `${name}: a script says too much`, "Try again.");
    return resultOf(name, mark, { code, out: out.text, err: err.text });
  }

  /** Only once the script runs: some shells read ahead, and would take what is meant for the script's own commands. */
  async #feed(child: Child, out: Said, mark: string, stdin: Input) {
    if (!(await out.until(`\n${mark}\n`))) return;
    try {
      const all = typeof stdin === "string" || stdin instanceof Uint8Array ? [stdin] : stdin;
      for await (const bytes of all) {
        if (child.exitCode !== null) return;
        await child.stdin.write(bytes);
        await child.stdin.flush();
      }
      await child.stdin.end();
    } catch {
      // It ended before; its end says why.
    }
  }

  /**
   * Puts a file there under a temporary name, and moves it to `path` (absolute) when it is whole. `onProgress`: bytes of
   * it that are on their way. Throws LaunchError: disk_full, forbidden, or what became of the connection.
   */
  async copy(
    file: string,
    path: string,
    mode: number,
    onProgress: (bytes: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<void> {
    const size = Bun.file(file).size;
    const zipped = (await this.script("command -v gzip", { signal })).code === 0;
    const script = copyScript(path, size, mode, zipped);
    const { code, err } = await this.script(script, { stdin: pieces(file, zipped, onProgress), signal });
    if (code !== 0) throw copyError(this.devbox.name, path, err);
  }

  /** Lets connections to `remote` there lead to the socket `local` here. Returns ssh's own word; throws `tunnel`, `stopped`. */
  async forward(remote: string, local: string, signal?: AbortSignal): Promise<string> {
    const { devbox, setup } = this;
    const path = devbox.kind === "ssh" ? controlPath(devbox, setup) : null;
    if (devbox.kind !== "ssh" || !path) throw tunnelError(devbox.name, "there is no shared connection");
    const argv = [
      "ssh",
      "-F",
      "none",
      "-S",
      path.replaceAll("%", "%%"),
      "-O",
      "forward",
      "-R",
      `${remote}:${local}`,
    ];
    if (signal?.aborted) throw stopped(devbox.name);
    const child = start([...argv, "--", devbox.host], signal);
    const [out, err] = [new Said(child.stdout, () => {}), new Said(child.stderr, () => {})];
    await child.stdin.end();
    const code = await child.exited;
    if (signal?.aborted) throw stopped(devbox.name);
    await Promise.all([out.done, err.done]);
    if (code !== 0) throw tunnelError(devbox.name, saidBy(refusedWay(err.text)));
    return out.text.trim();
  }

  /** Ends the connection, and what runs through it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#holder;
    if (!child || child.exitCode !== null) return;
    const timers = [
      setTimeout(() => child.kill(), ENDS_WITHIN_MS),
      setTimeout(() => child.kill("SIGKILL"), 2 * ENDS_WITHIN_MS),
    ];
    Promise.resolve(child.stdin.end()).catch(() => {}); // Its shell there ends with it.
    await child.exited;
    for (const timer of timers) clearTimeout(timer);
  }
}

/** ssh says it three times, each time at another level of itself. */
const refusedWay = (err: string) => /remote port forwarding failed[^\r\n]*/.exec(err)?.[0] ?? err;

const tunnelError = (name: string, why: string) =>
  new LaunchError(
    "tunnel",
    `${name}: no way back to this server can be opened (${why})`,
    "Set AllowStreamLocalForwarding or AllowTcpForwarding to yes in its sshd_config, or give the server an address that it reaches (docs/https.md).",
  );
