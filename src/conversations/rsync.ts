// Files of a conversation, carried by rsync over the connection that ssh already has; and what its failures mean.
import { type Devbox, type SshSetup, sshWords } from "../devbox/devbox.ts";
import { stopped } from "../devbox/ssh.ts";
import type { Shell } from "./script.ts";

/** A connection to a devbox, as the devboxes' `Ssh` is one. `signal` ends what runs over it. */
export type Connection = Shell & {
  readonly devbox: Devbox;
  readonly setup: SshSetup;
  readonly signal?: AbortSignal;
};

/** The same, for work that `signal` ends: what runs for it then throws LaunchError, `stopped`. */
export function until(signal: AbortSignal, over: Connection): Connection {
  const { devbox, setup } = over;
  return { devbox, setup, signal, script: (text, more) => over.script(text, { ...more, signal }) };
}

export type SyncFailure =
  | "no_rsync_here"
  | "no_rsync_there"
  | "shell_noise"
  | "disk_full"
  | "forbidden"
  | "lost"
  | "too_large"
  | "open_here"
  | "open_there"
  | "no_file"
  | "no_dir"
  | "failed";

/** Why files could not be carried: `message` says what and why, `next` the one thing to do. */
export class SyncError extends Error {
  override name = "SyncError";
  readonly class: SyncFailure;
  readonly next: string;

  constructor(failure: SyncFailure, message: string, next: string) {
    super(message);
    this.class = failure;
    this.next = next;
  }
}

/** `there`: a file, or with a slash at its end a folder, on the devbox; `here`: the same on this machine. */
export type Carried = {
  ssh: Connection;
  there: string;
  here: string;
  to: "there" | "here";
  options: readonly string[];
};

/** Silence on a connection for so long means that it is gone; ssh itself gives up after 15 s. */
const SILENCE_SECONDS = 30;
/** rsync ends within milliseconds of being told; one that does not is ended without being asked. */
const ENDS_WITHIN_MS = 500;
/** Of what rsync says its end tells why. */
const MAX_TEXT = 2_000;

/** A longer conversation is not carried: claude itself would take minutes to read it. */
export const MAX_MEGABYTES = 256;

/** What both kinds of transfer are told: nobody else may read a conversation, and claude lists them by their times. */
const COMMON = [
  "--times",
  "--perms",
  "--chmod=Du=rwx,Dgo-rwx,Fu=rw,Fugo-x,Fgo-rw",
  `--timeout=${SILENCE_SECONDS}`,
  `--max-size=${MAX_MEGABYTES}m`,
];
/** What a file already has is known to be its beginning: only the rest is sent. */
export const APPEND = ["--append"];
/** Whatever is there becomes what it is elsewhere. */
export const REPLACE = ["--inplace", "--no-whole-file"];
/** Subagents' files and what else stands in a conversation's folder; what is newer stays, and links are left out. */
export const FOLDER = ["--recursive", "--update", "--partial"];

/** What a remote shell of any kind takes as one word, unquoted. */
const isSafe = (path: string) => /^\/[\w@%+=,./-]*$/.test(path);

/** The words that carry it. */
export function rsyncWords({ ssh, there, here, to, options }: Carried): string[] {
  const { devbox, setup } = ssh;
  const remote = devbox.kind === "local" ? there : `${hostOf(devbox.host)}:${there}`;
  const connection = devbox.kind === "local" ? [] : ["-e", sshWords(devbox, setup).map(quoted).join(" ")];
  // Else the shell there would read the path; sent over stdin it reads nothing. Only rsync 3 can do that.
  const secluded = isSafe(there) ? [] : ["--protect-args"];
  const ends = to === "here" ? [remote, here] : [here, remote];
  return ["rsync", ...COMMON, ...options, ...secluded, ...connection, "--", ...ends];
}

const hostOf = (host: string) => (host.includes(":") ? `[${host}]` : host);

/** rsync splits what it starts at blanks; within quotes a doubled quote is one. */
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`);

/** Carries it. Throws SyncError; where the connection's signal ends it, LaunchError. What has come by then stays: it only grows. */
export async function rsync(carried: Carried): Promise<void> {
  const words = rsyncWords(carried);
  const { devbox, signal } = carried.ssh;
  if (!Bun.which("rsync")) throw failureOf(devbox.name, 127, "rsync: not found here");
  if (signal?.aborted) throw stopped(devbox.name);
  const child = Bun.spawn(words, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: environment(),
    ...(signal ? { signal } : {}),
  });
  const said = new Response(child.stderr).text();
  const force = () => setTimeout(() => child.kill("SIGKILL"), ENDS_WITHIN_MS).unref();
  signal?.addEventListener("abort", force, { once: true });
  const code = await child.exited;
  signal?.removeEventListener("abort", force);
  if (signal?.aborted) throw stopped(devbox.name); // Its ssh may hold what it says open for longer.
  if (code !== 0) throw failureOf(devbox.name, code, (await said).slice(-MAX_TEXT));
}

/** Our own environment without what is ours alone; the words of failures in the language that is read here. */
function environment() {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_"));
  return { ...Object.fromEntries(own), LC_ALL: "C" };
}

/** What an exit code and its words mean. Without rsync there, the code is 12 and the shell's words tell; a lost link, 12 as well. */
export function failureOf(devbox: string, code: number, text: string): SyncError {
  const install = "Install rsync 3 (apt install rsync, brew install rsync)";
  if (code === 127 && /here$/.test(text))
    return new SyncError("no_rsync_here", "rsync is not on this machine", `${install} here.`);
  if (/rsync: (command )?not found|rsync: No such file|unknown command.*rsync/i.test(text))
    return new SyncError("no_rsync_there", `rsync is not on ${devbox}`, `${install} on ${devbox}.`);
  if (code === 2 || /is your shell clean/.test(text))
    return new SyncError(
      "shell_noise",
      `the shell on ${devbox} prints something by itself, which rsync takes for an answer`,
      "Let its start-up files (.bashrc …) print only where there is a terminal.",
    );
  if (code === 11 && /No space left|Disk quota/.test(text))
    return new SyncError("disk_full", "a disk is full", `Make room here or on ${devbox}.`);
  if (/Permission denied \(13\)|Operation not permitted/.test(text))
    return new SyncError("forbidden", lastLine(text), `See who owns that folder, here or on ${devbox}.`);
  if (code === 30 || code === 35 || code === 255 || code === 12 || code === 10)
    return new SyncError(
      "lost",
      `the connection to ${devbox} broke (${lastLine(text)})`,
      "It is tried again after the next turn.",
    );
  return new SyncError(
    "failed",
    `rsync ended with ${code} (${lastLine(text)})`,
    `Run rsync to ${devbox} by hand to see more.`,
  );
}

const lastLine = (text: string) =>
  text
    .split("\n")
    .map((line) => line.replace(/\p{C}/gu, "?").trim())
    .findLast((line) => line !== "" && !/^rsync error:/.test(line))
    ?.slice(0, 200) ?? "it said nothing";
