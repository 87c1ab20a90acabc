// The ways in which a devbox can fail, each on a machine or by an alias of its own, and the words in which it is told.
import { chmodSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LaunchFailure } from "../../devbox/ssh-errors.ts";
import { type HostOptions, mayMakeUsers } from "./hosts.ts";
import { DEMO } from "./world.ts";

/** `test`: where somebody logs in. `status`: where somebody looks for claude, too. `launch`: where a session is started. */
type Seen = "test" | "status" | "launch";

export type Case = {
  name: string;
  class: LaunchFailure;
  /** The first that sees it; those after it do as well. */
  seen: Seen;
  /** A machine of its own … */
  host?: Omit<HostOptions, "name">;
  /** … or that one's; and what ssh is told of it besides. */
  of?: string;
  ssh?: string[];
  /** A key file: its path, or its name in ssh's folder. */
  key?: string;
  /** Where claude is to start. */
  dir?: string;
  /** Does something to its home, and to our program in it. */
  prepare?: (home: string, program: string) => void;
  /** Takes longer than a login. */
  slow?: true;
  message: RegExp;
  next: string | RegExp;
};

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** A whole message after the devbox's name; what ssh or a shell says in its own words is an expression. */
const text = ({ raw }: TemplateStringsArray, ...said: RegExp[]) =>
  new RegExp(`^${raw.map((part, at) => escaped(part) + (said[at]?.source ?? "")).join("")}$`);

/** Whether a disk can be made here: not everywhere where root is. */
const mayMount =
  mayMakeUsers && Bun.spawnSync(["unshare", "-m", "true"], { stderr: "ignore" }).exitCode === 0;

/** A disk of its own where our program is put. */
function mounted(home: string, options: string) {
  const place = join(home, ".local/share");
  rmSync(place, { recursive: true });
  mkdirSync(place);
  const { exitCode, stderr } = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]);
  if (exitCode !== 0) throw new Error(`mount: ${stderr}`);
}

/** As large as our program, and of another machine: a 64-bit ELF of RISC-V. */
function alien(_: string, program: string) {
  const { size } = statSync(program);
  rmSync(program);
  writeFileSync(program, Buffer.from("7f454c460201010000000000000000000200f30001000000", "hex"), {
    mode: 0o755,
  });
  truncateSync(program, size);
}

const claude = { ".local/bin/claude*": DEMO };
const asUser = mayMakeUsers ? { shell: "/bin/bash" } : {};
/** Says that it is another machine. */
const uname = (system: string, machine: string) => ({
  ...claude,
  ".bashrc": "PATH=$HOME/fake:$PATH\n",
  "fake/uname*": `#!/bin/sh\ncase $1 in -s) echo ${system} ;; *) echo ${machine} ;; esac\n`,
});

const PROGRAM = /\/\S+\/\.local\/share\/claude-remote\/bin\/claude-remote-\S+/;
const SHOWN = /SHA256:[\w+/=]+/;
const KEX = /(kex_exchange_identification|Connection (closed|reset) by|ssh: connect to host).*/;
const LOGIN = /\S+@127\.0\.0\.1: Permission denied \([^)]*\)/;
const REFUSED = /ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused/;

const LET_IN =
  "See that the user is right, that your public key is in ~/.ssh/authorized_keys there, and that a key with a passphrase is in your agent (ssh-add).";
const NO_SHELL =
  "See that sshd there forces no other command for this key, that /bin/sh is there, and that no start-up file (.bashrc …) ends the shell.";
const FULL =
  "It may be full, or have banned this address after refused logins: wait some minutes, then try once. Else see that it is sshd that listens on that port.";
const BY_ITSELF = "Make ssh to that host work by itself first, as the same user on the same machine.";
const KEY_FILE = "Name the right file (devbox add --key), and see that only you may read it: chmod 600.";
const INSTALL = "Install it there: npm install -g @anthropic-ai/claude-code";

/** Nothing is wrong with it. */
export const PLAIN = "plain";
/** Ports of this machine at which something else is than a devbox's sshd. */
export const ELSEWHERE = { nobody: "NOBODY", web: "WEB", silent: "SILENT" } as const;
const at = (port: string) => ["HostName 127.0.0.1", `Port ${port}`];

