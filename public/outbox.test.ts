import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import type { ErrorCode, InputId, InputStage, Session, SessionId } from "../src/protocol.ts";
import { createModel } from "./model.ts";
import { createOutbox } from "./outbox.ts";
import { session, state } from "./testing/world.ts";

const a = session("a");
const fetched = spyOn(globalThis, "fetch");
const storage = { getItem: () => null } as unknown as Storage;
Object.assign(globalThis, { localStorage: globalThis.localStorage ?? storage });
afterEach(() => void fetched.mockReset());
afterAll(() => fetched.mockRestore());

type Reply =
  | { stage: InputStage; reason: null }
  | { error: { code: ErrorCode; message: string; request: string } };

/** Everything that waits for nothing but promises is through. */
const soon = async () => {
  for (let i = 0; i < 40; i++) await null;
};

/** A page with one text under way; `says` is the server's reply to each request. */
async function world(...says: Reply[]) {
  return worldAt(Date.now, ...says);
}

async function worldAt(clock: () => number, ...says: Reply[]) {
  const model = createModel();
  const outbox = createOutbox(model, clock);
  model.fold("state", state([a], []));
  model.connect({ kind: "live" });
  for (const say of says)
    fetched.mockImplementationOnce((async (_: string, init: RequestInit) =>
      Response.json(
        { id: JSON.parse(String(init.body)).id, ...say },
        { status: "error" in say ? 410 : 200 },
      )) as never);
  outbox.send(a.id, "hello");
  const [sent] = outbox.shown(a.id);
  if (!sent) throw new Error("nothing was sent");
  await soon();
  return { model, outbox, sent, answered: soon, id: sent.id as InputId };
}

test("a text sent again is known to have arrived, although nobody heard it when it did", async () => {
  const { outbox, sent, answered } = await world(
    { stage: "sent", reason: null },
    { stage: "delivered", reason: null },
  );
  expect(outbox.stageOf(sent).stage).toBe("sent");
  outbox.retry(sent);
  await answered();
  expect(outbox.stageOf(sent).stage).toBe("delivered");
});

test("a reply that is older than what the stream has told changes nothing", async () => {
  const { model, outbox, sent, answered, id } = await world(
    { stage: "sent", reason: null },
    { stage: "sent", reason: null },
  );
  outbox.retry(sent);
  model.fold("input", { session: a.id, id, stage: "seen", reason: null });
  await answered();
  expect(outbox.stageOf(sent).stage).toBe("seen");
});

test("a text that nobody confirmed, and that cannot be sent again since the session has ended, says so", async () => {
  const error = { code: "gone", message: "The session has ended.", request: "r" } as const;
  const { model, outbox, sent, answered, id } = await world({ stage: "sent", reason: null }, { error });
  model.fold("input", { session: a.id, id, stage: "unconfirmed", reason: null });
  expect(outbox.stageOf(sent).stage).toBe("unconfirmed");
  outbox.retry(sent);
  await answered();
  expect(outbox.stageOf(sent)).toMatchObject({ stage: "refused", reason: error.message });
});

test("texts go one after another, in the order they were written, also those that waited for a connection", async () => {
  const model = createModel();
  const outbox = createOutbox(model);
  model.fold("state", state([a], []));
  const waiting: ((response: Response) => void)[] = [];
  const asked: { id: string; text: string }[] = [];
  fetched.mockImplementation((async (_: string, init: RequestInit) => {
    asked.push(JSON.parse(String(init.body)));
    return new Promise<Response>((resolve) => waiting.push(resolve));
  }) as never);
  for (const text of ["one", "two"]) outbox.send(a.id, text);
  expect(asked).toEqual([]);
  model.connect({ kind: "live" });
  outbox.send(a.id, "three");
  const texts = () => asked.map(({ text }) => text);
  expect(texts()).toEqual(["one"]);
  for (const text of ["one", "two", "three"]) {
    expect(texts().at(-1)).toBe(text);
    waiting.shift()?.(Response.json({ id: asked.at(-1)?.id, stage: "sent", reason: null }));
    await soon();
  }
  expect(texts()).toEqual(["one", "two", "three"]);
});

test("what became of a text is known for good, however much was typed since", async () => {
  const { model, outbox, sent, id } = await world({ stage: "sent", reason: null });
  model.fold("input", { session: a.id, id, stage: "delivered", reason: null });
  for (let i = 0; i < 200; i++)
    model.fold("input", { session: a.id, id: `key-${i}` as InputId, stage: "delivered", reason: null });
  expect(model.input(id)).toBeNull();
  expect(outbox.stageOf(sent).stage).toBe("delivered");
});

