// A question of a claude's, and what became of it: the truth that everything else is measured against.
import type { PromptId } from "../../protocol.ts";

export type Chosen = "approved" | "rejected";
export type Decision = {
  by: "hook" | "desk" | "exited";
  chosen: Chosen | null;
  output: object | null;
  at: number;
};
/** One question of claude's, and what became of it. */
export type Question = {
  call: string;
  /** What the wrapper made of it; null before, and where it made nothing of it. */
  prompt: PromptId | null;
  tool: string;
  input: Record<string, unknown>;
  agent: string | null;
  turn: string;
  askedAt: number;
  /** Its dialog is on the screen, or would be if no other were before it. */
  shown: boolean;
  decision: Decision | null;
  /** Keys pressed at the desk, or from a phone, while it was shown. */
  keys: number[];
  /** When the wrapper was asked about it, and when it read in the transcript how it ended. */
  openedAt: number | null;
  evidenceAt: number | null;
  /** When it read there that claude makes this call. */
  calledAt: number | null;
  hook: "running" | "answered" | "gone";
  /** It was approved, and somebody at the desk stopped it while it ran. */
  stopped: boolean;
  decided: PromiseWithResolvers<Decision>;
};

/** What is asked about. */
export type Asked = Pick<Question, "call" | "tool" | "input" | "agent" | "turn">;

/** A call of which nobody has been asked yet. */
export const newQuestion = (asked: Asked): Question => ({
  ...asked,
  ...{ prompt: null, askedAt: 0, shown: false, decision: null, keys: [] },
  ...{ openedAt: null, evidenceAt: null, calledAt: null, hook: "running", stopped: false },
  decided: Promise.withResolvers(),
});

/** Few, so that the same question comes again. */
export const COMMANDS = ["npm test", "ls", "rm -r build"] as const;
const option = (label: string) => ({ label, description: label });
export const CHOICE = {
  questions: [{ question: "Which?", header: "W", options: [option("a"), option("b")] }],
};

/** What a hook's answer decides. */
export function chosenBy(output: object): Chosen {
  return JSON.stringify(output).includes('"behavior":"allow"') ? "approved" : "rejected";
}
