// What a launch tells of a wrapper that cannot say hello; the shell and the wrapper's process are this machine's own.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../command.ts";
import type { SessionId } from "../protocol.ts";
import { refusal } from "../seal.ts";
import { logFile, logPath } from "../wrapper/log-file.ts";
import { hello } from "./hello.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError } from "./ssh-errors.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "cr-hello-"));
const children: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

const setup = { run: folder, folder: null, ask: false };
const SESSION = "0198c0de-0000-7000-8000-000000000001";

/** A process that stands for the wrapper, and what is written to its log. */
async function wrapper() {
  const child = Bun.spawn(["sleep", "600"]);
  children.push(child);
  const ssh = await Ssh.open({ kind: "local", name: "box1", dir: null }, setup);
  const begun = { pid: child.pid, session: SESSION, log: logPath(folder) };
  return { child, ssh, begun, log: logFile(folder, SESSION), other: logFile(folder, "another") };
}

const never = (end: AbortSignal) =>
  new Promise<SessionId>((_, fail) => end.addEventListener("abort", () => fail(end.reason)));
const errorOf = async (work: Promise<unknown>) => {
  const error = await work.catch((reason) => reason);
  if (!(error instanceof LaunchError)) throw new Error(`no LaunchError: ${error}`);
  return error;
};

test.each([
  ["revoked", /does not let its wrapper in \(This machine was revoked on the server/, /Remove this devbox/],
  ["protocol", /does not let its wrapper in \(This claude-remote and the server are of different/, /^Update/],
  ["busy", /does not let its wrapper in \(The server has too many wrappers/, /max_wrappers/],
] as const)(
  "a wrapper that the server refuses (%s) is ended at once, with that reason",
  async (code, message, next) => {
    const { child, ssh, begun, log, other } = await wrapper();
    other("offline", { reason: "of another session", refused: "device" });
    log("offline", { reason: refusal(code).message, refused: code });
    const error = await errorOf(hello(ssh, begun, { waitFor: never, signal: undefined }));
    expect(error.class).toBe("server");
    expect(error.message).toMatch(message);
    expect(error.next).toMatch(next);
    await child.exited;
  },
);

test("a line that is only lost is waited for: it may come back", async () => {
  const { ssh, begun, log } = await wrapper();
  log("offline", { reason: "the connection closed (1006)" });
  const there = Promise.withResolvers<SessionId>();
  const script = ssh.script.bind(ssh);
  ssh.script = async (...read) => {
    const said = await script(...read);
    expect(said.out).toContain("1006");
    there.resolve(SESSION as SessionId);
    return said;
  };
  const came = await hello(ssh, begun, { waitFor: () => there.promise, signal: undefined });
  expect<string>(came).toBe(SESSION);
});

test("a server that cannot be asked any more is named, with its own words", async () => {
  const { child, ssh, begun } = await wrapper();
  const refused = new CommandError("https://relay.example.net does not let this machine operate it any more");
  const waitFor = () => Promise.reject(refused);
  const error = await errorOf(hello(ssh, begun, { waitFor, signal: undefined }));
  expect(error.message).toBe(
    "box1: claude ran there, but the server could not be asked about it (https://relay.example.net does not let this machine operate it any more)",
  );
  await child.exited;
});

test("who calls it off hears that, and nothing is left", async () => {
  const { child, ssh, begun, log } = await wrapper();
  log("offline", { reason: "no answer" });
  const called = new AbortController();
  const error = errorOf(hello(ssh, begun, { waitFor: never, signal: called.signal }));
  called.abort();
  expect((await error).class).toBe("stopped");
  await child.exited;
});
