// What can go wrong between here and a session on a devbox: each in one class, with the one thing to do next.

export type LaunchFailure = (typeof FAILURES)[number];
export const FAILURES = [
  ...(["refused", "timeout", "unreachable", "dns", "closed", "jump"] as const),
  ...(["auth", "too_many_keys", "key_file"] as const),
  ...([
    "host_key_unknown",
    "host_key_changed",
    "host_key_revoked",
    "algorithms",
    "config",
    "no_ssh",
  ] as const),
  ...(["nologin", "no_shell", "max_sessions", "lost"] as const),
  ...(["platform", "no_binary", "disk_full", "forbidden", "no_dir"] as const),
  ...(["claude_missing", "claude_login", "tunnel", "server", "stopped", "failed"] as const),
] as const;

/** A launch that failed: `message` says what and why, `next` the one thing to do. `fingerprint`: of a host key in question. */
export class LaunchError extends Error {
  override name = "LaunchError";
  readonly class: LaunchFailure;
  readonly next: string;
  readonly fingerprint: string | null;

  constructor(failure: LaunchFailure, message: string, next: string, fingerprint: string | null = null) {
    super(message);
    this.class = failure;
    this.next = next;
    this.fingerprint = fingerprint;
  }
}

/** What ssh said and how it ended; `out` is what came from there. */
export type SshEnd = { code: number | null; out: string; err: string };

type Rule = { class: LaunchFailure; text: RegExp; what: string; next: string };

/**
 * In this order, since one failure brings others: an unreadable key ends in "Permission denied", every failure at a jump
 * host in "Connection closed". Recorded of OpenSSH 9.2 and 10.0; ssh speaks English whatever the locale.
 */
