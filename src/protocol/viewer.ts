// A viewer, and how it is paired.
import type { ViewerId } from "./ids.ts";

export type Viewer = {
  id: ViewerId;
  name: string;
  /** Where it paired from. */
  address?: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};

/** POST /api/pair. `check` comes back: the two digits that the terminal shows too. */
export type PairBody = {
  code: string;
  name: string;
  /** By this the phone is known again, with which it asks until the terminal has said yes: a random one of its own, or the one of the first answer. */
  claim?: string;
  /** The answer then has a `key` that every request must carry beside the cookie (x-claude-remote-key). */
  bind?: boolean;
};
