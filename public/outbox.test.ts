import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import type { ErrorCode, InputId, InputStage } from "../src/protocol.ts";
import { createModel } from "./model.ts";
import { createOutbox } from "./outbox.ts";
import { session, state } from "./testing/world.ts";

const a = session("a");
const fetched = spyOn(globalThis, "fetch");
const storage = { getItem: () => null } as unknown as Storage;
Object.assign(globalThis, { localStorage: globalThis.localStorage ?? storage });
afterEach(() => void fetched.mockReset());
afterAll(() => fetched.mockRestore());

type Reply = { stage: InputStage; reason: null } | { error: { code: ErrorCode; message: string } };

/** A page with one text under way; `says` is the server's reply to each request. */
async function world(...says: Reply[]) {
  const model = createModel();
  const outbox = createOutbox(model);
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
  const answered = async () => {
    for (let i = 0; i < 20; i++) await null;
  };
  await answered();
  return { model, outbox, sent, answered, id: sent.id as InputId };
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
  const error = { code: "gone", message: "The session has ended." } as const;
  const { model, outbox, sent, answered, id } = await world({ stage: "sent", reason: null }, { error });
  model.fold("input", { session: a.id, id, stage: "unconfirmed", reason: null });
  expect(outbox.stageOf(sent).stage).toBe("unconfirmed");
  outbox.retry(sent);
  await answered();
  expect(outbox.stageOf(sent)).toMatchObject({ stage: "refused", reason: error.message });
});
