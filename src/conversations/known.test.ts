// What machines, the server and its sessions say of conversations, as one list.
import { expect, test } from "bun:test";
import type { ConversationId, DeviceId, Session, SessionId } from "../protocol.ts";
import type { Ends } from "./conversation.ts";
import { projectFolder } from "./folder.ts";
import { known, type Seen, type Told } from "./known.ts";
import type { Recorded } from "./recorded.ts";
import type { Running } from "./script.ts";

const A = "aaaaaaaa-1111-4111-8111-111111111111" as ConversationId;
const B = "bbbbbbbb-2222-4222-8222-222222222222" as ConversationId;
const NOBODY: Told = { recorded: [], sessions: [], own: ["local" as DeviceId] };

/** A file in which somebody said so, at that time, in that directory. */
function file(id: ConversationId, cwd: string, at: number, text: string, folder = projectFolder(cwd)): Ends {
  const timestamp = new Date(at).toISOString();
  const record = { type: "user", uuid: "u", cwd, timestamp, message: { content: text } };
  const head = `${JSON.stringify(record)}\n`;
  return { id, folder, bytes: head.length, modifiedAt: at, head, tail: head };
}
const seen = (where: string | null, files: Ends[], running: Running[] = []): Seen => ({
  where,
  listed: { home: where === null ? "/home/me" : "/home/dev", folder: "/c", running, files },
});
const row = (id: ConversationId, device: string, at: number): Recorded => ({
  ...{ id, device_id: device as DeviceId, device_name: device, directory: "/home/dev/app", title: "A title" },
  ...{ opening: "first words", at, sessions: ["s"] },
});
const session = (id: string, device: string, conversation: ConversationId, more: Partial<Session> = {}) =>
  ({
    ...{
      id: id as SessionId,
      device_id: device as DeviceId,
      device_name: device,
      conversation,
      cwd: "/home/dev/app",
    },
    ...{ ended_at: null, connected: true, ...more },
  }) as Session;

test("the newest comes first; copies of one conversation are one entry, with the newest copy first", () => {
  const here = seen(null, [file(A, "/home/me/app", 1_000, "older"), file(B, "/home/me/b", 2_000, "b")]);
  const there = seen("buildbox", [file(A, "/home/dev/app", 3_000, "older")]);
  expect(known([here, there], NOBODY)).toMatchObject([
    {
      id: A,
      first: "older",
      copies: [
        { where: "buildbox", directory: "/home/dev/app", at: 3_000, recorded: false },
        { where: null, directory: "/home/me/app", at: 1_000, recorded: false },
      ],
    },
    { id: B, copies: [{ where: null, directory: "/home/me/b" }] },
  ]);
});

test("a copy that came from another machine is in the same directory below this home", () => {
  const moved = file(A, "/home/dev/app", 1_000, "said there", projectFolder("/home/me/app"));
  expect(known([seen(null, [moved])], NOBODY)[0]?.copies).toMatchObject([{ directory: "/home/me/app" }]);
});

test("what the server remembers counts for machines that were not asked, and only for those", () => {
  const told = { ...NOBODY, recorded: [row(A, "lab", 5_000), row(B, "buildbox", 6_000), row(B, "local", 1)] };
  expect(known([seen(null, []), seen("buildbox", [])], told)).toEqual([
    {
      ...{ id: A, title: "A title", first: "first words", open: [] },
      copies: [{ where: "lab", directory: "/home/dev/app", at: 5_000, bytes: null, recorded: true }],
    },
  ]);
});

test("who has it open: sessions, and claudes beyond those; an ended session has nothing open", () => {
  const running = [
    { pid: 7, conversation: A, cwd: "/home/dev/app" },
    { pid: 8, conversation: A, cwd: "/home/dev/app" },
  ];
  const there = seen("buildbox", [file(A, "/home/dev/app", 1, "x")], running);
  const one = session("s1", "buildbox", A);
  const away = session("s2", "lab", A, { connected: false });
  const ended = session("s3", "buildbox", A, { ended_at: 9 });
  const [found] = known([there], { ...NOBODY, sessions: [one, away, ended] });
  expect(found?.open).toEqual([
    { where: "buildbox", directory: "/home/dev/app", session: "s1" as SessionId, pid: null, connected: true },
    { where: "lab", directory: "/home/dev/app", session: "s2" as SessionId, pid: null, connected: false },
    { where: "buildbox", directory: "/home/dev/app", session: null, pid: 8, connected: true },
  ]);
  expect(known([there], NOBODY)[0]?.open.map(({ pid }) => pid)).toEqual([7, 8]);
});

test("sessions of this very machine are here", () => {
  const here = seen(
    null,
    [file(A, "/home/me/app", 1, "x")],
    [{ pid: 7, conversation: A, cwd: "/home/me/app" }],
  );
  const [found] = known([here], { ...NOBODY, sessions: [session("s1", "local", A)] });
  expect(found?.open).toMatchObject([{ where: null, session: "s1" }]);
});
