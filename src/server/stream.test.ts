import { expect, test } from "bun:test";
import type { Message, SessionId, Viewer, ViewerEvents } from "../protocol.ts";
import { apply, blank, type Screen } from "../screen.ts";
import { fakeClock } from "../testing/clock.ts";
import type { CatchUp } from "./store/catch-up.ts";
import { Stream } from "./stream.ts";

const session = "s1" as SessionId;
const viewer = { id: "v1", name: "Phone" } as Viewer;
const state = () => ({ now: 0 }) as ViewerEvents["state"];

/** A screen that has scrolled so far. */
const scrolled = (by: number): Screen => ({
  ...blank(20, 6),
  lines: Array.from({ length: 6 }, (_, y) => [{ text: `line ${y + by}` }]),
});

/** A stream, and a reader that has always asked for the next piece already. */
function world(more: Partial<Pick<CatchUp, "since">> = {}) {
  const clock = fakeClock();
  const none = { lines: [], line: 0, messages: [], more: false };
  const catchUp = { newest: () => ({ line: 0, message: 0 }), since: () => none, ...more };
  const options = {
    viewer,
    session,
    cursor: null,
    catchUp,
    clock,
    state,
  };
  const sent = { frames: 0, bytes: 0 };
  const faults: string[] = [];
  const ends = {
    onEnd: () => void faults.push("ended"),
    onFault: (error: unknown) => void faults.push(String(error)),
  };
  const stream = new Stream({ ...options, sent, screen: null, ...ends });
  const events: { name: string; data: never }[] = [];
  const reader = stream.body(false).getReader();
  const decoder = new TextDecoder();
  (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const block of decoder.decode(value).trim().split("\n\n")) {
        const [, name = "", data = ""] = /^event: (.*)\n(?:id: .*\n)?data: (.*)$/.exec(block) ?? [];
        events.push({ name, data: JSON.parse(data) as never });
      }
    }
  })();
  return { stream, clock, events, faults, taken: () => new Promise((done) => void setImmediate(done)) };
}

test("a reader that waits for every frame gets each once", async () => {
  const { stream, clock, events, taken } = world();
  for (const by of [0, 1, 2, 3]) {
    await taken();
    stream.show(scrolled(by));
    clock.advance(200);
  }
  await taken();
  let screen = blank(0, 0);
  for (const { name, data } of events)
    if (name === "output") screen = apply(screen, (data as ViewerEvents["output"]).frame);
  expect(screen).toEqual(scrolled(3));
});

test("a reader that waits for every record while it catches up gets each once", async () => {
  const message = (id: number) => ({ id, message: { uuid: `m${id}` } as Message });
  const since: CatchUp["since"] = (_, { message: after }) => ({
    lines: after < 4 ? [{ line_no: after, epoch: 0, source: "screen", text: "x" }] : [],
    line: after,
    messages: after < 4 ? [message(after + 1), message(after + 2)] : [],
    more: after < 4,
  });
  const { stream, events, taken } = world({ since });
  await taken();
  stream.logged();
  await taken();
  const uuids = events.flatMap(({ name, data }) =>
    name === "message" ? [(data as ViewerEvents["message"]).message.uuid] : [],
  );
  expect(uuids).toEqual(["m1", "m2", "m3", "m4"]);
});

test("a clock that is put back delays no frame", async () => {
  const { stream, clock, events, taken } = world();
  await taken();
  clock.advance(3_600_000);
  stream.show(scrolled(0));
  clock.advance(-3_600_000);
  stream.show(scrolled(1));
  clock.advance(200);
  await taken();
  expect(events.filter(({ name }) => name === "output")).toHaveLength(2);
});

test("a stream that cannot read what it has to say ends alone, and whoever told it something hears nothing of that", async () => {
  const { stream, faults, taken } = world({
    since() {
      throw new Error("the disk");
    },
  });
  await taken();
  stream.logged();
  expect(faults).toEqual(["Error: the disk", "ended"]);
  stream.tell("heartbeat", "heartbeat", { now: 1 });
  expect(faults).toHaveLength(2);
});
