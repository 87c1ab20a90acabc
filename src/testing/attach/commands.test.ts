// `sessions`, `stop`, and what `attach` refuses.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Session } from "../../protocol.ts";
import { TEST_MS } from "../transparency/rig.ts";
import { PATIENT, Place } from "./place.ts";

setDefaultTimeout(TEST_MS);

let place: Place;
beforeAll(async () => {
  place = await Place.open();
}, TEST_MS);
afterAll(() => place[Symbol.asyncDispose](), TEST_MS);

async function start(script = 'printf "[ready]"; read -r _') {
  const terminal = place.side.terminal(["sh", "-c", script]);
  await terminal.waitFor(/\[ready\]/, PATIENT);
  return { terminal, session: await place.newest() };
}

test("sessions lists open ones and ended ones, for people and for scripts; stop ends one and says so", async () => {
  const { terminal, session } = await start();
  await using _terminal = terminal;
  const short = session.id.slice(0, 8);
  const { out } = await place.run("sessions");
  expect(out).toMatch(new RegExp(`^${short}\\S*  \\w+  terminal +\\d+ s  /\\S+/w  \\(.+\\)$`, "m"));
  const json = JSON.parse((await place.run("sessions", "--json")).out) as { sessions: Session[] };
  expect(json.sessions.find(({ id }) => id === session.id)).toMatchObject({
    cwd: place.rig.cwd,
    terminal: true,
  });
  const stopped = await place.run("stop", session.id.slice(0, 13));
  expect(stopped).toEqual({ out: "", err: expect.stringMatching(/^[\da-f-]+ has ended\.\n$/), code: 0 });
  expect((await terminal.exited).signal).toBe("SIGTERM");
  expect((await place.run("sessions")).out).toMatch(
    new RegExp(`^${short}\\S*  ended \\(stopped\\) +\\d+ s ago`, "m"),
  );
  const again = await place.run("stop", session.id);
  expect(again).toEqual({ out: "", err: expect.stringContaining("has ended already"), code: 1 });
});

test("stop says after five seconds that it still runs", async () => {
  const { terminal, session } = await start("trap '' TERM; printf '[ready]'; while read -r line; do :; done");
  await using _terminal = terminal;
  const { err, code } = await place.run("stop", session.id);
  expect({ err, code }).toEqual({ err: expect.stringMatching(/still runs after 5 s\n$/), code: 1 });
  terminal.write("\x04");
  await terminal.exited;
});

describe("refused, in a sentence and with a code", () => {
  test.each([
    ["a session that nobody knows", ["stop", "ffff"], 1, "there is no session ffff"],
    ["stop without a session", ["stop"], 2, "Usage:"],
    ["attach without a terminal", ["attach"], 2, "needs a terminal"],
    ["a flag that nobody knows", ["sessions", "--yaml"], 2, "Usage:"],
  ] as const)("%s", async (_, words, code, words2) => {
    const reply = await place.run(...words);
    expect(reply.code).toBe(code);
    expect(reply.err).toContain(words2);
  });

  test.each([
    ["keys that are none", ["--detach-key", "q"], 3, /names no keys/],
    ["lines that are no number", ["--lines", "many"], 2, /Usage/],
    ["a session that is not there", ["ffff"], 1, /no session ffff/],
  ] as const)("attach with %s", async (_, words, code, said) => {
    await using terminal = place.side.terminal(["attach", ...words]);
    await terminal.waitFor(said, PATIENT);
    expect((await terminal.exited).code).toBe(code);
  });

  test("attach and stop below a running claude", async () => {
    const { terminal, session } = await start();
    await using _terminal = terminal;
    for (const word of ["attach", "stop"]) {
      const env = { ...place.side.env, CLAUDECODE: "1" };
      await using below = place.side.terminal([word, session.id], { env });
      await below.waitFor(/not below a running claude/, PATIENT);
      expect((await below.exited).code).toBe(5);
    }
    terminal.write("\r");
    expect((await terminal.exited).code).toBe(0);
  });
});

test("other keys leave where one asks for them", async () => {
  const { terminal, session } = await start();
  await using _terminal = terminal;
  await using attached = place.attach(session, {}, "--detach-key", "ctrl-a d");
  await attached.waitFor(/Ctrl-a d leaves it running/, PATIENT);
  await attached.waitFor(/\[ready\]/, PATIENT);
  attached.write("\x01d");
  expect((await attached.exited).code).toBe(0);
  terminal.write("\r");
  await terminal.exited;
});