const ON_THE_WAY: Case[] = [
  {
    ...{ name: "refused", class: "refused", seen: "test", ssh: at(ELSEWHERE.nobody) },
    message: text`the machine is there, but nothing answers on that port (${REFUSED})`,
    next: "See that sshd runs there, and that the port is right; for another port, add the devbox anew.",
  },
  {
    ...{ name: "no-network", class: "unreachable", seen: "test", ssh: ["HostName 255.255.255.255"] },
    message: text`no way leads there from this network (${/ssh: connect to host 255\.255\.255\.255 port 22: .*/})`,
    next: "See that both machines are on, and that the network or VPN between them is up.",
  },
  {
    ...{ name: "no-name", class: "dns", seen: "test", ssh: ["HostName no-such-host.invalid"] },
    message: text`there is no such host (${/ssh: Could not resolve hostname no-such-host\.invalid: .*/})`,
    next: "See that the name is right, and that the network (or VPN) that knows it is up.",
  },
  {
    ...{ name: "silent", class: "timeout", seen: "status", ssh: at(ELSEWHERE.silent), slow: true },
    message: text`it does not answer (${/Connection timed out during banner exchange|Connection to .* timed out/})`,
    next: "See that the machine is on, and that no firewall drops the connection.",
  },
  {
    ...{ name: "web", class: "closed", seen: "test", ssh: at(ELSEWHERE.web) },
    message: text`it closes the connection at once (${KEX})`,
    next: FULL,
  },
  {
    ...{ name: "crowded", class: "closed", seen: "test", host: { lines: ["MaxStartups 1"] } },
    message: text`it closes the connection at once (${KEX})`,
    next: FULL,
  },
  {
    ...{ name: "jump-down", class: "refused", seen: "test", of: PLAIN, ssh: ["ProxyJump refused"] },
    message: text`at a host on the way there, the machine is there, but nothing answers on that port (${REFUSED})`,
    next: BY_ITSELF,
  },
  {
    ...{ name: "jump-login", class: "auth", seen: "test", of: PLAIN, ssh: ["ProxyJump no-user"] },
    message: text`at a host on the way there, it does not let this user in (${LOGIN})`,
    next: BY_ITSELF,
  },
  {
    ...{ name: "jump-key", class: "host_key_unknown", seen: "test", of: PLAIN, ssh: ["ProxyJump new"] },
    message: text`at a host on the way there, its host key is not known here (${/No \S+ host key is known for new and .*/})`,
    next: BY_ITSELF,
  },
  {
    ...{ name: "jump-nowhere", class: "jump", seen: "test" },
    ssh: [...at(ELSEWHERE.nobody), `ProxyJump ${PLAIN}`],
    message: text`the way over another host fails (${/.*channel 0: open failed: connect failed: Connection refused .*/})`,
    next: BY_ITSELF,
  },
  {
    ...{ name: "proxy", class: "jump", seen: "test" },
    ssh: ["HostName 127.0.0.1", "ProxyCommand sh -c 'echo no ticket >&2; exit 3'"],
    message: text`the way over another host fails (${/no ticket .*/})`,
    next: BY_ITSELF,
  },
];

