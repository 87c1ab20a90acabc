// A connection to a devbox's shell, shared by everything that this process does there.
import { controlPath, type Devbox, type SshDevbox, type SshSetup, words } from "./devbox.ts";
import { hostKey } from "./setup.ts";
import { connectError, LaunchError, lostError, REFUSALS, type SshEnd, saidBy } from "./ssh-errors.ts";

/** How a script ended; `code` is null if a signal killed what ran it. */
export type ScriptResult = { code: number | null; out: string; err: string };
/** What a script reads: a text, bytes, or bytes as they come. */
export type Input = string | Uint8Array | AsyncIterable<Uint8Array>;
export type ScriptOptions = { stdin?: Input | undefined; signal?: AbortSignal | undefined };

/** Nobody can be asked: a login takes seconds, over a bad line more. */
const LOGIN_MS = 30_000;
/** With somebody who looks for a password. */
const LOGIN_ASKED_MS = 300_000;
/** What one script may say. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;
/** A master that is told to end has this long. */
const ENDS_WITHIN_MS = 1_000;

/** One word for a POSIX shell. */
export const shellWord = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** What a process says, kept up to a limit. */
class Said {
  readonly done: Promise<void>;
  #text = "";
  #bytes = 0;
  readonly #looks = new Set<() => void>();

  constructor(stream: ReadableStream<Uint8Array>, onTooMuch: () => void) {
    this.done = this.#read(stream, onTooMuch);
  }

  get text() {
    return this.#text;
  }

  async #read(stream: ReadableStream<Uint8Array>, onTooMuch: () => void) {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#bytes += bytes.length;
      if (this.#bytes > MAX_OUTPUT_BYTES) onTooMuch();
      else this.#text += decoder.decode(bytes, { stream: true });
      for (const look of this.#looks) look();
    }
    for (const look of this.#looks) look();
  }

  /** True once that text came; false once everything has, without it. */
  async until(wanted: string): Promise<boolean> {
    const came = Promise.withResolvers<void>();
    const look = () => this.#text.includes(wanted) && came.resolve();
    this.#looks.add(look);
    look();
    await Promise.race([came.promise, this.done]);
    this.#looks.delete(look);
    return this.#text.includes(wanted);
  }
}

/** Our own environment without what is ours alone. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_")));

function start(argv: readonly string[], signal: AbortSignal | undefined): Child {
  try {
    return Bun.spawn([...argv], {
      ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe", env: environment() },
      ...(signal ? { signal } : {}),
    });
  } catch {
    throw new LaunchError(
      "no_ssh",
      `there is no ${argv[0]} on this machine`,
      "Install the OpenSSH client (openssh-client).",
    );
  }
}

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
    const setup = { ...by, line: crypto.randomUUID() };
    const limit = AbortSignal.timeout(setup.ask ? LOGIN_ASKED_MS : LOGIN_MS);
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
    await Promise.all([out.done, err.done]);
    if (signal?.aborted) throw stopped(devbox.name);
    if (limit.aborted)
      throw new LaunchError(
        "timeout",
        `${devbox.name}: no login within ${LOGIN_MS / 1_000} s (${saidBy(err.text) || "it says nothing"})`,
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

  /** Lets connections to `remote` there lead to the socket `local` here. Returns ssh's own word; throws `tunnel`. */
  async forward(remote: string, local: string): Promise<string> {
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
    const child = start([...argv, "--", devbox.host], undefined);
    const [out, err] = [new Said(child.stdout, () => {}), new Said(child.stderr, () => {})];
    await child.stdin.end();
    const code = await child.exited;
    await Promise.all([out.done, err.done]);
    if (code !== 0) throw tunnelError(devbox.name, saidBy(err.text));
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

/** A process that is gone already takes nothing; its end says why. */
async function send(child: Child, text: string, last = false) {
  try {
    await child.stdin.write(text);
    await (last ? child.stdin.end() : child.stdin.flush());
  } catch {
    // Its end says why.
  }
}

/** All on one complete command, so that the shell has read it before anything runs; the script's own end ends nothing. */
const framed = (text: string, mark: string) =>
  `printf '\\n%s\\n' '${mark}'; printf '\\n%s\\n' '${mark}' >&2; (\n${text}\n); printf '\\n%s %s\\n' '${mark}' "$?"; exit\n`;

function resultOf(name: string, mark: string, end: SshEnd): ScriptResult {
  const begins = end.out.indexOf(`\n${mark}\n`);
  if (begins < 0) throw connectError(name, end);
  const out = end.out.slice(begins + mark.length + 2);
  const errs = end.err.indexOf(`\n${mark}\n`);
  const err = errs < 0 ? end.err : end.err.slice(errs + mark.length + 2);
  const last = out.lastIndexOf(`\n${mark} `);
  if (last < 0) throw lostError(name, { ...end, err });
  return { code: Number.parseInt(out.slice(last + mark.length + 2), 10), out: out.slice(0, last), err };
}

/** gzip takes one after another for one: so much at a time holds nothing else up for longer than some milliseconds. */
const PIECE_BYTES = 1024 * 1024;

/** Zipped it is half the bytes, at once faster than any network below 300 Mbit/s. */
async function* pieces(file: string, zipped: boolean, onProgress: (bytes: number) => void) {
  const { size } = Bun.file(file);
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = await Bun.file(file)
      .slice(at, at + PIECE_BYTES)
      .bytes();
    yield zipped ? Bun.gzipSync(piece, { level: 1 }) : piece;
    onProgress(Math.min(size, at + PIECE_BYTES));
  }
}

/** A cut connection looks like the file's end: only the whole size is moved. */
const copyScript = (path: string, size: number, mode: number, zipped: boolean) => `
path=${shellWord(path)}
mkdir -p -- "\${path%/*}" || exit 1
part=$path.part$$
trap 'rm -f -- "$part"' EXIT
trap 'exit 1' HUP INT TERM PIPE
umask 077
${zipped ? "gzip -dc" : "cat"} >"$part" || exit 1
[ "$(wc -c <"$part")" -eq ${size} ] || { echo "it arrived cut" >&2; exit 1; }
chmod ${mode.toString(8)} "$part" && mv -f -- "$part" "$path"`;

function copyError(name: string, path: string, err: string): LaunchError {
  const said = saidBy(err) || "no reason given";
  if (/No space left|Disk quota|quota exceeded|File too large/i.test(err))
    return new LaunchError(
      "disk_full",
      `${name}: there is no room for ${path} (${said})`,
      "Make room there: about 250 MB.",
    );
  if (/Permission denied|Read-only file system|Operation not permitted/i.test(err))
    return new LaunchError(
      "forbidden",
      `${name}: ${path} cannot be written (${said})`,
      "See that this user may write there.",
    );
  if (/Not a directory|File exists|Is a directory/i.test(err))
    return new LaunchError(
      "forbidden",
      `${name}: ${path} cannot be written (${said})`,
      "See what stands in its place.",
    );
  return new LaunchError("failed", `${name}: ${path} could not be put there (${said})`, "Try again.");
}

const tunnelError = (name: string, why: string) =>
  new LaunchError(
    "tunnel",
    `${name}: no way back to this server can be opened (${why})`,
    "Allow AllowStreamLocalForwarding or AllowTcpForwarding in its sshd_config, or give the server an address that it reaches (docs/https.md).",
  );

/** Who waited for a login that was refused has been refused as well: sshd counts each one. */
function refusal(error: unknown): null {
  if (error instanceof LaunchError && REFUSALS.has(error.class)) throw error;
  return null;
}

/** One connection for each devbox, closed a minute after its last use. */
export class Connections implements AsyncDisposable {
  readonly setup: SshSetup;
  readonly #open = new Map<string, { ssh: Promise<Ssh>; timer: ReturnType<typeof setTimeout> | undefined }>();

