// What a viewer sees of sessions, and does to them: `/events`, `/api/sessions`.
import * as v from "valibot";
import type { ConversationId, InputBody, Key, SessionId } from "../protocol.ts";
import { byOf, viewerOf } from "./caller.ts";
import { ApiError } from "./errors.ts";
import type { Events } from "./events.ts";
import { id, text } from "./fields.ts";
import type { Inputs } from "./inputs.ts";
import type { Note } from "./notes.ts";
import { packed } from "./packed.ts";
import { pageOf } from "./query.ts";
import { type Call, plain, READ, type Route, route } from "./routes.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

export type SessionRoutesOptions = {
  store: Store;
  note: Note;
  sessions: Sessions;
  inputs: Inputs;
  events: Events;
};

const KEYS = [
  ...["escape", "tab", "shift_tab", "enter", "up", "down", "left", "right", "page_up", "page_down"],
  ...["home", "end", "backspace", "ctrl_c", "ctrl_j", "ctrl_o", "ctrl_r", "wheel_up", "wheel_down", "space"],
] as Key[];
const inputBody = v.pipe(
  v.object({
    id,
    text: v.optional(text),
    mode: v.optional(v.picklist(["if_empty", "append", "replace"])),
    key: v.optional(v.picklist(KEYS)),
  }),
  v.check((body) => (body.text === undefined) !== (body.key === undefined), "give either text or key"),
);
const sizeBody = v.object({
  cols: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(500)),
  rows: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(200)),
});
const NOTHING_SAID = { messages: [], more: false };

export function sessionRoutes(options: SessionRoutesOptions): Route[] {
  return [...seenOfSessions(options), ...doneToSessions(options)];
}

function seenOfSessions({ store, sessions, events }: SessionRoutesOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  const follow = (call: Call) => {
    const wanted = call.query.get("session");
    const session = wanted === null ? null : sessions.get(wanted).id;
    call.keep();
    const poll = call.query.get("poll");
    if (poll !== null) return polled(events, call, session, poll);
    return events.open(call.request, viewerOf(call), session, call.letGo);
  };
  return [
    { ...plain("GET", "/events", ["viewer"], follow), live: true },
    plain("GET", "/api/sessions", READ, () => {
      return Response.json({ sessions: [...sessions.open(), ...store.sessions.ended()] });
    }),
    plain("GET", "/api/sessions/:id", READ, (call) => {
      const session = sessions.get(call.params.id ?? "");
      return Response.json({ session, screen: sessions.screen(session.id) });
    }),
    plain("GET", "/api/sessions/:id/lines", READ, (call) => {
      return Response.json({ lines: store.lines.page(idOf(call), pageOf(call.query)) });
    }),
    plain("GET", "/api/sessions/:id/messages", READ, (call) => {
      const session = idOf(call);
      const known = store.conversations.of(session);
      const wanted = (call.query.get("conversation") ??
        sessions.get(session).conversation) as ConversationId | null;
      // Only what this session has passed through is its own.
      const page =
        wanted && known.includes(wanted) ? store.messages.page(wanted, pageOf(call.query)) : NOTHING_SAID;
      return packed(call.request, JSON.stringify({ conversation: wanted, conversations: known, ...page }));
    }),
  ];
}

function doneToSessions({ note, sessions, inputs }: SessionRoutesOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  return [
    route("POST", "/api/sessions/:id/input", ["viewer", "token:input"], inputBody, (call) => {
      if (call.caller.kind === "token" && call.body.key !== undefined)
        throw new ApiError("forbidden", "Keys can answer a question: that is for a paired phone alone.");
      return Response.json(inputs.send(idOf(call), call.body as InputBody, byOf(call)));
    }),
    route("POST", "/api/sessions/:id/resize", ["viewer"], sizeBody, (call) => {
      sessions.reach(idOf(call)).tell({ type: "resize", ...call.body });
      return Response.json({ ok: true });
    }),
    ...(["interrupt", "stop"] as const).map((type) =>
      plain("POST", `/api/sessions/:id/${type}`, ["viewer"], (call) => {
        const session = idOf(call);
        sessions.reach(session).tell({ type });
        note({ ...byOf(call), session, action: type, subject: session, detail: {} });
        return Response.json({ ok: true });
      }),
    ),
  ];
}

/** A batch of events; they are JSON already. */
async function polled(events: Events, call: Call, session: SessionId | null, poll: string) {
  const { next, events: batch } = await events.poll(call.request, viewerOf(call), session, poll);
  return packed(call.request, `{"next":"${next}","events":[${batch.join(",")}]}`);
}
