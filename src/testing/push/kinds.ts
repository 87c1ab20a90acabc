// Every kind of push as the server words it, and what is to be seen after each of them.
import type { Prompt, PromptId } from "../../protocol.ts";
import type { Notice } from "../../server/push/notices.ts";
import { pushOf, testOf, type Wording, withdrawalOf } from "../../server/push/wording.ts";
import { openPrompt, session } from "../push-world.ts";

export const WORDING: Wording = {
  ...{ url: "https://elsewhere.example", private: false, open: 1, actions: true },
  nonce: () => "n".repeat(22),
};
export const of = session();
/** What there is to say of a prompt of that kind. */
export const asked = (kind: Prompt["kind"], change: object = {}): Notice => {
  const made = openPrompt(of, { kind, id: Bun.randomUUIDv7() as PromptId, ...change });
  return { id: made.id, topic: "session s1", at: 0, kind, prompt: made, session: of };
};
/** The push about that one thing. */
export const one = (notice: Notice) => pushOf({ kind: "one", notice }, WORDING).payload;

/** In this order: each push, and the titles that then stand there, and no others. */
export function everyKind(): [payload: string, ...shown: string[]][] {
  const permission = asked("permission");
  return [
    [one(permission), "webshop: needs approval"],
    [one(asked("question", { prompt_text: "Which one?" })), "webshop: asks you"],
    [one(asked("plan")), "webshop: has a plan"],
    [one(asked("dialog")), "webshop: waits for you"],
    [one({ ...permission, kind: "reminder" } as Notice), "webshop: still needs approval"],
    [
      withdrawalOf("session s1", openPrompt(of, { responded_by: "Pixel" }), WORDING).payload,
      "Answered on Pixel",
    ],
    [
      one({ id: "d", topic: "done s1", at: 0, kind: "done", session: of, ranMs: 90_000 }),
      ...["Answered on Pixel", "webshop: done"],
    ],
    [
      one({
        id: "h",
        topic: "host d1",
        at: 150_000,
        kind: "host_lost",
        device: of.device_id,
        host: "laptop",
        since: 0,
      }),
      ...["Answered on Pixel", "webshop: done", "laptop cannot be reached"],
    ],
    [
      one({
        id: "h",
        topic: "host d1",
        at: 200_000,
        kind: "host_back",
        device: of.device_id,
        host: "laptop",
        since: 0,
      }),
      ...["Answered on Pixel", "webshop: done", "laptop is back"],
    ],
    [
      pushOf({ kind: "digest", why: "many", notices: [permission, permission] }, WORDING).payload,
      ...["Answered on Pixel", "webshop: done", "laptop is back", "and 2 more"],
    ],
    [
      testOf(WORDING).payload,
      ...["Answered on Pixel", "webshop: done", "laptop is back", "and 2 more", "It arrived"],
    ],
  ];
}
