// A devbox: a machine on which a phone may start sessions, /api/devboxes.

/** `local`: the server's own machine, by that very name. */
export type DevboxKind = "local" | "ssh";
/** Why it failed there: `class` is one word of ours, `next` the one thing to do about it. */
export type DevboxError = { class: string; message: string; next: string };

/** `unreachable`: so it was when it was last tried; `error` says why. */
export type DevboxState = {
  name: string;
  kind: DevboxKind;
  /** As ssh takes it: a name, an address, or a host of ssh's own configuration. Null: this machine. */
  host: string | null;
  user: string | null;
  port: number | null;
  /** The file of the private key, where ssh's own configuration does not name it. */
  key: string | null;
  /** Where sessions begin unless told; null: the home folder. */
  dir: string | null;
  created_at: number;
  last_used: number | null;
  /** When it was reached last. */
  seen_at: number | null;
  state: "active" | "unreachable";
  error: DevboxError | null;
  /** "SHA256:…" of the host key that somebody said yes to here. */
  fingerprint: string | null;
};
