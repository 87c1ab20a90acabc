// A place where sessions can be started, and the words that reach its shell.
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import type { DevboxState } from "../protocol.ts";

/** `dir`: where claude starts unless a launch names another folder; null: the home folder. */
type LocalDevbox = { kind: "local"; name: string; dir: string | null };
/** `host`: an address, a name, or an alias of the ssh configuration. What is null is left to that configuration. */
export type SshDevbox = {
  kind: "ssh";
  name: string;
  host: string;
  user: string | null;
  port: number | null;
  /** The file of a private key. */
  key: string | null;
  dir: string | null;
};
export type Devbox = LocalDevbox | SshDevbox;

/** What a server knows of a devbox, as what reaches it. */
export function toDevbox({ name, kind, host, user, port, key, dir }: DevboxState): Devbox {
  if (kind === "local" || host === null) return { kind: "local", name, dir };
  return { kind, name, host, user, port, key, dir };
}

/** What one path, one argument or one line of a program's input may be: valid Unicode without NUL. */
export const isPlain = (text: string) => text.isWellFormed() && !text.includes("\0");

/** The longest path that Linux takes. */
const PATH_CHARS = 4_096;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;
/** A name, an address, an alias; never an option, a URL, or something that a shell or ssh would expand. */
const HOST = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,60})$/;
/** Whether ssh may be given this for a host. */
export const isHost = (text: string) => HOST.test(text);
const USER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
/** ssh itself expands `%` and `${…}` in the names of key files. */
const KEY = /^(~\/|\/)[\p{L}\p{N}._@+,= /-]{1,1000}$/u;

export const devboxName = v.pipe(
  v.string(),
  v.regex(NAME, "must be 1 to 40 letters, digits, dots, dashes or underscores"),
);
export const directory = v.pipe(
  v.string(),
  v.maxLength(PATH_CHARS, `must be at most ${PATH_CHARS} characters`),
  v.check(isPlain, "must be valid text without NUL"),
  v.regex(/^(\/|~$|~\/)/, "must begin with / or ~/"),
);
const host = v.pipe(v.string(), v.regex(HOST, "must be the name or address of a host, or an alias for ssh"));
const user = v.pipe(v.string(), v.regex(USER, "must be a user's name"));
const port = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1, "must be 1 to 65535"),
  v.maxValue(65_535, "must be 1 to 65535"),
);
const key = v.pipe(v.string(), v.regex(KEY, "must be the path of a key file, without special characters"));
const orNull = <T extends v.GenericSchema>(schema: T) => v.optional(v.nullable(schema), null);

const localDevbox = v.object({
  kind: v.literal("local"),
  name: devboxName,
  dir: orNull(directory),
});
export const sshDevbox = v.object({
  kind: v.literal("ssh"),
  name: devboxName,
  host,
  user: orNull(user),
  port: orNull(port),
  key: orNull(key),
  dir: orNull(directory),
});
/** Everything a devbox may be; whatever is not on these lists is refused before any program is started (SEC-058, 059, 062). */
export const devboxSchema = v.variant("kind", [localDevbox, sshDevbox]);

/** How ssh is run here. */
export type SshSetup = {
  /** A private folder for the sockets of shared connections. */
  run: string;
  /** `config`, `known_hosts` and `id_ed25519` there are used in place of the user's ~/.ssh; null: the user's own are. */
  folder: string | null;
  /** Somebody sits at a terminal, whom ssh can ask for a password or a passphrase. */
  ask: boolean;
  /** How long an address may take to answer; 10 if not given. */
  connectSeconds?: number;
  /** Which connection this is: two of one process to one machine are two, for with one end its programs end. */
  line?: string;
};

/** What ssh is told to run, always: whatever differs goes over stdin, since no quoting survives every login shell. */
const REMOTE_COMMAND = "exec /bin/sh -s";

/** ssh binds its socket under a name of so many more characters first; a socket's path ends at 107 bytes. */
const SUFFIX_CHARS = 17;
const SOCKET_CHARS = 107;
/** A connection attempt; an address that answers nothing is given up by then. */
const CONNECT_SECONDS = 10;
/** Three unanswered questions, 5 s apart, and the connection is lost. */
const ALIVE_SECONDS = 5;
const ALIVE_TIMES = 3;

/** The socket of that connection of this process to that devbox, or null where its path would be too long. */
export function controlPath(
  devbox: SshDevbox,
  { run, folder, line = "" }: SshSetup,
  pid = process.pid,
): string | null {
  const { host: to, user: by, port: at, key: file } = devbox;
  const text = JSON.stringify([to, by, at, file, folder, pid, line]);
  const path = join(run, `s-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`);
  return Buffer.byteLength(path) + SUFFIX_CHARS <= SOCKET_CHARS ? path : null;
}

/**
 * ssh and its options, up to the host: what rsync's `-e` takes. Connections are shared within this process. Never does it
 * forward an agent, nor turn the check of host keys off (SEC-061).
 */
export function sshWords(devbox: SshDevbox, setup: SshSetup): string[] {
  const shared = controlPath(devbox, setup);
  const options = [
    ...(shared ? [`ControlMaster=auto`, `ControlPath=${quoted(shared)}`] : ["ControlPath=none"]),
    "ControlPersist=no",
    `ServerAliveInterval=${ALIVE_SECONDS}`,
    `ServerAliveCountMax=${ALIVE_TIMES}`,
    `ConnectTimeout=${setup.connectSeconds ?? CONNECT_SECONDS}`,
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "LogLevel=INFO",
    ...(setup.ask ? [] : ["BatchMode=yes"]),
    ...(setup.folder ? inFolder(setup.folder) : []),
  ];
  return [
    ...["ssh", "-T", "-a", "-x"],
    ...(setup.folder ? ["-F", join(setup.folder, "config")] : []),
    ...options.flatMap((option) => ["-o", option]),
    ...(devbox.key ? ["-i", devbox.key] : []),
    ...(devbox.port ? ["-p", String(devbox.port)] : []),
    ...(devbox.user ? ["-l", devbox.user] : []),
  ];
}

/** What starts a shell there that reads what to do on its stdin; of the machine itself, its own shell. */
export function words(devbox: Devbox, setup: SshSetup): string[] {
  if (devbox.kind === "local") return ["/bin/sh", "-s"];
  return [...sshWords(devbox, setup), "--", devbox.host, REMOTE_COMMAND];
}

/** What makes ssh use that folder's files in place of the user's; also as lines of its configuration. */
export const inFolder = (folder: string) => [
  `UserKnownHostsFile=${quoted(join(folder, "known_hosts"))}`,
  "StrictHostKeyChecking=yes",
  `IdentityFile=${quoted(join(folder, "id_ed25519"))}`,
];

/** One word of an ssh option, which splits at blanks and expands `%`. */
const quoted = (path: string) => `"${path.replaceAll("%", "%%")}"`;
