// Attached desks as the server sees them: over the owner's socket, to a wrapper that a test plays.
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { DeskId, DeskMessage, SessionId, ToDeskMessage } from "../protocol.ts";
import { PROTOCOL } from "../protocol.ts";
import { apply, blank, type Frame, rowText } from "../screen.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { Changes } from "../testing/wait.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** What `attach` is to the server. */
class TestDesk implements Disposable {
  readonly id = Bun.randomUUIDv7() as DeskId;
  readonly heard: ToDeskMessage[] = [];
  screen = blank(0, 0);
  closed = false;
  readonly #socket: WebSocket;
  readonly #changes = new Changes();

  constructor(headers: Record<string, string> = {}, { data } = server) {
    const url = `ws+unix://${join(data, "admin.sock")}:/attach`;
    this.#socket = new WebSocket(url, { headers } as unknown as string);
    this.#socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as ToDeskMessage;
      if (message.type === "output") this.screen = apply(this.screen, message.frame);
      this.heard.push(message);
      this.#changes.changed();
    };
    this.#socket.onopen = () => this.#changes.changed();
    this.#socket.onclose = () => {
      this.closed = true;
      this.#changes.changed();
    };
    this.#socket.onerror = () => {};
  }

  /** Attached to that session. */
  static async to(session: SessionId, of = server): Promise<TestDesk> {
    const desk = new TestDesk({}, of);
    await desk.say(desk.hello(session));
    await desk.until("the session", () => desk.heard.length > 0);
    return desk;
  }

  hello(session: string): DeskMessage {
    const size = { cols: 90, rows: 30, idle_ms: null };
    return { type: "attach", protocol: PROTOCOL, session: session as SessionId, desk: this.id, ...size };
  }

  async say(message: object) {
    await this.until("a connection", () => this.#socket.readyState !== WebSocket.CONNECTING);
    this.#socket.send(JSON.stringify(message));
  }

  until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
    return this.#changes.until(what, look);
  }

  refusal = () => this.heard.find((message) => message.type === "refused");

  [Symbol.dispose]() {
    this.#socket.close();
  }
}

const rows = (...texts: string[]): Frame => ({
  size: { cols: 80, rows: 24 },
  lines: texts.map((text, y) => ({ y, row: [{ text }] })),
});

test("its wrapper hears of it, its size and its keys, and draws for it thirty times a second; until it is gone", async () => {
  const { link, id } = await TestLink.session(server);
  using _link = link;
  const desk = await TestDesk.to(id);
  expect(await link.next("desk")).toMatchObject({ desk: desk.id, cols: 90, rows: 30, idle_ms: null });
  expect(await link.next("watch")).toMatchObject({ viewers: 1, rate: 30 });
  expect(desk.heard[0]).toMatchObject({ type: "session", session: { id, attached: 1, connected: true } });
  await desk.say({ type: "keys", no: 1, first: 1, bytes: btoa("x\x1b") });
  expect(await link.next("desk_keys")).toEqual({
    ...{ type: "desk_keys", desk: desk.id, no: 1, first: 1 },
    bytes: btoa("x\x1b"),
  });
  link.say({ type: "desk_taken", desk: desk.id, upto: 1 });
  await desk.until("the confirmation", () => desk.heard.find(({ type }) => type === "taken"));
  await desk.say({ type: "size", cols: 70, rows: 20, idle_ms: 5 });
  expect(await link.next("desk")).toMatchObject({ cols: 70, rows: 20 });
  link.say({ type: "output", frame: rows("one", "two") });
  await desk.until("the screen", () => rowText(desk.screen.lines[1] ?? []) === "two");
  desk[Symbol.dispose]();
  expect(await link.next("desk_gone")).toEqual({ type: "desk_gone", desk: desk.id });
  expect(await link.next("watch")).toMatchObject({ viewers: 0, rate: 0 });
});

test("it is shown what the wrapper shows now, and not the screen that was kept while nobody watched", async () => {
  await using still = await testServer({ clock: fakeClock() }); // However long the wrapper takes.
  const { link, id } = await TestLink.session(still);
  using _link = link;
  link.say({ type: "output", frame: rows("old") });
  await link.ask(); // After this the frame has arrived.
  link.heard.length = 0;
  using desk = await TestDesk.to(id, still);
  await link.next("watch");
  link.say({ type: "output", frame: rows("new") });
  await desk.until("a screen", () => desk.screen.rows > 0);
  expect(rowText(desk.screen.lines[0] ?? [])).toBe("new");
  using other = await TestDesk.to(id, still); // Now it is known, and there at once.
  await other.until("a screen", () => other.screen.rows > 0);
  expect(rowText(other.screen.lines[0] ?? [])).toBe("new");
});

