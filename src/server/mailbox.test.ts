// Events by polling: the same as by a stream, each once, and bounded.
import { expect, spyOn, test } from "bun:test";
import type { SessionId, ViewerEvents } from "../protocol.ts";
import { apply, blank, rowText } from "../screen.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { LIMITS } from "./limits.ts";
import { Mailbox } from "./mailbox.ts";

type Event = {
  [N in keyof ViewerEvents]: { event: N; id: string; data: ViewerEvents[N] };
}[keyof ViewerEvents];
type Batch = { next: string; events: Event[] };

/** Asks for one batch. */
async function ask(viewer: TestViewer, poll = "new", session?: SessionId, cursor?: string) {
  const query = new URLSearchParams({ poll, ...(session && { session }), ...(cursor && { cursor }) });
  const { status, body } = await viewer.get(`/events?${query}`);
  return { status, ...(body as unknown as Batch), error: body.error?.code };
}

const names = ({ events }: Batch) => events.map(({ event }) => event);
const line = (line_no: number) => ({ line_no, epoch: 0, source: "screen" as const, text: `line ${line_no}` });
const streams = async (server: TestServer) => (await server.admin("GET", "/status")).streams;
test("whoever polls hears first everything, then what is new, at once and once", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  link.say({
    type: "output",
    frame: { size: { cols: 20, rows: 2 }, lines: [{ y: 0, row: [{ text: "one" }] }] },
  });
  let batch = await ask(viewer, "new", id);
  const heard: Event[] = [...batch.events];
  expect(heard[0]?.event).toBe("state");
  const until = async (there: () => boolean) => {
    while (!there()) {
      batch = await ask(viewer, batch.next, id);
      expect(batch.status).toBe(200);
      heard.push(...batch.events);
    }
  };
  const screen = () =>
    heard.reduce((now, one) => (one.event === "output" ? apply(now, one.data.frame) : now), blank(0, 0));
  await until(() => rowText(screen().lines[0] ?? []) === "one");
  const { id: prompt } = await link.ask();
  await until(() => heard.some((one) => one.event === "prompt" && one.data.prompt.id === prompt));
  link.say({ type: "output", frame: { lines: [{ y: 1, row: [{ text: "two" }] }] } });
  link.say({ type: "lines", lines: Array.from({ length: 250 }, (_, i) => line(i)) });
  await until(() => heard.some((one) => one.event === "lines" && one.data.lines.at(-1)?.line_no === 249));
  await until(() => rowText(screen().lines[1] ?? []) === "two");
  const numbers = heard.flatMap((one) => (one.event === "lines" ? one.data.lines : []));
  expect(numbers.map(({ line_no }) => line_no)).toEqual(Array.from({ length: 250 }, (_, i) => i));
  expect(heard.filter(({ event }) => event === "state")).toHaveLength(1);
  link[Symbol.dispose]();
});

test("a poll goes on where a stream was cut, and a stream where a poll was", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  await viewer.listen(id);
  link.say({ type: "lines", lines: [line(0), line(1)] });
  await viewer.until("two lines", () => viewer.lines.length === 2);
  viewer.leave();
  link.say({ type: "lines", lines: [line(2), line(3)] });
  await link.until("them on disk", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === 3),
  );
  const batch = await ask(viewer, "new", id, viewer.cursor ?? "");
  const missed = batch.events.flatMap((one) => (one.event === "lines" ? one.data.lines : []));
  expect(missed.map(({ line_no }) => line_no)).toEqual([2, 3]);
  viewer.cursor = batch.events.at(-1)?.id ?? null;
  link.say({ type: "lines", lines: [line(4)] });
  await viewer.listen(id);
  await viewer.until("the last line", () => viewer.lines.length === 3);
  expect(viewer.lines.map(({ line_no }) => line_no)).toEqual([0, 1, 4]);
  link[Symbol.dispose]();
});

