// Answers on their way: one attempt a prompt, sent again with the same id until its end is known. No DOM.
import {
  type Answer,
  type AnswerId,
  CONFIRM_WITHIN_MS,
  type Decider,
  type Option,
  type PromptId,
  type PromptState,
  type Session,
} from "../src/protocol.ts";
import { ApiFailure, post, promptIn } from "./api.ts";
import { newId } from "./ids.ts";
import { isOver, type Model } from "./model.ts";
import { hostOf } from "./session-words.ts";
import { clockTime } from "./times.ts";

export type Attempt = {
  id: AnswerId;
  prompt: PromptId;
  option: Option;
  path: string;
  body: object;
  /** When it was sent last, by the page's clock. */
  at: number;
  sending: boolean;
  /** Why it may not have arrived; the same answer can be sent again. */
  problem: string | null;
  /** Why it cannot be given at all. */
  refused: string | null;
  /** What the server replied, which may overtake what its stream tells. */
  reply: PromptState | null;
  /** The stream has told that it is the prompt's answer: if it then tells that the prompt is open, that came after. */
  taken: boolean;
};

/** What a card shows in the place of its buttons, or why they are disabled. */
export type CardStatus =
  /** `undone`: an answer given here could not be given to claude. */
  | { kind: "ready"; undone: boolean }
  | { kind: "blocked"; reason: string }
  | { kind: "progress"; stage: "sending" | "sent" | "delivered" }
  | { kind: "unconfirmed"; reason: string }
  | { kind: "accepted"; text: string }
  | { kind: "over"; text: string };

/** The attempts of this page. `send` and `retry` never throw: what went wrong is in the attempt. */
export function createAnswers(model: Model, clock: () => number = Date.now) {
  const attempts = new Map<PromptId, Attempt>();
  /** Prompts that are open as before, since the answer given here could not be given. */
  const undone = new Set<PromptId>();

  model.subscribe(() => {
    for (const attempt of attempts.values()) {
      const prompt = model.prompt(attempt.prompt);
      if (prompt?.answer_id === attempt.id && prompt !== attempt.reply) attempt.taken = true;
      if (!attempt.taken || prompt?.stage !== "open") continue;
      attempts.delete(attempt.prompt);
      undone.add(attempt.prompt);
    }
  });

  async function deliver(attempt: Attempt) {
    Object.assign(attempt, { at: clock(), sending: true, problem: null });
    model.changed();
    // The ten seconds pass without an event of the server's.
    setTimeout(model.changed, CONFIRM_WITHIN_MS + 50);
    try {
      const prompt = promptIn(await post(attempt.path, attempt.body));
      // Of an answer that is over by now it tells what was.
      if (!prompt || attempts.get(attempt.prompt) !== attempt) return;
      attempt.reply = prompt;
      model.replied(prompt);
    } catch (error) {
      failed(attempt, error);
    } finally {
      attempt.sending = false;
      model.changed();
    }
  }

  function failed(attempt: Attempt, error: unknown) {
    if (!(error instanceof ApiFailure)) throw error;
    // Nobody refused it: once this browser is paired again, all can be chosen.
    if (error.code === "unauthorized") attempts.delete(attempt.prompt);
    if (error.winner) model.replied(error.winner);
    if (error.retryable) attempt.problem = error.message;
    else if (!error.winner) attempt.refused = error.message;
  }

  return {
    of: (prompt: PromptId) => attempts.get(prompt) ?? null,
    /** Whether the last answer to it could not be given, so that it is open as before. */
    undone: (prompt: PromptId) => undone.has(prompt),

    /** Answers with one option; a second answer to the same prompt is not made. */
    send(
      prompt: PromptState,
      option: Option,
      given: { text?: string; answers?: Record<string, string> } = {},
    ) {
      if (attempts.has(prompt.id)) return;
      const id = newId() as AnswerId;
      const { path, body } = requestFor(prompt, option, id, given);
      const attempt = {
        id,
        prompt: prompt.id,
        option,
        path,
        body,
        at: 0,
        sending: true,
        problem: null,
        refused: null,
        reply: null,
        taken: false,
      };
      undone.delete(prompt.id);
      attempts.set(prompt.id, attempt);
      deliver(attempt);
    },

    /** The same answer again, with the same id: it counts once. */
    retry(prompt: PromptId) {
      const attempt = attempts.get(prompt);
      if (attempt && !attempt.sending) deliver(attempt);
    },

    /** The prompt is another one now; what was said to the old one does not count. */
    forget(prompt: PromptId) {
      attempts.delete(prompt);
      undone.delete(prompt);
    },
  };
}

export type Answers = ReturnType<typeof createAnswers>;

