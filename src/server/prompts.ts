// The life of a prompt on the server: opened by its wrapper, answered once, told until it arrived, ended by evidence.
import type {
  Answer,
  AnswerBody,
  AnswerId,
  ApproveBody,
  Digest,
  Option,
  Prompt,
  PromptState,
  RejectBody,
  SessionId,
} from "../protocol.ts";
import { type By, tried } from "./audit.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import type { Tell } from "./events.ts";
import type { Note } from "./notes.ts";
import type { Sessions } from "./sessions.ts";
import type { PromptFactMessage } from "./store/prompt-table.ts";
import type { Store } from "./store.ts";

type Given = { digest: Digest; answer_id: AnswerId };
/** A viewer, and what it wants: `wished` as it was sent, for the audit. */
type Wish = { by: Exclude<By, "owner">; wished: Record<string, unknown> };

export class Prompts {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  readonly #tell: Tell;
  readonly #note: Note;

  constructor(store: Store, note: Note, clock: Clock, sessions: Sessions, tell: Tell) {
    this.#store = store;
    this.#note = note;
    this.#clock = clock;
    this.#sessions = sessions;
    this.#tell = tell;
  }

  /** A wrapper's prompt is open. False: it is another session's, or there are too many. */
  opened(session: SessionId, prompt: Prompt): boolean {
    const opened = this.#store.prompts.open(session, prompt, this.#clock.now());
    if (opened?.news) this.#tell(`prompt ${prompt.id}`, "prompt", { prompt: opened.prompt });
    return opened !== null;
  }

  /** A wrapper says what became of one. False: it is another session's. One that was forgotten is no news. */
  fact(session: SessionId, fact: PromptFactMessage): boolean {
    const known = this.#store.prompts.get(fact.prompt);
    if (known && known.session_id !== session) return false;
    const prompt = known && this.#store.prompts.fact(fact, this.#clock.now());
    if (prompt) this.#tell(`prompt ${prompt.id}`, "prompt_response", { prompt });
    return true;
  }

  /** Approves: with the named option, or with the plain one. */
  approve(id: string, { option, ...given }: ApproveBody, by: Exclude<By, "owner">): PromptState {
    return this.#answer(id, given, { by, wished: { option: option ?? "approve" } }, ({ options }) => {
      const offered = options.filter(({ effect }) => effect.startsWith("approve"));
      if (option) return { option: wanted(offered.find((one) => one.id === option)).id };
      return { option: plainOne("approve", offered.filter(isPlain)).id };
    });
  }

  /** Rejects, with a message to claude where one is given. */
  reject(id: string, { message, ...given }: RejectBody, by: Exclude<By, "owner">): PromptState {
    const wished = { option: "reject", ...(message === undefined ? {} : { text: message }) };
    return this.#answer(id, given, { by, wished }, ({ options }) => {
      const offered = options.filter(({ effect }) => effect === "reject");
      if (!message) return { option: plainOne("reject", offered.filter(isPlain)).id };
      const able = offered.filter(({ text }) => text !== undefined);
      return { option: plainOne("reject", able).id, text: message };
    });
  }

  /** Answers with any option that is offered. */
  answer(id: string, body: AnswerBody, by: Exclude<By, "owner">): PromptState {
    const { digest, answer_id, ...wished } = body;
    const { option, text, answers } = wished;
    return this.#answer(id, { digest, answer_id }, { by, wished }, ({ options }) => {
      const chosen = wanted(options.find((one) => one.id === option));
      if (text !== undefined && chosen.text === undefined)
        throw new ApiError("invalid", "text: not with this option");
      if (text === undefined && chosen.text === "required")
        throw new ApiError("invalid", "text: is needed here");
      return {
        option,
        ...(text === undefined ? {} : { text }),
        ...(answers === undefined ? {} : { answers }),
      };
    });
  }

  /** Says every answer that did not arrive yet to the wrapper of that session. */
  repeat(session: SessionId): void {
    for (const prompt of this.#store.prompts.undelivered(session)) this.#deliver(prompt);
  }

  #deliver({ id, session_id, digest, answer_id, response }: PromptState) {
    if (!answer_id || !response) return;
    const uplink = this.#sessions.uplink(session_id);
    uplink?.tell({ type: "answer", prompt: id, digest, answer_id, answer: response });
  }

  /** What is refused is written down too, and why. The same answer again is the same result, and nothing new. */
  #answer(id: string, given: Given, wish: Wish, choose: (prompt: PromptState) => Answer): PromptState {
    const prompt = this.#store.prompts.get(id);
    try {
      return this.#decide(prompt, given, wish, choose);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const detail = { why: error.code, stage: prompt?.stage ?? null, ...given, ...tried(wish.wished) };
      const session = prompt?.session_id ?? null;
      this.#note({ ...wish.by, session, action: "answer refused", subject: id, detail });
      throw error;
    }
  }

  #decide(
    prompt: PromptState | null,
    given: Given,
    { by }: Wish,
    choose: (prompt: PromptState) => Answer,
  ): PromptState {
    if (!prompt) throw new ApiError("not_found", "There is no such prompt.");
    if (prompt.stage !== "open" || prompt.digest !== given.digest) return outcome(prompt, given);
    const answer = choose(prompt);
    this.#reach(prompt.session_id);
    const result = this.#store.prompts.answer({ prompt: prompt.id, ...given, answer }, by, this.#clock.now());
    if (!result.applied) return outcome(result.prompt, given);
    this.#tell(`prompt ${prompt.id}`, "prompt_response", { prompt: result.prompt });
    this.#deliver(result.prompt);
    return result.prompt;
  }

  #reach(session: SessionId) {
    this.#sessions.reach(session);
    if (this.#sessions.get(session).status !== "suspended") return;
    throw new ApiError(
      "unreachable",
      "claude is suspended at its terminal (Ctrl-Z); `fg` there brings it back.",
    );
  }
}

/** What an answer that was not applied now meets: its own earlier success, or the reason. */
function outcome(prompt: PromptState, { answer_id, digest }: Given): PromptState {
  if (prompt.answer_id === answer_id && prompt.digest === digest) return prompt;
  if (prompt.responded_at !== null) {
    throw new ApiError("answered", `${prompt.responded_by} has answered this already.`, prompt);
  }
  if (prompt.withdrawn_at !== null) throw new ApiError("gone", "This question is not open any more.", prompt);
  if (!digest) throw new ApiError("changed", "Name the `digest` of what was shown.", prompt);
  throw new ApiError("changed", "This prompt changed since it was shown. Look at it again.", prompt);
}

const isPlain = ({ effect, text }: Option) => effect !== "approve_always" && text !== "required";

/** The option of that name, or the only one there is; never merely the first. */
function plainOne(name: string, offered: Option[]): Option {
  return wanted(offered.find(({ id }) => id === name) ?? (offered.length === 1 ? offered[0] : undefined));
}

function wanted(option: Option | undefined): Option {
  if (!option) throw new ApiError("invalid", "option: this prompt does not offer that");
  return option;
}
