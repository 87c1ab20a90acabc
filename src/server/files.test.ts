import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Command, FileId, ServerMessage, SessionId } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { Commands } from "./commands.ts";
import { LIMITS } from "./limits.ts";

let server: TestServer;
let viewer: TestViewer;
beforeAll(async () => {
  server = await testServer();
  viewer = await TestViewer.pair(server);
});
afterAll(() => server.stop());

const KIB = 1_024;
type Piece = { id?: string; name?: string; size?: number; at?: number; bytes: Uint8Array; type?: string };

/** POSTs a piece, as the page does. */
function hand(session: SessionId, { id = "f1", name = "a.png", size, at = 0, bytes, type }: Piece) {
  const query = new URLSearchParams({ id, name, size: String(size ?? bytes.length), at: String(at) });
  return viewer.request("POST", `/api/sessions/${session}/files?${query}`, {
    headers: { "content-type": type ?? "application/octet-stream", origin: server.url },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
}

/** The rows that the audit has of that session, newest first. */
const audited = async (session: SessionId) => {
  const { body } = await viewer.get("/api/audit");
  const { entries } = body as never as { entries: { action: string; session: string; detail: object }[] };
  return entries
    .filter((entry) => entry.session === session)
    .map(({ action, detail }) => ({ action, ...detail }));
};

/** Takes every piece as a wrapper does, and collects it. */
async function takesAll(link: TestLink, size: number, path = "/run/x.png") {
  const taken: Uint8Array[] = [];
  for (let upto = 0; upto < size; ) {
    const { id, at, bytes } = await link.next("file");
    const piece = Buffer.from(bytes, "base64");
    expect(at).toBe(upto);
    expect(piece.length).toBeLessThanOrEqual(LIMITS.filePieceBytes);
    upto += piece.length;
    taken.push(piece);
    link.say({ type: "file_taken", id, upto, path: upto === size ? path : null });
  }
  return Buffer.concat(taken);
}

test("a piece reaches the wrapper in parts, each only when the one before is on disk; then its path comes back", async () => {
  const { link, id } = await TestLink.session(server);
  const bytes = crypto.getRandomValues(new Uint8Array(60 * KIB)); // Three parts by the system's own limit of random.
  const all = Buffer.concat([bytes, bytes, bytes]);
  const taking = takesAll(link, all.length);
  const half = all.subarray(0, 100 * KIB);
  const first = await hand(id, { bytes: half, size: all.length });
  expect(first.body as never).toEqual({ id: "f1", upto: half.length, path: null } as never);
  const second = await hand(id, { bytes: all.subarray(half.length), size: all.length, at: half.length });
  expect(second.body as never).toEqual({ id: "f1", upto: all.length, path: "/run/x.png" } as never);
  expect(await taking).toEqual(all);
  expect(await audited(id)).toEqual([{ action: "file", id: "f1", name: "a.png", size: all.length } as never]);
  link[Symbol.dispose]();
});

test("an answer does not wait behind a file: no more than one part is on its way", async () => {
  const { link, id } = await TestLink.session(server);
  const bytes = new Uint8Array(200 * KIB);
  const handed = hand(id, { bytes });
  await link.until("a part", () => link.heard.some(({ type }) => type === "file"));
  await viewer.post(`/api/sessions/${id}/input`, { id: "i1", text: "hello" });
  await link.until("the text", () => link.heard.some(({ type }) => type === "input"));
  expect(link.heard.filter(({ type }) => type === "file")).toHaveLength(1);
  await takesAll(link, bytes.length);
  expect((await handed).status).toBe(200);
  link[Symbol.dispose]();
});

test("a connection that is lost, or replaced, in the middle is told at once; the same piece then goes to the new one", async () => {
  const { link, id } = await TestLink.session(server);
  const bytes = new Uint8Array(2 * LIMITS.filePieceBytes);
  const replaced = hand(id, { bytes });
  await link.next("file");
  const again = await TestLink.session(server, { id });
  expect((await replaced).body.error?.code).toBe("unreachable");
  const lost = hand(id, { bytes });
  await again.link.next("file");
  again.link[Symbol.dispose]();
  expect((await lost).body.error?.code).toBe("unreachable");

  const third = await TestLink.session(server, { id });
  const handed = hand(id, { bytes });
  await third.link.next("file");
  third.link.say({ type: "file_taken", id: "f1" as FileId, upto: 7, path: null });
  expect((await handed).body as never).toEqual({ id: "f1", upto: 7, path: null } as never);
  third.link[Symbol.dispose]();
  link[Symbol.dispose]();
});

test("SEC-068 names never travel as paths; control characters and what is too long of them go", async () => {
  const { link, id } = await TestLink.session(server);
  const handed = hand(id, {
    name: `../../${"x".repeat(300)}\u0000\u001b[31m.html`,
    bytes: new Uint8Array(3),
  });
  const piece = await link.next("file");
  expect(piece.name).toMatch(/^[^\p{C}]{1,120}$/u);
  link.say({ type: "file_refused", id: piece.id, reason: "disk" });
  expect((await handed).status).toBe(507);
  for (const path of [`/api/sessions/${id}/files`, `/api/sessions/${id}/files/${piece.id}`]) {
    const served = await viewer.get(path);
    expect(served.status).toBe(405);
    expect(served.headers.get("x-content-type-options")).toBe("nosniff");
  }
  link[Symbol.dispose]();
});

test("SEC-068 size, pieces at once and files of a session are capped; nonsense is refused before a wrapper hears of it", async () => {
  const { link, id } = await TestLink.session(server);
  const bytes = new Uint8Array(4);
  const refused = async (piece: Partial<Piece>) => {
    const { status, body } = await hand(id, { bytes, ...piece });
    return [status, body.error?.code];
  };
  expect(await refused({ size: LIMITS.fileBytes + 1 })).toEqual([413, "too_large"]);
  expect(await refused({ bytes: new Uint8Array(LIMITS.bodyBytes + 1) })).toEqual([413, "too_large"]);
  expect(await refused({ at: 1, size: 4 })).toEqual([400, "invalid"]);
  expect(await refused({ size: 0 })).toEqual([400, "invalid"]);
  expect(await refused({ id: "../x" })).toEqual([400, "invalid"]);
  expect(await refused({ type: "image/png" })).toEqual([415, "media_type"]);
  expect(link.heard.filter(({ type }) => type === "file")).toEqual([]);

  const held = Array.from({ length: LIMITS.filesAtOnce }, (_, i) => hand(id, { id: `h${i}`, bytes }));
  const files = () =>
    link.heard.filter(
      (message): message is Extract<ServerMessage, { type: "file" }> => message.type === "file",
    );
  await link.until("all", () => files().length === LIMITS.filesAtOnce);
  expect(await refused({ id: "more" })).toEqual([429, "rate_limited"]);
  for (const one of files()) link.say({ type: "file_taken", id: one.id, upto: 4, path: "/x" });
  for (const one of held) expect((await one).status).toBe(200);
  link[Symbol.dispose]();
});

test("so many files of one session, and no more", async () => {
  const { link, id } = await TestLink.session(server);
  const bytes = new Uint8Array(1);
  const upTo = async () => {
    for (let i = 0; i < LIMITS.files; i++) {
      const one = await link.next("file");
      link.say({ type: "file_taken", id: one.id, upto: 1, path: "/x" });
    }
  };
  const taking = upTo();
  for (let i = 0; i < LIMITS.files; i++) expect((await hand(id, { id: `n${i}`, bytes })).status).toBe(200);
  await taking;
  expect((await hand(id, { id: "one-more", bytes })).body.error?.code).toBe("too_large");
  link[Symbol.dispose]();
});

test("a file that is not wanted any more is told to the wrapper, and whoever still hands it over is refused", async () => {
  const { link, id } = await TestLink.session(server);
  const handed = hand(id, { bytes: new Uint8Array(3) });
  await link.next("file");
  const headers = { origin: server.url };
  expect((await viewer.request("DELETE", `/api/sessions/${id}/files/f1`, { headers })).status).toBe(200);
  expect(await link.next("file_gone")).toEqual({ type: "file_gone", id: "f1" as FileId });
  expect((await handed).body.error?.code).toBe("gone");
  expect((await audited(id)).map(({ action }) => action)).toEqual(["file removed", "file"]);
  link[Symbol.dispose]();
});

test("a wrapper that is gone, or a session that has ended, takes no file", async () => {
  const { link, id } = await TestLink.session(server);
  const handed = hand(id, { bytes: new Uint8Array(3) });
  await link.next("file");
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  expect((await handed).body.error?.code).toBe("gone");
  expect((await hand(id, { bytes: new Uint8Array(3) })).body.error?.code).toBe("gone");
  link[Symbol.dispose]();
});

test("a wrapper that says nothing of a piece for ten seconds is out of reach", async () => {
  const clock = fakeClock();
  await using slow = await testServer({ clock });
  await using phone = await TestViewer.pair(slow);
  const { link, id } = await TestLink.session(slow);
  const query = new URLSearchParams({ id: "f1", name: "a", size: "1", at: "0" });
  const handed = phone.request("POST", `/api/sessions/${id}/files?${query}`, {
    headers: { "content-type": "application/octet-stream", origin: slow.url },
    body: new Uint8Array(1),
  });
  await link.next("file");
  clock.advance(LIMITS.filePieceMs);
  expect((await handed).status).toBe(503);
  link[Symbol.dispose]();
});

test("the commands of so many sessions are kept, the newest", () => {
  const kept = new Commands();
  const known: Command = { name: "a", about: "", from: "user" };
  for (let i = 0; i <= LIMITS.commandSessions; i++) kept.set(`s${i}` as SessionId, [known]);
  expect(kept.of("s0" as SessionId)).toEqual([]);
  expect(kept.of("s1" as SessionId)).toEqual([known]);
});

test("a mode is a wish like a key: sent once, told, and written down with the mode before", async () => {
  const { link, id } = await TestLink.session(server, { permission_mode: "plan" });
  await viewer.listen(id);
  const path = `/api/sessions/${id}/mode`;
  for (let i = 0; i < 2; i++)
    expect(await viewer.post(path, { id: "m1", mode: "auto" })).toMatchObject({
      status: 200,
      body: { stage: "sent" },
    });
  expect(await link.next("mode")).toEqual({ type: "mode", id: "m1", mode: "auto" } as never);
  link.say({ type: "input_refused", id: "m1" as never, reason: "mode_not_offered" });
  await viewer.until("the refusal", ({ inputs }) => inputs.get("m1") === "refused");
  expect(link.heard.filter(({ type }) => type === "mode")).toEqual([]);
  expect(await audited(id)).toEqual([
    { action: "input refused", id: "m1", reason: "mode_not_offered" },
    { action: "mode", id: "m1", mode: "auto", before: "plan" },
  ] as never);
  expect((await viewer.post(path, { id: "m2", mode: "yolo" })).body.error?.code).toBe("invalid");
  viewer.leave();
  link[Symbol.dispose]();
});

test("a session's commands are those that its wrapper said last, cut to what fits, and gone with it", async () => {
  const { link, id } = await TestLink.session(server);
  const commands = async () => {
    const { body } = await viewer.get(`/api/sessions/${id}/commands`);
    return (body as never as { commands: Command[] }).commands;
  };
  expect(await commands()).toEqual([]);
  const model: Command = { name: "model", about: "Set the model", from: "claude", menu: true };
  link.say({ type: "commands", commands: [model] });
  while ((await commands()).length === 0);
  expect(await commands()).toEqual([model]);
  const many = Array.from({ length: LIMITS.commands + 1 }, (_, i) => ({
    ...{ name: `c${i}-${"x".repeat(200)}`, about: "a".repeat(1_000), from: "user" as const },
  }));
  link.say({ type: "commands", commands: many });
  while ((await commands()).length === 1);
  const cut = await commands();
  expect(cut).toHaveLength(LIMITS.commands);
  expect([cut[0]?.name.length, cut[0]?.about.length]).toEqual([
    LIMITS.commandChars,
    LIMITS.commandAboutChars,
  ]);
  link.say({ type: "exit", code: 0, signal: null, reason: "exit" });
  while ((await commands()).length > 0);
  link[Symbol.dispose]();
});