/** Path and body of the call that gives this answer. The option is always named: identity, not position. */
export function requestFor(
  prompt: PromptState,
  option: Option,
  answer_id: AnswerId,
  { text, answers }: { text?: string; answers?: Record<string, string> },
) {
  const base = `/api/prompts/${encodeURIComponent(prompt.id)}`;
  const body = { digest: prompt.digest, answer_id };
  switch (option.effect) {
    case "approve":
    case "approve_always":
      return { path: `${base}/approve`, body: { ...body, option: option.id } };
    case "reject":
      return { path: `${base}/reject`, body: { ...body, ...(text && { message: text }) } };
    case "answer":
      return {
        path: `${base}/answer`,
        body: { ...body, option: option.id, ...(text && { text }), ...(answers && { answers }) },
      };
  }
}

/** Everything a card needs to know of the world around its prompt. */
export type Around = {
  /** The server still speaks of it. */
  known: boolean;
  session: Session | null;
  attempt: Attempt | null;
  undone: boolean;
  /** The server's time; of the last word heard from it. */
  now: number;
  asOf: number;
  stale: boolean;
  offline: boolean;
  clock: number;
};

export function cardStatus(prompt: PromptState, around: Around): CardStatus {
  const { attempt, now } = around;
  if (prompt.stage === "accepted") {
    return { kind: "accepted", text: `Claude accepted ${clockTime(prompt.outcome_at ?? now, now)}` };
  }
  if (isOver(prompt)) return { kind: "over", text: endOf(prompt, now) };
  if (!around.known) return { kind: "over", text: "No longer open." };
  const ours = attempt !== null && (prompt.answer_id === null || prompt.answer_id === attempt.id);
  if (prompt.stage !== "open" && !ours) return { kind: "over", text: answeredText(prompt, now) };
  if (!attempt) return blocked(around);
  if (attempt.refused) return { kind: "over", text: attempt.refused };
  return progress(prompt, attempt, around);
}

function progress(prompt: PromptState, attempt: Attempt, { clock, session }: Around): CardStatus {
  const host = session ? hostOf(session) : "the host";
  if (attempt.problem && prompt.stage === "open") return { kind: "unconfirmed", reason: attempt.problem };
  if (clock - attempt.at >= CONFIRM_WITHIN_MS) {
    return { kind: "unconfirmed", reason: `The prompt is still open on ${host}.` };
  }
  if (prompt.stage === "delivered") return { kind: "progress", stage: "delivered" };
  return { kind: "progress", stage: prompt.stage === "answered" ? "sent" : "sending" };
}

function blocked({ session, now, asOf, stale, offline, undone }: Around): CardStatus {
  const at = (time: number) => clockTime(time, now);
  const because = (reason: string): CardStatus => ({ kind: "blocked", reason });
  if (stale) return because(`No contact with the server since ${at(asOf)}.`);
  if (offline) return because("This phone is offline.");
  if (!session) return because("Its session is not known any more.");
  if (session.ended_at !== null) return because(`Its session ended ${at(session.ended_at)}.`);
  if (!session.connected)
    return because(`${hostOf(session)} has been unreachable since ${at(session.heard_at)}.`);
  if (session.status === "suspended") return because("Claude is suspended at the desk (Ctrl-Z).");
  return { kind: "ready", undone };
}

/** How a prompt ended that our answer did not close. */
function endOf(prompt: PromptState, now: number): string {
  const at = clockTime(prompt.withdrawn_at ?? prompt.outcome_at ?? prompt.responded_at ?? now, now);
  const how =
    prompt.outcome === "approved" || prompt.outcome === "rejected" ? ` (${HOW[prompt.outcome]})` : "";
  const late = prompt.stage === "too_late" ? "Too late: " : "";
  const text = WHO[prompt.withdrawn_by ?? "unknown"].replace("…", `${at}${how}`);
  return late ? late + text.charAt(0).toLowerCase() + text.slice(1) : text;
}

const HOW = { approved: "approved", rejected: "denied" };
const WHO: Record<Decider, string> = {
  desk: "Answered at the desk …",
  viewer: "Answered on another phone …",
  claude: "Claude took the question back …",
  exited: "Claude exited …",
  unknown: "No longer open since …",
};

function answeredText(prompt: PromptState, now: number): string {
  const where = prompt.responded_by ? `on ${prompt.responded_by}` : "elsewhere";
  return `Answered ${where} ${clockTime(prompt.responded_at ?? now, now)} (${answerWord(prompt, prompt.response)})`;
}

function answerWord(prompt: PromptState, answer: Answer | null): string {
  switch (prompt.options.find(({ id }) => id === answer?.option)?.effect) {
    case "approve":
      return "approved";
    case "approve_always":
      return "approved, always";
    case "reject":
      return "denied";
    default:
      return "answered";
  }
}
