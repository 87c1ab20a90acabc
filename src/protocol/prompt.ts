// A prompt: as the wrapper holds it, as viewers see it, and what they answer.
import type { AnswerId, Digest, OptionId, PromptId, SessionId } from "./ids.ts";
import type { Json } from "./json.ts";

/**
 * `permission`: may this tool run? `question`: claude asks (AskUserQuestion). `plan`: may this plan be carried out?
 * `dialog`: what no hook told of; `input.text` is what stands on claude's screen, and the answer is given by keys.
 */
export type PromptKind = "permission" | "question" | "plan" | "dialog";

export type Option = {
  id: OptionId;
  label: string;
  effect: "approve" | "approve_always" | "reject" | "answer";
  /** For `approve_always`: what will be allowed and where that is saved, written out. */
  scope?: string;
  /** A text may, or must, go with it. */
  text?: "optional" | "required";
};

/** One question of AskUserQuestion, as claude asks it. */
export type Question = {
  question: string;
  header: string;
  multi_select: boolean;
  options: { label: string; description: string; preview?: string }[];
};

/** A question claude is stopped on, as the wrapper holds it. Open until it is answered or withdrawn, either of which happens once. */
export type Prompt = {
  id: PromptId;
  kind: PromptKind;
  /** claude's tool name. */
  tool: string;
  /** The tool's input, exactly as claude's hook gave it. */
  input: Json;
  /** One line that says what would happen: the command, the path, the question. */
  prompt_text: string;
  /** The session's directory at that moment. */
  cwd: string;
  /** The subagent that asks, or null for the main conversation. */
  agent: string | null;
  /** Edits: the file before and after, where the wrapper could read it. */
  diff: { path: string; before: string; after: string } | null;
  questions: Question[] | null;
  options: Option[];
  digest: Digest;
  /** How long before that somebody pressed a key at the desk, ms; absent: nobody did. */
  desk_idle_ms?: number;
  /** How long it has been open, ms. */
  age_ms: number;
};

export type Decider = "viewer" | "desk" | "claude" | "exited" | "unknown";

/**
 * open → answered → delivered → accepted | too_late; open → withdrawn; answered or delivered → open (`not_applied`). Derived from the times below, never stored.
 */
export type PromptStage = "open" | "answered" | "delivered" | "accepted" | "too_late" | "withdrawn";

/** What the winner answered. `answers` is for questions: question text → chosen label(s) joined by ", " or free text. */
export type Answer = { option: OptionId; text?: string; answers?: Record<string, string> };

/** A prompt as viewers see it. */
export type PromptState = Omit<Prompt, "age_ms"> & {
  session_id: SessionId;
  created_at: number;
  stage: PromptStage;
  response: Answer | null;
  answer_id: AnswerId | null;
  responded_at: number | null;
  /** The viewer's name. */
  responded_by: string | null;
  delivered_at: number | null;
  withdrawn_at: number | null;
  withdrawn_by: Decider | null;
  /** What is known of the end: `accepted`, `too_late`, or what the desk chose (`approved`, `rejected`), or null. */
  outcome: "accepted" | "too_late" | "approved" | "rejected" | null;
  outcome_at: number | null;
};

/** POST /api/prompts/:id/approve, reject and answer. */
export type ApproveBody = { digest: Digest; answer_id: AnswerId; option?: OptionId };
export type RejectBody = { digest: Digest; answer_id: AnswerId; message?: string };
export type AnswerBody = {
  digest: Digest;
  answer_id: AnswerId;
  option: OptionId;
  text?: string;
  answers?: Record<string, string>;
};
