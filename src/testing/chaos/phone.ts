// A phone without a browser: the page's own model, its own requests and its own rules for trying again.

import { requestFor } from "../../../public/answers.ts";
import { ApiFailure } from "../../../public/api.ts";
import { createModel, isOver } from "../../../public/model.ts";
import { eventParser } from "../../../public/sse.ts";
import {
  type AnswerId,
  CONFIRM_WITHIN_MS,
  type ErrorBody,
  type PromptId,
  type PromptState,
  type ViewerEvents,
} from "../../protocol.ts";

/** As the page does: waits before each new try of the event stream, ms, and how long a request may take. */
const BACK_OFF_MS = [250, 500, 1_000, 2_000];
const TIMEOUT_MS = 10_000;
/** A person sees "not confirmed" and taps again. */
const TAP_AGAIN_MS = 400;
const LOOK_MS = 10;

export type Verb = "approve" | "reject";
/** What one phone said about one prompt, and what it was told. */
export type Said = {
  phone: string;
  verb: Verb;
  message: string | null;
  answerId: AnswerId;
  /** Times the request was sent. */
  sent: number;
  /** The server said that this answer is the one that counts. */
  won: boolean;
  /** The code of the refusal that ended it, or null. */
  refused: string | null;
};

const newAnswer = () => crypto.randomUUID() as AnswerId;

type Tap = { verb: Verb; message: string | null };
/** `patience` in ms; `note` gets what is said before it is sent. */
type Taps = Tap & { patience: number; note?: (said: Said) => void };

export class ChaosPhone implements AsyncDisposable {
  readonly name: string;
  readonly model = createModel();
  readonly cookie: string;
  readonly #url: string;
  readonly #end = new AbortController();
  #failures = 0;
  #cursor = "";

  constructor(name: string, url: string, cookie: string) {
    this.name = name;
    this.cookie = cookie;
    this.#url = url;
    this.#follow();
  }

  /** Pairs by a code. */
  static async pair(name: string, url: string, code: string): Promise<ChaosPhone> {
    const headers = { "content-type": "application/json", origin: url };
    const init = { method: "POST", headers, body: JSON.stringify({ code, name }), keepalive: false };
    const response = await fetch(`${url}/api/pair`, init);
    const cookie = response.headers.get("set-cookie")?.split(";")[0];
    if (!cookie) throw new Error(`pairing failed: ${response.status} ${await response.text()}`);
    return new ChaosPhone(name, url, cookie);
  }

  /** The open prompt whose headline holds these words. */
  open(words: string): PromptState | null {
    return this.model.open().find(({ prompt_text }) => prompt_text.includes(words)) ?? null;
  }

  /** Its event stream is open and has said something. */
  get live(): boolean {
    return this.model.connection.kind === "live";
  }

  /** One tap; the prompt as it is then. Throws ApiFailure. */
  async tap(prompt: PromptState, { verb, message }: Tap, id = newAnswer()): Promise<PromptState> {
    const option = prompt.options.find(({ effect }) => effect === verb);
    if (!option) throw new Error(`the prompt cannot be answered so: ${JSON.stringify(prompt.options)}`);
    const { path, body } = requestFor(prompt, option, id, message ? { text: message } : {});
    const reply = (await this.#call("POST", path, body)) as { prompt: PromptState };
    this.model.fold("prompt_response", { prompt: reply.prompt });
    return reply.prompt;
  }

  /** Taps an answer, and taps again, with the same id, until it knows what became of the prompt. */
  async answer(prompt: PromptState, { verb, message, patience, note }: Taps): Promise<Said> {
    const said: Said = {
      ...{ phone: this.name, verb, message, answerId: newAnswer() },
      ...{ sent: 0, won: false, refused: null },
    };
    note?.(said);
    const end = performance.now() + patience;
    while (performance.now() < end) {
      said.sent++;
      try {
        await this.tap(prompt, { verb, message }, said.answerId);
        said.won = true;
        if (await this.over(prompt.id, Math.min(CONFIRM_WITHIN_MS, end - performance.now()))) return said;
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        if (error.winner) this.model.fold("prompt_response", { prompt: error.winner });
        if (!error.retryable) {
          said.refused = error.code;
          await this.over(prompt.id, end - performance.now());
          return said;
        }
        await Bun.sleep(TAP_AGAIN_MS);
      }
    }
    return said;
  }

  /** Waits until nothing more can become of a prompt, as this phone knows it; null if that does not come. */
  async over(id: PromptId, patience: number): Promise<PromptState | null> {
    const end = performance.now() + patience;
    while (performance.now() < end) {
      const known = this.model.prompt(id);
      if (known && isOver(known)) return known;
      // The page looks a prompt up that it shows and that the server no longer names.
      if (!known && this.live) await this.#lookUp(id);
      await Bun.sleep(known ? LOOK_MS : TAP_AGAIN_MS);
    }
    return null;
  }

  /** The newest prompts, ended ones too; none while the server does not answer. */
  async recent(): Promise<PromptState[]> {
    const none = { prompts: [] };
    return ((await this.#call("GET", "/api/prompts").catch(() => none)) as typeof none).prompts;
  }

  async #lookUp(id: PromptId) {
    const prompt = (await this.recent()).find((one) => one.id === id);
    if (prompt) this.model.fold("prompt_response", { prompt });
  }

  /** Throws ApiFailure, as the page's own calls do. */
  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { cookie: this.cookie, "content-type": "application/json", origin: this.#url };
    const init = {
      ...{ method, headers, keepalive: false, signal: AbortSignal.timeout(TIMEOUT_MS) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    const answer = await fetch(this.#url + path, init)
      .then(async (response) => ({ ok: response.ok, value: JSON.parse(await response.text()) }))
      .catch(() => null);
    if (!answer) throw new ApiFailure("network", "The server did not answer.");
    if (answer.ok) return answer.value;
    const { code, message, winner } = (answer.value as ErrorBody).error;
    throw new ApiFailure(code, message, winner ?? null);
  }

  /** The event stream, opened again for ever. */
  async #follow() {
    while (!this.#end.signal.aborted) {
      await this.#stream().catch(() => {});
      if (this.#end.signal.aborted) return;
      this.model.connect({ kind: "reconnecting", since: Date.now() });
      const wait = BACK_OFF_MS[Math.min(this.#failures++, BACK_OFF_MS.length - 1)] ?? 0;
      await Bun.sleep(wait * (0.75 + Math.random() / 2));
    }
  }

  async #stream() {
    const headers: Record<string, string> = { cookie: this.cookie, accept: "text/event-stream" };
    if (this.#cursor) headers["last-event-id"] = this.#cursor;
    const init = { headers, signal: this.#end.signal, keepalive: false };
    const response = await fetch(`${this.#url}/events`, init);
    if (!response.ok || !response.body) return;
    const parse = eventParser(({ name, data, id }) => {
      if (id !== null) this.#cursor = id;
      this.#failures = 0;
      if (!this.live) this.model.connect({ kind: "live" });
      this.model.fold(name as keyof ViewerEvents, JSON.parse(data));
    });
    const decoder = new TextDecoder();
    for await (const bytes of response.body) parse(decoder.decode(bytes, { stream: true }));
  }

  async [Symbol.asyncDispose]() {
    this.#end.abort();
  }
}
