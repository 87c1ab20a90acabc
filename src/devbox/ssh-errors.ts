// What can go wrong between here and a session on a devbox: each in one class, with the one thing to do next.

export type LaunchFailure = (typeof FAILURES)[number];
/** These say that nothing of the devbox can be reached. Any other is of a machine that is there. */
export const OUT_OF_REACH = [
  ...(["refused", "timeout", "unreachable", "dns", "closed", "jump"] as const),
  ...(["auth", "too_many_keys", "key_file"] as const),
  ...(["host_key_unknown", "host_key_changed", "host_key_revoked"] as const),
  ...(["algorithms", "config", "no_ssh"] as const),
  ...(["nologin", "no_shell", "max_sessions", "lost"] as const),
] as const;
export const FAILURES = [
  ...OUT_OF_REACH,
  ...(["platform", "no_binary", "disk_full", "forbidden", "no_dir"] as const),
  ...(["claude_missing", "claude_login", "tunnel", "server", "stopped", "failed"] as const),
] as const;

/** sshd keeps count of these, and bans who comes again and again: only a person tries again, never a timer or a letter typed. */
export const REFUSALS: ReadonlySet<string> = new Set<LaunchFailure>([
  ...(["auth", "too_many_keys", "key_file"] as const),
  ...(["host_key_unknown", "host_key_changed", "host_key_revoked"] as const),
]);

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

/** What ssh says beside the reason where a jump host, or a ProxyCommand, is in the way. */
const OVER_ANOTHER = /stdio forwarding failed|UNKNOWN port 65535/;
const MEND_IT_FIRST = "Make ssh to that host work by itself first, as the same user on the same machine.";

/** `says`: the line to quote, if not the one that `text` finds. `only`: what has to be said as well. */
type Rule = {
  class: LaunchFailure;
  text: RegExp;
  says?: RegExp | "all";
  only?: RegExp;
  what: string;
  next: string;
};

/**
 * In this order, since one failure brings others: an unreadable key ends in "Permission denied", every failure at a jump
 * host in "Connection closed". Recorded of OpenSSH 9.2 and 10.0; ssh speaks English whatever the locale.
 */
const RULES: Rule[] = [
  {
    class: "host_key_changed",
    text: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    says: /Offending \w+ key in/,
    what: "its host key is not the one known here: another machine answers, or it was set up anew",
    next: "Compare the fingerprint with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there); only if it is right, take out the line with the old key, which is named.",
  },
  {
    class: "host_key_revoked",
    text: /REVOKED HOST KEY DETECTED|was revoked and you have requested/,
    says: /is marked as revoked/,
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
    next: "See that sshd runs there, and that the port is right; for another port, add the devbox anew.",
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
    text: /Identity file [^\n]* not accessible[^\n]*|Permissions \d+ for [^\n]* are too open|Load key "[^\n]*": [^\n]*/,
    says: /Identity file|Load key/,
    only: /Permission denied \(|Too many authentication/,
    what: "the key file cannot be used",
    next: "Name the right file (devbox add --key), and see that only you may read it: chmod 600.",
  },
  {
    class: "too_many_keys",
    text: /Too many authentication failures/,
    what: "more keys were offered than it tries",
    next: "Name the one key: devbox add --key FILE, and IdentitiesOnly yes for that host in your ~/.ssh/config.",
  },
  {
    class: "auth",
    text: /Permission denied \((?![^)]*publickey)[^\n]*/,
    what: "it lets nobody in by a key",
    next: "Allow keys there (PubkeyAuthentication in its sshd_config) and put yours into ~/.ssh/authorized_keys; claude-remote ssh at a terminal can be told a password, where the devbox reaches the server by itself.",
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
    next: "Compare the fingerprint with the machine's own, then say yes to it: at a terminal claude-remote ssh asks, on the page Test.",
  },
  {
    class: "jump",
    text: OVER_ANOTHER,
    says: "all",
    what: "the way over another host fails",
    next: MEND_IT_FIRST,
  },
  {
    class: "max_sessions",
    text: /Session open refused by peer|channel \d+: open failed/,
    what: "it lets this user in, but allows no session",
    next: "Raise MaxSessions in its sshd_config.",
  },
  {
    class: "lost",
    text: /Timeout, server [^\n]* not responding|closed by remote host\.\s*$|send disconnect: Broken pipe|client_loop:|mux_client_read_packet|Broken pipe|Connection to [^\n]* closed by remote/,
    what: "the connection was lost",
    next: "Try again when the network is back; what runs there goes on.",
  },
  {
    class: "closed",
    text: /kex_exchange_identification|Connection (closed|reset) by|Connection reset by peer|banner line contains invalid|Invalid SSH/i,
    what: "it closes the connection at once",
    next: "It may be full, or have banned this address after refused logins: wait some minutes, then try once. Else see that it is sshd that listens on that port.",
  },
];

const NOLOGIN = /account is currently not available|nologin/i;
/** Of what others say, the last lines are told, and no control character of theirs. */
const SAID_CHARS = 400;

/** The last of a text, on one line, fit for a terminal. */
export const saidBy = (text: string) =>
  text.replaceAll(/\s+/g, " ").replaceAll(/\p{C}/gu, "?").trim().slice(-SAID_CHARS);

/** Why ssh ended before our script began. `name` is the devbox's. */
export function connectError(name: string, { code, out, err }: SshEnd): LaunchError {
  const rule = ruleOf(err);
  if (rule) return told(name, rule, err);
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
  const next =
    "See that sshd there forces no other command for this key, that /bin/sh is there, and that no start-up file (.bashrc …) ends the shell.";
  return new LaunchError(
    "no_shell",
    `${name}: no shell answers there (${saidBy(out || err) || "it says nothing"})`,
    next,
  );
}

/** Why what ran there ended without a word: killed, or cut off. */
export function lostError(name: string, { code, err }: SshEnd): LaunchError {
  const rule = ruleOf(err);
  if (rule) return told(name, rule, err);
  const what =
    code === 255 ? "the connection was lost, or what ran there was killed" : `it ended with ${code}`;
  return new LaunchError("lost", `${name}: ${what}${err ? ` (${saidBy(err)})` : ""}`, "Try again.");
}

const ruleOf = (err: string) =>
  RULES.find(({ text, only }) => text.test(err) && (only === undefined || only.test(err)));

/** A failure at a host on the way is that one's, and mended there. */
function told(
  name: string,
  { class: failure, text, says = text, what, next }: Rule,
  err: string,
): LaunchError {
  const said = (says === "all" ? saidBy(err) : lineOf(err, says)).replace(/\.$/, ""); // It stands in brackets.
  if (failure === "jump" || !OVER_ANOTHER.test(err))
    return new LaunchError(failure, `${name}: ${what} (${said})`, next);
  return new LaunchError(failure, `${name}: at a host on the way there, ${what} (${said})`, MEND_IT_FIRST);
}

function lineOf(err: string, text: RegExp): string {
  const line = err.split("\n").find((one) => text.test(one));
  return saidBy(line ?? err);
}
