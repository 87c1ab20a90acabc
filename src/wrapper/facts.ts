// What is said of one prompt, until the server has acknowledged it.
import type { PromptFact, WrapperMessage } from "../protocol.ts";

type Fact = Extract<WrapperMessage, { type: PromptFact }>;

/** A fact, and how many acknowledgements will come for its kind on this connection: the last one is this one's. */
type Unacked = { fact: Fact; due: number };

export type Facts = ReturnType<typeof facts>;

/** `tell` may lose a message: `restate` says everything again after a reconnect. */
export function facts(tell: (message: WrapperMessage) => void) {
  let unacked: Unacked[] = [];
  let last: Fact | null = null;

  function repeat() {
    for (const known of unacked) {
      known.due++;
      tell(known.fact);
    }
  }

  return {
    say(fact: Fact) {
      last = fact;
      const before = unacked.find((known) => known.fact.type === fact.type);
      unacked = [...unacked.filter((known) => known !== before), { fact, due: (before?.due ?? 0) + 1 }];
      tell(fact);
    },
    /** Says again what the server has not acknowledged, in order. */
    repeat,
    /** The same on a new connection, where no earlier acknowledgement will come. */
    restate() {
      for (const known of unacked) known.due = 0;
      repeat();
    },
    /** The server has such a fact on disk. */
    acked(type: PromptFact | "prompt") {
      for (const known of unacked) if (known.fact.type === type) known.due--;
      unacked = unacked.filter(({ due }) => due > 0);
    },
    /** It is not so after all. */
    takeBack(type: PromptFact) {
      unacked = unacked.filter(({ fact }) => fact.type !== type);
    },
    /** What the server has not acknowledged, in order. */
    unacked: () => unacked.map(({ fact }) => fact),
    /** How it ended, if the last word was that it ended otherwise than by an answer that was accepted. */
    ending: () => (last?.type === "withdrawn" || last?.type === "too_late" ? last : null),
  };
}
