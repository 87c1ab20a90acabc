// Phones that were paired while this page was open and that nobody here has approved of yet.
import type { Viewer } from "../src/protocol.ts";

/** Before any list was known, a phone that was paired within this is new, ms. */
const FRESH_MS = 60_000;

export function newViewers() {
  let fresh: Viewer[] = [];
  let known: Set<string> | null = null;
  /** Who let a phone in may know of it before all are told. */
  const approved = new Set<string>();
  return {
    get viewers(): readonly Viewer[] {
      return fresh;
    },
    /** All that there are now; `self` is this one's own id. */
    meet(all: readonly Viewer[], self: string | null, now: number) {
      const before = known;
      const isFresh = ({ id, created_at }: Viewer) =>
        before ? !before.has(id) : now - created_at < FRESH_MS;
      const isOwn = ({ id }: Viewer) => id === self || approved.has(id);
      fresh = [...fresh, ...all.filter((viewer) => isFresh(viewer) && !isOwn(viewer))];
      fresh = fresh.filter(({ id }) => all.some((v) => v.id === id && v.revoked_at === null));
      known = new Set(all.map(({ id }) => id));
    },
    /** The owner knows this phone. */
    approveOf({ id: its }: Viewer) {
      approved.add(its);
      fresh = fresh.filter(({ id }) => id !== its);
    },
  };
}