const AT_THE_DOOR: Case[] = [
  {
    ...{ name: "new", class: "host_key_unknown", seen: "test", of: PLAIN, ssh: ["HostKeyAlias new"] },
    message: text`its host key is not known here (${/No \S+ host key is known for new and .*/}); it shows ${SHOWN}`,
    next: "Compare the fingerprint with the machine's own, then say yes to it: at a terminal claude-remote ssh asks, on the page Test.",
  },
  {
    ...{ name: "changed", class: "host_key_changed", seen: "test", of: PLAIN, ssh: ["HostKeyAlias changed"] },
    message: text`its host key is not the one known here: another machine answers, or it was set up anew (${/Offending \S+ key in \/\S+\/known_hosts:\d+/}); it shows ${SHOWN}`,
    next: "Compare the fingerprint with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there); only if it is right, take out the line with the old key, which is named.",
  },
  {
    ...{ name: "revoked", class: "host_key_revoked", seen: "test", of: PLAIN, ssh: ["HostKeyAlias revoked"] },
    message: text`its host key is marked as revoked (${/The \S+ host key for revoked is marked as revoked/})`,
    next: "Do not connect; ask whoever looks after that machine.",
  },
  {
    ...{ name: "old", class: "algorithms", seen: "test", of: PLAIN, ssh: ["HostKeyAlgorithms ssh-rsa"] },
    message: text`the two ends have no algorithm in common (${/Unable to negotiate with 127\.0\.0\.1 .*/})`,
    next: "Update sshd there, or allow the algorithm for that host in your ~/.ssh/config.",
  },
  {
    ...{ name: "no-user", class: "auth", seen: "test", of: PLAIN, ssh: ["User nobody-here"] },
    message: text`it does not let this user in (${LOGIN})`,
    next: LET_IN,
  },
  {
    ...{ name: "passphrase", class: "auth", seen: "test", of: "keyed", key: "locked" },
    message: text`it does not let this user in (${LOGIN})`,
    next: LET_IN,
  },
  {
    ...{ name: "password", class: "auth", seen: "test" },
    host: { ...asUser, lines: ["PubkeyAuthentication no", "PasswordAuthentication yes"] },
    message: text`it lets nobody in by a key (${LOGIN})`,
    next: "Allow keys there (PubkeyAuthentication in its sshd_config) and put yours into ~/.ssh/authorized_keys; claude-remote ssh at a terminal can be told a password, where the devbox reaches the server by itself.",
  },
  {
    ...{ name: "many-keys", class: "too_many_keys", seen: "test", host: { lines: ["MaxAuthTries 1"] } },
    ssh: ["User nobody-here"],
    message: text`more keys were offered than it tries (${/Received disconnect from .*: Too many authentication failures/})`,
    next: "Name the one key: devbox add --key FILE, and IdentitiesOnly yes for that host in your ~/.ssh/config.",
  },
  {
    ...{ name: "no-key", class: "key_file", seen: "test", of: "keyed", key: "/no/such/key" },
    message: text`the key file cannot be used (${/.*Identity file \/no\/such\/key not accessible.*/})`,
    next: KEY_FILE,
  },
  {
    ...{ name: "open-key", class: "key_file", seen: "test", of: "keyed", key: "open" },
    message: text`the key file cannot be used (${/Load key "\/\S+\/open": bad permissions/})`,
    next: KEY_FILE,
  },
  {
    ...{ name: "no-sessions", class: "max_sessions", seen: "test", host: { lines: ["MaxSessions 0"] } },
    message: text`it lets this user in, but allows no session (${/.*(open failed|Session open refused).*/})`,
    next: "Raise MaxSessions in its sshd_config.",
  },
  {
    ...{ name: "forced", class: "no_shell", seen: "test" },
    host: { lines: ["ForceCommand echo only backups here"] },
    message: text`no shell answers there (only backups here)`,
    next: NO_SHELL,
  },
  {
    ...{ name: "exits", class: "no_shell", seen: "test", host: { files: { ".bashrc": "exit 3\n" } } },
    message: text`no shell answers there (it says nothing)`,
    next: NO_SHELL,
  },
  {
    ...{ name: "asks", class: "timeout", seen: "status", slow: true },
    host: { files: { ".bashrc": "read answer\n" } },
    message: text`no login within 30 s (it says nothing)`,
    next: "See that the machine is not overloaded, and that its login shell does not wait for something.",
  },
];

const OF_USERS: Case[] = [
  {
    ...{ name: "nologin", class: "nologin", seen: "test", host: { shell: "/usr/sbin/nologin" } },
    message: text`that user may not log in (This account is currently not available.)`,
    next: "Give that user a login shell there (chsh), or name another user (devbox add --user).",
  },
  {
    ...{ name: "no-shell", class: "no_shell", seen: "test", host: { shell: "/bin/false" } },
    message: text`no shell answers there (it says nothing)`,
    next: NO_SHELL,
  },
];

