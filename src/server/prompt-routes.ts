// The prompts, and the answers to them: `/api/prompts`.
import * as v from "valibot";
import type { AnswerBody, ApproveBody, RejectBody } from "../protocol.ts";
import { byOf } from "./caller.ts";
import { digest, id, text } from "./fields.ts";
import type { Prompts } from "./prompts.ts";
import { limitOf } from "./query.ts";
import { type Call, plain, READ, type Route, route } from "./routes.ts";
import type { PromptTable } from "./store/prompt-table.ts";

export type PromptRoutesOptions = { store: { prompts: PromptTable }; prompts: Prompts };

/** Without one it is no answer to what stands there, whatever that is: refused like an answer to something else. */
const shown = v.optional(digest);
const approveBody = v.object({ digest: shown, answer_id: id, option: v.optional(id) });
const rejectBody = v.object({ digest: shown, answer_id: id, message: v.optional(text) });
const answerBody = v.object({
  ...{ digest: shown, answer_id: id, option: id, text: v.optional(text) },
  answers: v.optional(v.record(v.pipe(v.string(), v.maxLength(10_000)), text)),
});

export function promptRoutes({ store, prompts }: PromptRoutesOptions): Route[] {
  const who = ["viewer"] as const;
  const idOf = (call: Call) => call.params.id ?? "";
  return [
    plain("GET", "/api/prompts", READ, ({ query }) => {
      const open = query.get("open") === "1";
      return Response.json({
        prompts: open ? store.prompts.list("open") : store.prompts.recent(limitOf(query)),
      });
    }),
    route("POST", "/api/prompts/:id/approve", who, approveBody, (call) => {
      return Response.json({ prompt: prompts.approve(idOf(call), call.body as ApproveBody, byOf(call)) });
    }),
    route("POST", "/api/prompts/:id/reject", who, rejectBody, (call) => {
      return Response.json({ prompt: prompts.reject(idOf(call), call.body as RejectBody, byOf(call)) });
    }),
    route("POST", "/api/prompts/:id/answer", who, answerBody, (call) => {
      return Response.json({ prompt: prompts.answer(idOf(call), call.body as AnswerBody, byOf(call)) });
    }),
  ];
}