test("a wrapper that says nothing leaves the screen that was kept", async () => {
  const clock = fakeClock();
  await using still = await testServer({ clock });
  const { link, id } = await TestLink.session(still);
  using _link = link;
  link.say({ type: "output", frame: rows("old") });
  await link.ask();
  using desk = await TestDesk.to(id, still);
  expect(desk.screen.rows).toBe(0);
  clock.advance(500);
  await desk.until("a screen", () => rowText(desk.screen.lines[0] ?? []) === "old");
});

test("a wrapper that comes back hears of it again; without one its keys go nowhere, and it is told", async () => {
  const first = await TestLink.session(server);
  using desk = await TestDesk.to(first.id);
  await first.link.next("desk");
  first.link[Symbol.dispose]();
  const told = (connected: boolean) => () => {
    const last = desk.heard.findLast((message) => message.type === "session");
    return last?.type === "session" && last.session.connected === connected;
  };
  await desk.until("the loss", told(false));
  await desk.say({ type: "keys", no: 1, first: 1, bytes: btoa("lost") });
  const { link } = await TestLink.session(server, { id: first.id });
  using _link = link;
  expect(await link.next("desk")).toMatchObject({ desk: desk.id });
  await desk.until("the way back", told(true));
  expect(link.heard.some(({ type }) => type === "desk_keys")).toBe(false);
  link.say({ type: "exit", code: 7, signal: null, reason: "exit" });
  const ended = () =>
    desk.heard.find((message) => message.type === "session" && message.session.ended_at !== null);
  expect(await desk.until("the end", ended)).toMatchObject({ session: { exit_code: 7 } });
});

test("a desk that comes back before its old connection is closed stays", async () => {
  const { link, id } = await TestLink.session(server);
  using _link = link;
  const old = await TestDesk.to(id);
  using again = new TestDesk();
  await again.say({ ...again.hello(id), desk: old.id });
  await again.until("the session", () => again.heard.length > 0);
  link.heard.length = 0;
  old[Symbol.dispose]();
  await again.until("one desk", () =>
    again.heard.some((message) => message.type === "session" && message.session.attached === 1),
  );
  expect(link.heard.some(({ type }) => type === "desk_gone")).toBe(false);
});

describe("refused, with a sentence, and closed", () => {
  test.each([
    ["a session that nobody knows", (desk: TestDesk) => desk.hello("nobody"), /no such session/],
    [
      "another version",
      (desk: TestDesk) => ({ ...desk.hello("x"), protocol: PROTOCOL + 1 }),
      /different versions/,
    ],
    [
      "keys before the session is named",
      () => ({ type: "keys", no: 1, first: 1, bytes: "" }),
      /before the session/,
    ],
    ["nonsense", () => ({ type: "attach", session: 7 }), /server/],
    ["a message of another kind", () => ({ type: "approve" }), /server/],
  ] as const)("%s", async (_, message, words) => {
    using desk = new TestDesk();
    await desk.say(message(desk));
    expect(await desk.until("a refusal", desk.refusal)).toMatchObject({
      message: expect.stringMatching(words),
    });
    await desk.until("the end", () => desk.closed);
  });

  test("a session that has ended", async () => {
    const { link, id } = await TestLink.session(server);
    link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
    await link.next("ack");
    using desk = new TestDesk();
    await desk.say(desk.hello(id));
    expect(await desk.until("a refusal", desk.refusal)).toMatchObject({ message: "The session has ended." });
    link[Symbol.dispose]();
  });

  test("what a browser sends", async () => {
    using desk = new TestDesk({ origin: "http://127.0.0.1" });
    await desk.until("the end", () => desk.closed);
    expect(desk.heard).toEqual([]);
  });
});

test("a full disk keeps no place of a terminal that has gone: others can be attached, again and again", async () => {
  const { link, id } = await TestLink.session(server);
  using _link = link;
  using db = new Database(join(server.data, "claude-remote.db"));
  db.run(`CREATE TRIGGER full BEFORE INSERT ON audit_log WHEN new.action = 'detached'
    BEGIN SELECT RAISE(ABORT, 'full'); END`);
  for (let i = 0; i < 65; i++) {
    const desk = await TestDesk.to(id);
    desk[Symbol.dispose]();
    await desk.until("the end", () => desk.closed);
  }
  db.run("DROP TRIGGER full");
});

test("nobody reaches it, or the owner's sessions, by the page's port", async () => {
  for (const path of ["/attach", "/sessions"]) expect((await fetch(server.url + path)).status).toBe(404);
});