test("a text that claude sees late says so, and is no line any more a while after that", async () => {
  let now = 0;
  const { model, outbox, id } = await worldAt(() => now, { stage: "sent", reason: null });
  now += 60_000;
  model.fold("input", { session: a.id, id, stage: "seen", reason: null });
  expect(outbox.shown(a.id).map((message) => outbox.stageOf(message).stage)).toEqual(["seen"]);
  now += 5_000;
  expect(outbox.shown(a.id)).toEqual([]);
});

test("a command, of which claude reports nothing, is no line any more a while after it was typed and claude rests", async () => {
  let now = 0;
  const delivered = { stage: "delivered", reason: null } as const;
  const { model, outbox, answered } = await worldAt(() => now, delivered, delivered, delivered);
  outbox.send(a.id, "/compact");
  outbox.send(a.id, "!git status");
  await answered();
  const shown = () => outbox.shown(a.id).map(({ text }) => text);
  const becomes = (status: Session["status"]) => model.fold("session_end", { session: { ...a, status } });
  becomes("working");
  now += 5_000;
  model.changed();
  expect(shown()).toEqual(["hello", "/compact", "!git status"]);
  becomes("idle");
  expect(shown()).toEqual(["hello"]); // Claude has not said that it saw this one.
  becomes("working");
  expect(shown()).toEqual(["hello"]);
});

test("what waits when this phone is logged out waits for somebody's word once it is paired again", async () => {
  const model = createModel();
  const outbox = createOutbox(model);
  fetched.mockImplementation((async () => Response.json({ stage: "sent", reason: null })) as never);
  model.connect({ kind: "reconnecting", since: 0 });
  outbox.send(a.id, "an old yes");
  model.connect({ kind: "logged_out" });
  expect(outbox.held()).toBe(1);
  model.connect({ kind: "connecting" });
  model.fold("state", state([a], []));
  model.connect({ kind: "live" });
  outbox.send(a.id, "a new one");
  await soon();
  expect(fetched).toHaveBeenCalledTimes(1);
  const [old, fresh] = outbox.shown(a.id).map((sent) => outbox.stageOf(sent).stage);
  expect([old, fresh]).toEqual(["held", "sent"]);
  const [held] = outbox.shown(a.id);
  if (held) outbox.retry(held);
  await soon();
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("a text that claude has not got is shown for as long as that is so, however many others went since", async () => {
  const { model, outbox, sent, answered, id } = await world({ stage: "sent", reason: null });
  model.fold("input", { session: a.id, id, stage: "refused", reason: "desk_typing" });
  fetched.mockImplementation((async (_: string, init: RequestInit) =>
    Response.json({ id: JSON.parse(String(init.body)).id, stage: "delivered", reason: null })) as never);
  for (let i = 0; i < 6; i++) outbox.send(a.id, `/command ${i}`);
  for (let i = 0; i < 6; i++) await answered();
  const shown = outbox.shown(a.id);
  expect(shown.map((message) => outbox.stageOf(message).stage)).toEqual([
    ...["refused", "delivered", "delivered", "delivered", "delivered"],
  ] as never);
  expect(shown[0]).toBe(sent);
});

test("a refused text that is sent in another way by two quick taps goes once", async () => {
  const sentStage = { stage: "sent", reason: null } as const;
  const { model, outbox, sent, answered, id } = await world(sentStage, sentStage, sentStage);
  model.fold("input", { session: a.id, id, stage: "refused", reason: "desk_typing" });
  outbox.resend(sent, "append");
  outbox.resend(sent, "append");
  await answered();
  expect(outbox.shown(a.id)).toHaveLength(1);
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("where a key may be missing, those pressed behind it are not sent; one that is pressed knowing it is", async () => {
  const { outbox, answered } = await world({ stage: "sent", reason: null });
  fetched.mockClear();
  fetched.mockRejectedValueOnce(new TypeError("no network"));
  fetched.mockImplementation((async () => Response.json({})) as never);
  outbox.press(a.id, "down");
  outbox.press(a.id, "enter");
  await answered();
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(outbox.keyProblem(a.id)).toBe("The server did not answer.");
  expect(outbox.keyProblem("b" as SessionId)).toBeNull();
  outbox.press(a.id, "down");
  await answered();
  expect(fetched).toHaveBeenCalledTimes(2);
  expect(outbox.keyProblem(a.id)).toBeNull();
});