const INSIDE: Case[] = [
  {
    ...{ name: "bsd", class: "platform", seen: "status", host: { files: uname("FreeBSD", "amd64") } },
    message: text`FreeBSD amd64 is not a platform we run on`,
    next: "Linux and macOS on x64 and arm64 are what there are binaries for.",
  },
  {
    ...{ name: "homeless", class: "forbidden", seen: "status" },
    host: { lines: ["SetEnv HOME=/no/such/home"] },
    message: text`that user's home folder is not there (/no/such/home)`,
    next: "Make it there, and give it to that user.",
  },
  {
    ...{ name: "bare", class: "claude_missing", seen: "status", host: {} },
    message: text`there is no claude on that user's PATH`,
    next: INSTALL,
  },
  {
    ...{ name: "broken", class: "claude_missing", seen: "status" },
    host: { files: { ".local/bin/claude*": "#!/bin/sh\necho 'Cannot find cli.js' >&2; exit 1\n" } },
    message: text`${/\/\S+\/\.local\/bin\/claude/} does not run (Cannot find cli.js)`,
    next: INSTALL,
  },
  {
    ...{ name: "stranger", class: "claude_login", seen: "status" },
    host: {
      files: {
        ".local/bin/claude*": '#!/bin/sh\n[ "$1" = auth ] && echo \'{"loggedIn": false}\'; echo 2.1\n',
      },
    },
    message: text`claude is there, but nobody is logged in`,
    next: "Log in there once: ssh to it, run claude, and follow what it says.",
  },
  {
    ...{ name: "far", class: "no_binary", seen: "launch", host: { files: uname("Darwin", "x86_64") } },
    prepare: (_, program) => rmSync(program),
    message: text`it is darwin-x64, and there is no claude-remote for it here`,
    next: text`Put claude-remote-darwin-x64 beside ${/\/\S+/}, or name its folder with CLAUDE_REMOTE_BINARIES.`,
  },
  {
    ...{ name: "alien", class: "platform", seen: "launch", host: { files: claude }, prepare: alien },
    message: text`our program does not run there (${/.*(Exec format error|cannot execute).*/})`,
    next: "It is built for Linux and macOS on x64 and arm64, with glibc 2.17 or musl and libstdc++: see what is missing there.",
  },
  {
    ...{ name: "in-the-way", class: "forbidden", seen: "launch", host: { files: claude } },
    prepare: (home) => {
      rmSync(join(home, ".local/share"), { recursive: true });
      writeFileSync(join(home, ".local/share"), "");
    },
    message: text`${PROGRAM} cannot be written (mkdir: ${/.*(Not a directory|File exists)/})`,
    next: "See what stands in its place.",
  },
  {
    ...{ name: "read-only", class: "forbidden", seen: "launch", host: { ...asUser, files: claude } },
    prepare: (home) => {
      rmSync(join(home, ".local/share"), { recursive: true });
      chmodSync(join(home, ".local"), 0o555);
    },
    message: text`${PROGRAM} cannot be written (mkdir: ${/.*Permission denied/})`,
    next: "See that this user may write there.",
  },
  {
    ...{ name: "no-folder", class: "no_dir", seen: "launch", of: PLAIN, dir: "/no/such" },
    message: text`there is no folder "/no/such"`,
    next: "Name a folder that is there, and that this user may enter.",
  },
  {
    ...{ name: "closed-folder", class: "no_dir", seen: "launch", host: { ...asUser, files: claude } },
    dir: "~/closed/shop",
    prepare: (home) => mkdirSync(join(home, "closed"), { mode: 0 }),
    message: text`that user may not enter "~/closed/shop"`,
    next: "Name a folder that is there, and that this user may enter.",
  },
  {
    ...{ name: "alone", class: "tunnel", seen: "launch" },
    host: { lines: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"], files: claude },
    message: text`no way back to this server can be opened (${/remote port forwarding failed for listen port 0/})`,
    next: "Set AllowStreamLocalForwarding or AllowTcpForwarding to yes in its sshd_config, or give the server an address that it reaches (docs/https.md).",
  },
];

const OF_DISKS: Case[] = [
  {
    ...{ name: "full", class: "disk_full", seen: "launch", host: { files: claude } },
    prepare: (home) => mounted(home, "size=4m"),
    message: text`there is no room for ${PROGRAM} (${/.*No space left on device/})`,
    next: "Make room there: about 250 MB.",
  },
  {
    ...{ name: "noexec", class: "forbidden", seen: "launch", host: { files: claude }, slow: true },
    prepare: (home) => mounted(home, "size=400m,noexec"),
    message: text`our program may not be run there (${/.*Permission denied/})`,
    next: "See that the file system of ~/.local/share is not mounted noexec.",
  },
];

/** Those that a test can bring about here. */
export const CASES: Case[] = [
  ...ON_THE_WAY,
  ...AT_THE_DOOR,
  ...(mayMakeUsers ? OF_USERS : []),
  ...INSIDE,
  ...(mayMount ? OF_DISKS : []),
];

/** Takes away the disks of a test's machines. */
export function unmount(home: string) {
  Bun.spawnSync(["umount", join(home, ".local/share")], { stdio: ["ignore", "ignore", "ignore"] });
}
