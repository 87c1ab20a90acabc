import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WrapperMessage } from "../protocol.ts";
import { apply, blank, rowText, type Screen } from "../screen.ts";
import { View } from "./view.ts";

function world(cols = 20, rows = 4) {
  const said: WrapperMessage[] = [];
  const network = { full: false, up: true };
  const titles: string[] = [];
  const view = new View({
    cols,
    rows,
    tell: (message) => network.up && said.push(message) > 0,
    full: () => network.full,
    onTitle: (title) => titles.push(title),
    onReply: () => {},
    onSkip: () => {},
  });
  const shown = (): Screen =>
    said.reduce(
      (screen, message) => (message.type === "output" ? apply(screen, message.frame) : screen),
      blank(1, 1),
    );
  return {
    view,
    said,
    network,
    titles,
    write: (text: string) => view.write(new TextEncoder().encode(text)),
    text: () => shown().lines.map(rowText),
    lines: () =>
      said.flatMap((message) => (message.type === "lines" ? message.lines.map((line) => line.text) : [])),
    async until(done: () => boolean) {
      for (let i = 0; i < 400 && !done(); i++) await Bun.sleep(5);
      expect(done()).toBe(true);
    },
    [Symbol.dispose]: () => view[Symbol.dispose](),
  };
}

test("a viewer gets the whole screen first, then what changes", async () => {
  using here = world();
  here.write("\x1b]0;a title\x07one\r\ntwo");
  here.view.online();
  here.view.watched(1, 10);
  await here.until(() => here.text()[1] === "two");
  here.write("\r\nthree");
  await here.until(() => here.text()[2] === "three");
  expect(here.text()).toEqual(["one", "two", "three", ""]);
  expect(here.titles).toEqual(["a title"]);
});

test("nobody watching costs no frames, but a change of status keeps the last screen", async () => {
  using here = world();
  here.view.online();
  await here.until(() => here.said.length > 0);
  const before = here.said.length;
  here.write("unseen");
  await here.view.settled();
  await Bun.sleep(50);
  expect(here.said.length).toBe(before);
  await here.view.flush();
  expect(here.text()[0]).toBe("unseen");
});

test("a full network gets fewer frames, and the last one after the stall though nothing more happens", async () => {
  using here = world();
  here.view.online();
  here.view.watched(1, 1_000);
  await here.until(() => here.said.length > 0);
  here.network.full = true;
  const before = here.said.length;
  for (let i = 0; i < 50; i++) here.write(`\r${i}`);
  await here.view.settled();
  await Bun.sleep(60);
  expect(here.said.length).toBe(before);
  here.network.full = false;
  await here.until(() => here.text()[0] === "49");
  expect(here.said.length - before).toBeLessThan(3);
});

test("the log goes on from where the server says it is, without gap or repetition", async () => {
  using here = world();
  const count = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}\r\n`).join("");
  here.write(count(0, 10));
  await here.view.settled();
  here.view.online();
  expect(here.lines()).toEqual([]);
  here.view.acked(0);
  await here.until(() => here.lines().length === 7);
  here.view.acked(7);
  here.network.up = false;
  here.view.offline();
  here.write(count(10, 15));
  await here.view.settled();
  here.network.up = true;
  here.view.online();
  here.view.acked(7);
  await here.until(() => here.lines().length === 12);
  expect(here.lines()).toEqual(Array.from({ length: 12 }, (_, i) => `line ${i}`));
});

test("while the alternate screen hides what scrolls away, the transcript's blocks are the log", async () => {
  using here = world();
  here.view.online();
  here.view.acked(0);
  here.view.block("on the main screen it is on the screen anyway");
  here.write("\x1b[?1049h");
  await here.view.settled();
  here.view.block("a message\nof two lines");
  await here.until(() => here.lines().length === 2);
  expect(here.lines()).toEqual(["a message", "of two lines"]);
  const sources = here.said.flatMap((message) =>
    message.type === "lines" ? message.lines.map((line) => line.source) : [],
  );
  expect(sources).toEqual(["transcript", "transcript"]);
});

test.each(["2.1.197", "2.1.329"])(
  "the last screen of claude %s is its conversation, not what its end left behind",
  async (version) => {
    using here = world(100, 40);
    here.view.online();
    here.view.write(readFileSync(join(import.meta.dir, "testdata", version, "ended.100x40.bin")));
    await here.view.ended();
    expect(here.text().join("\n")).toContain("● hello");
    here.view.online(); // A server that was away hears the same.
    await here.view.flush();
    expect(here.text().join("\n")).toContain("● hello");
  },
);

test("a program that goes on after the alternate screen has what it shows then for its last screen", async () => {
  using here = world(20, 10);
  here.view.online();
  here.write(`\x1b[?1049hold\x1b[?1049l${Array.from({ length: 9 }, (_, at) => `row ${at}`).join("\r\n")}`);
  await here.view.ended();
  expect(here.text()[8]).toBe("row 8");
  expect(here.text().join()).not.toContain("old");
});
