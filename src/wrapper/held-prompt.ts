// One question of claude as the wrapper holds it: what is known of how it was asked, answered and decided.
import type { AnswerId, Prompt, WrapperMessage } from "../protocol.ts";
import type { PermissionInput } from "./claude-hooks.ts";
import type { Dialog } from "./dialogs/dialog.ts";
import { type Facts, facts } from "./facts.ts";

/** An answered dialog that claude never said it waits on counts as gone after that. */
export const SETTLE_MS = 400;

export type Chosen = "approved" | "rejected" | null;
/** How a call of a tool ended, as the transcript has it. `byHook`: a hook decided, not the desk. */
export type CallEnd = { chosen: "approved" | "rejected"; byHook: boolean };

/** How it came. `dialog`: it is answered by keys to that, not through a hook. */
export type Born = {
  prompt: Prompt;
  /** What a hook told of it; null: nothing but the screen did. */
  request: PermissionInput | null;
  dialog: Dialog | null;
  decide: (output: object | null) => void;
  /** claude said that it waits while this was open. */
  waitedOn: boolean;
};

export type HeldPrompt = Born & {
  openedAt: number;
  answer: {
    id: AnswerId;
    at: number;
    chosen: "approved" | "rejected";
    handed: boolean;
    unseen: boolean;
  } | null;
  /** The last answer that could not be given, and why. */
  refused: { id: AnswerId; reason: string } | null;
  /** claude let go of the hook: an answer would not arrive any more. */
  released: boolean;
  /** Desk and phone both acted, and the dialog is gone: evidence decides until this runs out. */
  contest: ReturnType<typeof setTimeout> | null;
  /** claude's name of the call it asks about, once the transcript has told it. */
  call: string | null;
  /** How that call ended, where that was known before we were asked. */
  evidence: CallEnd | null;
  /** Its agent had stopped before we were asked. */
  late: boolean;
  /** A key at the desk came while others were open: it may have decided this one, and claude waits for the others. */
  touched: boolean;
  ended: boolean;
  /** What is known of the desk's choice. */
  chosen: Chosen;
  /** What the server is told of it. */
  facts: Facts;
};

/** A question that was asked just now. */
export const heldPrompt = (born: Born, tell: (message: WrapperMessage) => void): HeldPrompt => ({
  ...born,
  openedAt: performance.now(),
  answer: null,
  refused: null,
  released: false,
  contest: null,
  call: null,
  evidence: null,
  late: false,
  touched: false,
  ended: false,
  chosen: null,
  facts: facts(tell),
});

/** How long ago it was asked, ms. */
export const age = ({ openedAt }: HeldPrompt) => performance.now() - openedAt;

/** It was answered so long ago that claude would say so if it still waited. */
export const settled = ({ answer }: HeldPrompt) =>
  answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;

/** It as it is told now. */
export const told = (one: HeldPrompt): WrapperMessage => ({
  type: "prompt",
  prompt: { ...one.prompt, age_ms: age(one) },
});