const RULES: Rule[] = [
  {
    class: "host_key_changed",
    text: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    what: "its host key is not the one known here: another machine answers, or it was set up anew",
    next: "Compare the fingerprint with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there); only if it is right, forget the old key with ssh-keygen -R.",
  },
  {
    class: "host_key_revoked",
    text: /REVOKED HOST KEY DETECTED|was revoked and you have requested/,
    what: "its host key is marked as revoked",
    next: "Do not connect; ask whoever looks after that machine.",
  },
  {
    class: "algorithms",
    text: /Unable to negotiate with [^\n]*/,
    what: "the two ends have no algorithm in common",
    next: "Update sshd there, or allow the algorithm for that host in your ~/.ssh/config.",
  },
  {
    class: "config",
    text: /[^\n]*(: line \d+: (Bad configuration option|[^\n]*argument)|Can't open user config file|Bad owner or permissions on|terminating, \d+ bad configuration)[^\n]*/,
    what: "your ssh configuration cannot be used",
    next: "Mend the line that ssh names.",
  },
  {
    class: "dns",
    text: /Could not resolve hostname [^\n]*/,
    what: "there is no such host",
    next: "See that the name is right, and that the network (or VPN) that knows it is up.",
  },
  {
    class: "refused",
    text: /connect to host [^\n]*: Connection refused/,
    what: "the machine is there, but nothing answers on that port",
    next: "See that sshd runs there and that the port is right (devbox add --port).",
  },
  {
    class: "unreachable",
    text: /(connect to host [^\n]*: (No route to host|Network is unreachable|Permission denied|Host is down|Operation not permitted))/,
    what: "no way leads there from this network",
    next: "See that both machines are on, and that the network or VPN between them is up.",
  },
  {
    class: "timeout",
    text: /connect to host [^\n]*: (Connection|Operation) timed out|timed out during banner exchange|Connection to [^\n]* timed out/,
    what: "it does not answer",
    next: "See that the machine is on, and that no firewall drops the connection.",
  },
  {
    class: "key_file",
    text: /Identity file [^\n]* not accessible[^\n]*|Permissions \d+ for [^\n]* are too open|Load key "[^\n]*": (bad permissions|[^\n]*)/,
    what: "the key file cannot be used",
    next: "Name the right file (devbox add --key), and see that only you may read it: chmod 600.",
  },
  {
    class: "too_many_keys",
    text: /Too many authentication failures/,
    what: "your agent offered more keys than it takes",
    next: "Name the one key: devbox add --key FILE, or IdentitiesOnly in your ~/.ssh/config.",
  },
  {
    class: "auth",
    text: /Permission denied \([^\n]*|Permission denied, please try again|No supported authentication methods/,
    what: "it does not let this user in",
    next: "See that the user is right, that your public key is in ~/.ssh/authorized_keys there, and that a key with a passphrase is in your agent (ssh-add).",
  },
  {
    class: "host_key_unknown",
    text: /Host key verification failed|No \w+ host key is known for/,
    what: "its host key is not known here",
    next: "Compare the fingerprint with the machine's own, then say yes to it: claude-remote devbox add shows it.",
  },
  {
    class: "max_sessions",
    text: /Session open refused by peer|open failed: administratively prohibited/,
    what: "it allows no further session on this connection",
    next: "Raise MaxSessions in its sshd_config.",
  },
  {
    class: "lost",
    text: /Timeout, server [^\n]* not responding|closed by remote host\.\s*$|send disconnect: Broken pipe|client_loop:|mux_client_read_packet|Broken pipe|Connection to [^\n]* closed by remote/,
    what: "the connection was lost",
    next: "Try again when the network is back; what runs there goes on.",
  },
  {
    class: "jump",
    text: /stdio forwarding failed|UNKNOWN port 65535/,
    what: "the way over another host fails",
    next: "Try the jump host by itself with ssh; the line above says what it answered.",
  },
  {
    class: "closed",
    text: /kex_exchange_identification|Connection (closed|reset) by|Connection reset by peer|banner line contains invalid|Invalid SSH/i,
    what: "it closes the connection at once",
    next: "After several refused logins sshd bans an address for some minutes: wait, do not try again. Else see that it is sshd that listens on that port.",
  },
];

const NOLOGIN = /account is currently not available|This account is|nologin/i;
/** Of what others say, the last lines are told, and no control character of theirs. */
const SAID_CHARS = 400;

/** The last of a text, on one line, fit for a terminal. */
export const saidBy = (text: string) =>
  text.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?").trim().slice(-SAID_CHARS);

/** Why ssh ended before our script began. `name` is the devbox's. */
export function connectError(name: string, { code, out, err }: SshEnd): LaunchError {
  const rule = RULES.find(({ text }) => text.test(err));
  if (rule)
    return new LaunchError(rule.class, `${name}: ${rule.what} (${lineOf(err, rule.text)})`, rule.next);
  if (NOLOGIN.test(`${out} ${err}`) || (code === 1 && out !== "" && err === "")) {
    const next = "Give that user a login shell there (chsh), or name another user (devbox add --user).";
    return new LaunchError("nologin", `${name}: that user may not log in (${saidBy(out || err)})`, next);
  }
  if (code === 255)
    return new LaunchError(
      "lost",
      `${name}: ssh ended (${saidBy(err) || "without a word"})`,
      "Try again; ssh -v says more.",
    );
  const next = "See that sshd there forces no other command for this key, and that /bin/sh is there.";
  return new LaunchError(
    "no_shell",
    `${name}: no shell answers there (${saidBy(out || err) || "it says nothing"})`,
    next,
  );
}

/** Why what ran there ended without a word: killed, or cut off. */
export function lostError(name: string, { code, err }: SshEnd): LaunchError {
  const rule = RULES.find(({ text }) => text.test(err));
  if (rule) return connectError(name, { code, out: "", err });
  const what =
    code === 255 ? "the connection was lost, or what ran there was killed" : `it ended with ${code}`;
  return new LaunchError("lost", `${name}: ${what}${err ? ` (${saidBy(err)})` : ""}`, "Try again.");
}

function lineOf(err: string, text: RegExp): string {
  const line = err.split("\n").find((one) => text.test(one));
  return saidBy(line ?? err);
}