test("nothing new is said after ten seconds, before the page would take the server for dead", async () => {
  const clock = fakeClock();
  await using server = await testServer({ clock });
  const viewer = await TestViewer.pair(server);
  const first = await ask(viewer);
  using taking = spyOn(Mailbox.prototype, "take");
  const second = ask(viewer, first.next);
  while (taking.mock.calls.length === 0) await Bun.sleep(1); // The request has come to the server.
  let answered = false;
  second.finally(() => {
    answered = true;
  });
  clock.advance(LIMITS.pollMs - 1);
  await viewer.get("/health"); // An answer would have come by now.
  expect(answered).toBe(false);
  clock.advance(1);
  expect(new Set(names(await second))).toEqual(new Set(["heartbeat"]));
});

test("a batch that was missed is not given twice: everything begins anew", async () => {
  await using server = await testServer();
  const [viewer, other] = [await TestViewer.pair(server), await TestViewer.pair(server, "Other")];
  const first = await ask(viewer);
  expect(await ask(viewer, first.next.replace(/\d+$/, "0"))).toMatchObject({ status: 410, error: "gone" });
  expect(await ask(viewer, first.next.replace(/\d+$/, "x"))).toMatchObject({ status: 410 });
  expect(await ask(viewer, "nobody.1")).toMatchObject({ status: 410 });
  expect(await ask(other, first.next)).toMatchObject({ status: 410, error: "gone" });
  const anew = await ask(viewer);
  expect(names(anew)[0]).toBe("state");
});

test("who stops asking is forgotten, and one phone has no more of them than streams", async () => {
  const clock = fakeClock();
  await using server = await testServer({ clock });
  const viewer = await TestViewer.pair(server);
  const all: Batch[] = [];
  for (let i = 0; i < LIMITS.streamsPerViewer + 2; i++) all.push(await ask(viewer));
  expect(await streams(server)).toBe(LIMITS.streamsPerViewer);
  expect(await ask(viewer, all[0]?.next)).toMatchObject({ status: 410 });
  for (let passed = 0; passed <= LIMITS.stalledMs + 10_000; passed += 1_000) clock.advance(1_000);
  expect(await streams(server)).toBe(0);
});

test("SEC-023 a revoked phone's poll ends at once, and the next is refused", async () => {
  await using server = await testServer({ clock: fakeClock() }); // No time passes: it is not over by itself.
  const [viewer, other] = [await TestViewer.pair(server), await TestViewer.pair(server, "Other")];
  let batch = await ask(viewer);
  const { own } = (await viewer.get("/api/viewers")).body as unknown as { own: string };
  using taking = spyOn(Mailbox.prototype, "take");
  const held = ask(viewer, batch.next);
  while (taking.mock.calls.length === 0) await Bun.sleep(1); // The request has come to the server.
  await other.request("DELETE", `/api/viewers/${own}`, { headers: { origin: server.url } });
  batch = await held;
  expect(batch.status).toBe(200);
  expect((await ask(viewer, batch.next)).status).toBe(401);
  expect((await ask(viewer)).status).toBe(401);
});

test("a screen larger than a batch may be comes whole", async () => {
  await using server = await testServer();
  const viewer = await TestViewer.pair(server);
  const { link, id } = await TestLink.session(server);
  const long = (text: string) =>
    Array.from({ length: 1_000 }, (_, i) => ({ ...line(i), text: text.repeat(2_000) }));
  let batch = await ask(viewer, "new", id);
  link.say({ type: "lines", lines: long("x") });
  let bytes = 0;
  let seen = 0;
  while (seen < 1_000) {
    batch = await ask(viewer, batch.next, id);
    bytes = Math.max(bytes, JSON.stringify(batch).length);
    for (const one of batch.events) if (one.event === "lines") seen += one.data.lines.length;
  }
  // The last event before the bound may reach beyond it: a hundred lines at once.
  expect(bytes).toBeLessThan(LIMITS.streamBytes + LIMITS.catchUpLines * 2_200);
  link[Symbol.dispose]();
});
