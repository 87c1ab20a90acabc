// What breaks while one is attached: the server, the session's own terminal, one's own.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { program as binary } from "../program.ts";
import { TEST_MS, textOf, until } from "../transparency/rig.ts";
import { LEAVE, PATIENT, Place } from "./place.ts";

setDefaultTimeout(TEST_MS);

let place: Place;
beforeAll(async () => {
  place = await Place.open();
}, TEST_MS);
afterAll(() => place[Symbol.asyncDispose](), TEST_MS);

/** Says each key that it reads, the bytes in hex. */
const KEYS = [
  "stty raw -echo; printf '[ready]'",
  "while :; do key=$(dd bs=1 count=1 2>/dev/null | od -An -tx1); printf '<%s>' $key; [ $key = 71 ] && exit 0; done",
].join("; ");

/** The server, started as a user does, in the place of the one that is gone. */
function serve() {
  const child = Bun.spawn([binary(), "serve"], {
    env: place.side.env,
    stdio: ["ignore", "ignore", "ignore"],
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

const alive = (pid: number) =>
  textOf(`/proc/${pid}/stat`) !== "" && !/ [ZX] /.test(textOf(`/proc/${pid}/stat`));

test("a server that is killed and comes back: what was typed meanwhile is typed once, and all goes on", async () => {
  await using program = place.side.terminal(["sh", "-c", KEYS]);
  await program.waitFor(/\[ready\]/, PATIENT);
  await using attached = place.attach(await place.newest());
  await attached.waitFor(/\[ready\]/, PATIENT);
  attached.write("a");
  await attached.waitFor(/<61>/, PATIENT);
  const { pid } = place.rig.server();
  attached.write("b");
  process.kill(pid, "SIGKILL");
  await until("the server's end", () => !alive(pid));
  attached.write("c");
  {
    await using _server = serve();
    await attached.waitFor(/\[ready\]<61><62><63>/, PATIENT);
    attached.write("d");
    await attached.waitFor(/<61><62><63><64>$/, PATIENT);
    expect(program.screen()).toBe(attached.screen().slice(-program.screen().length));
  }
  // It is gone for longer now, and what is typed then is never typed.
  await attached.waitFor(/no contact with the session for \d s, waiting/, PATIENT);
  await attached.waitFor(/no contact with the session for \d+ s, what is typed now is lost/, PATIENT);
  attached.write("e");
  await using _server = serve();
  await attached.waitFor(/\[ready\]<61><62><63><64>$/, PATIENT);
  attached.write("q");
  expect(await attached.exited).toEqual({ code: 0, signal: null });
  expect(program.screen()).toMatch(/\[ready\]<61><62><63><64><71>$/);
  await program.exited;
});

test("one can leave while the server is gone", async () => {
  await using program = place.side.terminal(["sh", "-c", KEYS]);
  await program.waitFor(/\[ready\]/, PATIENT);
  await using attached = place.attach(await place.newest());
  await attached.waitFor(/\[ready\]/, PATIENT);
  const { pid } = place.rig.server();
  process.kill(pid, "SIGKILL");
  await attached.waitFor(/no contact with the session/, PATIENT);
  attached.write(LEAVE);
  expect(await attached.exited).toEqual({ code: 0, signal: null });
  await using _server = serve();
  program.write("q");
  await program.exited;
});
