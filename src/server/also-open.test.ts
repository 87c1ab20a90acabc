// Two sessions with one conversation: both say so, for as long as it is true.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ConversationId, SessionId } from "../protocol.ts";
import { statement, TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

let server: TestServer;
let viewer: TestViewer;
beforeAll(async () => {
  server = await testServer();
  viewer = await (await TestViewer.pair(server)).listen();
});
afterAll(async () => {
  await viewer[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const conversation = "aaaaaaaa-1111-4111-8111-111111111111" as ConversationId;
const other = "bbbbbbbb-2222-4222-8222-222222222222" as ConversationId;
const shares = (id: SessionId, ...others: SessionId[]) =>
  viewer.until(`${id} also open in ${others.length}`, () => {
    const session = viewer.sessions.get(id);
    return session && JSON.stringify(session.also_open ?? []) === JSON.stringify(others);
  });
function state(id: SessionId, now: ConversationId | null) {
  const { open, age_ms, command, cwd, claude_version, id: _, ...rest } = statement({ id, conversation: now });
  return { type: "status", state: rest } as const;
}

test("a conversation that is open twice is marked in both sessions, and no longer once one has left it", async () => {
  const { link: one, id: first } = await TestLink.session(server, { conversation });
  const { link: two, id: second } = await TestLink.session(server, { conversation });
  const { link: three, id: third } = await TestLink.session(server, { conversation: null });
  await shares(first, second);
  await shares(second, first);
  await shares(third);
  expect(await server.admin("GET", `/sessions/${first}`)).toMatchObject({ session: { also_open: [second] } });

  two.say(state(second, other));
  await shares(first);
  await shares(second);
  two.say(state(second, conversation));
  await shares(first, second);
  await shares(second, first);

  two[Symbol.dispose]();
  await viewer.until("out of reach", () => viewer.sessions.get(second)?.connected === false);
  await shares(first, second);
  const { link: back } = await TestLink.session(server, { id: second, conversation });
  back.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  await viewer.until("the end", () => viewer.sessions.get(second)?.ended_at);
  await shares(first);
  await shares(second);
  for (const link of [one, three, back]) link[Symbol.dispose]();
});

test("a server that was started again knows it from its database", async () => {
  const { link: one, id: first } = await TestLink.session(server, { conversation: other });
  const { link: two, id: second } = await TestLink.session(server, { conversation: other });
  await shares(first, second);
  for (const link of [one, two]) link[Symbol.dispose]();
  await server.restart();
  expect(await server.admin("GET", `/sessions/${first}`)).toMatchObject({ session: { also_open: [second] } });
  await TestLink.session(server, { id: first, conversation: null });
  expect((await server.admin("GET", `/sessions/${second}`)).session).not.toHaveProperty("also_open");
});
