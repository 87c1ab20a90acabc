// Who decided a question, as far as keys at the desk and the transcript tell: pure functions.
import type { Decider } from "../protocol.ts";
import type { CallEnd, HeldPrompt } from "./held-prompt.ts";

/** A key at the desk this long before an answer may have come first: claude takes some 50 ms for it, on a busy machine 1 s. */
const CONTESTED_MS = 3_000;
/** Before our own key we see the dialog stand there: only a key at the desk that claude has not read yet was sooner. */
const SEEN_MS = 1_000;
/** A question's hook reaches us this long after its dialog is drawn: a key before that was for something else. */
const DRAWN_MS = 500;

/** When somebody last pressed a key at the desk, by `performance.now()`. */
type Touched = number;

/** That key came while the question stood there, or just before it was told of. */
export const mayBeFor = ({ openedAt }: HeldPrompt, touchedAt: Touched) => touchedAt >= openedAt - DRAWN_MS;

/** Somebody may have decided at the desk before our answer came, or in the same moment. */
export const contested = ({ answer, touched, openedAt, dialog }: HeldPrompt, touchedAt: Touched) =>
  answer !== null &&
  (answer.unseen ||
    touched ||
    touchedAt >= Math.max(answer.at - (dialog ? SEEN_MS : CONTESTED_MS), openedAt - DRAWN_MS));

/** Who decided, by the transcript. A hook's decision that is not ours is that of a hook of the user's own. */
export function decider(one: HeldPrompt, { chosen, byHook }: CallEnd, touchedAt: Touched): Decider {
  if (byHook) return one.answer?.chosen === chosen ? "viewer" : "unknown";
  return one.answer && !contested(one, touchedAt) ? "viewer" : "desk";
}

/**
 * Who decided where no evidence came. claude writes a no down at once, and a yes when its tool has ended: a call that still
 * runs was approved, by one or the other. Of a call that we do not read about, as a subagent's, nothing is known.
 */
export function deciderWithoutEvidence(one: HeldPrompt): Decider {
  const runs = one.call !== null && one.answer?.chosen === "approved";
  return runs ? "viewer" : "unknown";
}
