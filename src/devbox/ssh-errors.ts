// What can go wrong between here and a session on a devbox: each in one class, with what to do next.

export type LaunchFailure =
  | "refused"
  | "timeout"
  | "unreachable"
  | "dns"
  | "closed"
  | "auth"
  | "too_many_keys"
  | "key_file"
  | "host_key_unknown"
  | "host_key_changed"
  | "host_key_revoked"
  | "algorithms"
  | "config"
  | "no_ssh"
  | "nologin"
  | "no_shell"
  | "max_sessions"
  | "lost"
  | "platform"
  | "no_binary"
  | "disk_full"
  | "forbidden"
  | "no_dir"
  | "claude_missing"
  | "claude_login"
  | "tunnel"
  | "server"
  | "failed";

/** A launch that failed: `message` says what and why, `next` the one thing to do. `fingerprint`: of an unknown host key. */
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
