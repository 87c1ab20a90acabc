// A session outlives its terminal, and gets another: named where one starts again, answering queries once, ended at will.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Session } from "../../protocol.ts";
import { TEST_MS, until } from "../transparency/rig.ts";
import { LEAVE, PATIENT, Place } from "./place.ts";

setDefaultTimeout(TEST_MS);

let place: Place;
beforeAll(async () => {
  place = await Place.open();
}, TEST_MS);
afterAll(() => place[Symbol.asyncDispose](), TEST_MS);

const TESTDATA = join(import.meta.dir, "..", "transparency", "testdata");
/** What the program is sent: Enter, the emulator's answers to its four questions once, `x`, Ctrl-C. */
const ANSWERED_ONCE =
  /^\r\x1b\[\?[\d;]+c\x1bP>\|claude-remote\x1b\\\x1b\[\d+;\d+R\x1b\]11;rgb:[\da-f/]+\x1b\\x\x03$/;

/** A session whose terminal was closed. */
async function detached(words: string[], ready: string): Promise<Session> {
  const outer = place.side.outer(words); // Not ended here: what it ran goes on.
  await outer.seen(ready);
  const { id } = await place.newest();
  await place.heard(id);
  outer.hangUp();
  return place.session((one) => one.id === id && one.connected && !one.terminal);
}

test("queries are answered once, by the emulator, also where a terminal is attached that could", async () => {
  const session = await detached([process.execPath, join(TESTDATA, "asks.ts")], "[asked 1]");
  await using attached = place.attach(session);
  await attached.waitFor(/\[asked 1\]/, PATIENT);
  await place.session((one) => one.id === session.id && one.terminal && one.attached === 1);
  attached.write("\r");
  await attached.waitFor(/\[asked 2\]/, PATIENT);
  attached.write("x");
  attached.write("\x03");
  await attached.exited;
  const said = /<([0-9a-f\s]+)>/.exec(attached.scrollback())?.[1]?.replaceAll(/\s/g, "") ?? "";
  expect(Buffer.from(said, "hex").toString("latin1")).toMatch(ANSWERED_ONCE);
  expect(attached.screen()).toContain("has ended (exit code 0)");
});

test("the next claude-remote in that folder names it, and none in another folder; attached it has a terminal again", async () => {
  const session = await detached(
    ["sh", "-c", 'printf "[ready]"; read -r line; echo "got $line"; read -r _'],
    "[ready]",
  );
  const line = `claude-remote: a session of this folder goes on without a terminal: claude-remote attach ${session.id.slice(0, 13)}`;
  const next = async (cwd: string) => {
    await using terminal = place.side.terminal(["sh", "-c", "printf started"], { cwd });
    await terminal.exited;
    return terminal.screen().replaceAll("\n", "");
  };
  expect(await next(place.rig.cwd)).toBe(`${line}started`);
  expect(await next(place.rig.folder)).toBe("started");
  await using attached = place.attach({ id: session.id.slice(0, 13) }, { cols: 80, rows: 24 });
  await place.session((one) => one.id === session.id && one.terminal && one.cols === 80);
  await attached.waitFor(/\[ready\]/, PATIENT);
  expect(await next(place.rig.cwd)).toBe("started");
  attached.write("words\r");
  await attached.waitFor(/got words/, PATIENT);
  attached.write(LEAVE);
  await attached.exited;
  await place.session((one) => one.id === session.id && !one.terminal);
  expect(await next(place.rig.cwd)).toBe(`${line}started`);
  const { code } = await place.run("stop", session.id);
  expect(code).toBe(0);
  expect(await next(place.rig.cwd)).toBe("started");
});

test("without a name the session that nobody sits before is attached to", async () => {
  await using other = place.side.terminal(["sh", "-c", 'printf "[other]"; read -r _']);
  await other.waitFor(/other/, PATIENT);
  await place.newest(); // Not that one.
  const session = await detached(["sh", "-c", 'printf "[alone]"; read -r _'], "[alone]");
  await using attached = place.side.outer(["attach"]);
  await attached.seen("[alone]");
  attached.hangUp();
  await attached.exited;
  await place.session((one) => one.id === session.id && !one.terminal);
  await place.run("stop", session.id);
  other.write("\r");
  await other.exited;
});

test("Ctrl-Z is claude's, and a claude that suspends itself goes on at once", async () => {
  const session = await detached([process.execPath, join(TESTDATA, "suspends.ts"), "10", "10"], "[ready]");
  await using attached = place.attach(session);
  await attached.waitFor(/\[ready\]/, PATIENT);
  attached.write("\x1a");
  await attached.waitFor(/is suspended[\s\S]*\[back\]/, PATIENT);
  attached.write("k");
  await attached.waitFor(/\[key k\]/, PATIENT);
  attached.write("q");
  expect((await attached.exited).code).toBe(4);
});

test("a session whose terminal is closed goes on for whoever is attached", async () => {
  await using program = place.side.outer([
    "sh",
    "-c",
    'printf "[ready]"; read -r line; echo "got $line"; read -r _',
  ]);
  await program.seen("[ready]");
  const session = await place.newest();
  await using attached = place.attach(session);
  await attached.waitFor(/\[ready\]/, PATIENT);
  await place.heard(session.id);
  program.hangUp();
  await until("a detached wrapper", async () => {
    const { out } = await place.run("sessions", "--json");
    const { sessions } = JSON.parse(out) as { sessions: Session[] };
    return sessions.find(({ id }) => id === session.id)?.ended_at === null;
  });
  attached.write("words\r");
  await attached.waitFor(/got words/, PATIENT);
  attached.write("\r");
  expect((await attached.exited).code).toBe(0);
});
