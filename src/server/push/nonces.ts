// The one-time words that stand in a push with buttons: what such a button may answer, once, as long as the prompt is open.
import { randomBytes } from "node:crypto";
import type { AnswerId, Digest, PromptId, PushActBody, ViewerId } from "../../protocol.ts";

type Given = {
  viewer: ViewerId;
  prompt: PromptId;
  digest: Digest;
  used: { action: PushActBody["action"]; answer_id: AnswerId } | null;
};

/** Pushes with buttons on their way at once; past that the oldest's buttons lead to the page. */
const MOST = 1_000;

export class Nonces {
  readonly #given = new Map<string, Given>();

  /** For one phone, one prompt as it was shown. */
  give(viewer: ViewerId, prompt: PromptId, digest: Digest): string {
    const nonce = randomBytes(16).toString("base64url");
    this.#given.set(nonce, { viewer, prompt, digest, used: null });
    const [oldest] = this.#given.keys();
    if (this.#given.size > MOST && oldest) this.#given.delete(oldest);
    return nonce;
  }

  /** The answer id to answer with; the same tap again is the same answer. Null: it is not good for that, or not any more. */
  use(viewer: ViewerId, { nonce, prompt, digest, action }: PushActBody): AnswerId | null {
    const given = this.#given.get(nonce);
    if (given?.viewer !== viewer || given.prompt !== prompt || given.digest !== digest) return null;
    given.used ??= { action, answer_id: Bun.randomUUIDv7() as AnswerId };
    return given.used.action === action ? given.used.answer_id : null;
  }

  /** That prompt is not open any more. */
  die(prompt: PromptId): void {
    for (const [nonce, given] of this.#given) if (given.prompt === prompt) this.#given.delete(nonce);
  }
}
