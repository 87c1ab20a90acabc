// Conversations as the server would tell them, for tests of the page.
import type { ConversationId, Json, Message, MessagePart, SessionId } from "../../src/protocol.ts";
import type { FakeServer } from "./fake-server.ts";

export const TALK = "talk-1" as ConversationId;
const BEGAN = Date.now() - 20 * 60_000;

type Said = { role?: Message["role"]; parts: MessagePart[]; seconds?: number };

/** Messages one after another, a second apart. */
export function talk(said: Said[], conversation = TALK): Message[] {
  let time = BEGAN;
  return said.map(({ role = "assistant", parts, seconds = 1 }, i) => {
    time += seconds * 1_000;
    const body = { time, parts } as unknown as Json;
    return { conversation, uuid: `${conversation}-${i}`, seq: i * 100, role, body, at: time };
  });
}

export const user = (text: string): Said => ({ role: "user", parts: [{ type: "text", text }] });
export const answer = (text: string): Said => ({ parts: [{ type: "text", text }] });
export const thought = (text: string): Said => ({ parts: [{ type: "thinking", text }] });
export const call = (call: string, tool: string, input: Json): Said => ({
  parts: [{ type: "call", call, tool, input }],
});
export const result = (
  call: string,
  text: string,
  more: Partial<Extract<MessagePart, { type: "result" }>> = {},
  seconds = 1,
): Said => ({ role: "user", parts: [{ type: "result", call, text, ...more }], seconds });
export const turn = (ms: number): Said => ({
  role: "system",
  parts: [{ type: "event", event: "turn", text: "", ms }],
});

/** Answers the page's questions for messages as the server does. */
export function tells(server: FakeServer, session: SessionId, messages: Message[]) {
  server.reply(`/api/sessions/${session}/messages`, ({ query }) => {
    const known = [...new Set(messages.map(({ conversation }) => conversation))];
    const conversation = query.get("conversation") ?? known.at(-1) ?? null;
    const own = messages.filter((one) => one.conversation === conversation);
    const [before, after] = [query.get("before"), query.get("after")];
    const limit = Number(query.get("limit"));
    const rest = own.filter(({ seq }) =>
      after !== null ? seq > Number(after) : seq < Number(before ?? 1e15),
    );
    const page = after !== null ? rest.slice(0, limit) : rest.slice(-limit);
    return {
      body: { conversation, conversations: known, messages: page, more: page.length < rest.length },
    };
  });
}
