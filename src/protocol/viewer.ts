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
  /** What the first answer (`pending`) gave this phone: ask again with it until the terminal has said yes. */
  claim?: string;
  /** The answer then has a `key` that every request must carry beside the cookie (x-claude-remote-key). */
  bind?: boolean;
};