  constructor(setup: SshSetup) {
    this.setup = setup;
  }

  /** Takes over a connection that somebody opened already. */
  take(ssh: Ssh): void {
    const id = JSON.stringify(ssh.devbox);
    this.#open.set(id, { ssh: Promise.resolve(ssh), timer: undefined });
    this.#use(id);
  }

  /** The connection to that devbox, which whoever asks need not close. Throws LaunchError. */
  async get(devbox: Devbox, signal?: AbortSignal): Promise<Ssh> {
    const id = JSON.stringify(devbox);
    const known = this.#open.get(id);
    const ssh = known ? await known.ssh.catch(refusal) : null;
    if (ssh?.open) {
      this.#use(id);
      return ssh;
    }
    if (known && this.#open.get(id) === known) this.#forget(id);
    return this.#connect(id, devbox, signal);
  }

  async #connect(id: string, devbox: Devbox, signal: AbortSignal | undefined): Promise<Ssh> {
    const again = this.#open.get(id);
    if (again) return again.ssh; // Somebody else was first.
    const ssh = Ssh.open(devbox, this.setup, signal);
    this.#open.set(id, { ssh, timer: undefined });
    ssh.then(
      () => this.#use(id),
      () => this.#forget(id),
    );
    return ssh;
  }

  #use(id: string) {
    const kept = this.#open.get(id);
    if (!kept) return;
    clearTimeout(kept.timer);
    kept.timer = setTimeout(async () => {
      const ssh = await kept.ssh;
      if (ssh.busy > 0) return this.#use(id);
      this.#forget(id);
      await ssh[Symbol.asyncDispose]();
    }, IDLE_MS);
    kept.timer.unref();
  }

  #forget(id: string) {
    clearTimeout(this.#open.get(id)?.timer);
    this.#open.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#open.keys()].map((id) => {
      const kept = this.#open.get(id);
      this.#forget(id);
      return kept?.ssh.then((ssh) => ssh[Symbol.asyncDispose]()).catch(() => {});
    });
    await Promise.all(all);
  }
}
