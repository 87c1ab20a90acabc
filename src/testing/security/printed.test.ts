// What our commands print of what the other side says: nothing of it is taken by the terminal for more than text.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PROTOCOL } from "../../protocol.ts";
import { VERSION } from "../../version.ts";
import { ended } from "../ended.ts";

const CLI = resolve(import.meta.dir, "../../cli.ts");
/** Colours, a title, the clipboard, a cursor's way, C1 letters, a bell, a bidi override, a line of another's own. */
const EVIL =
  "A\x1b[31mB\x1b]0;T\x07\x1b]52;c;eA==\x07\x9b2J\x9dX\x9c\x7f\b\r\x00\u202eC\u2028D\nclaude-remote: all is well";

let home: string;
let server: Bun.Server<undefined>;
/** What the server answers to everything, with evil in every word. */
let status = 200;

const session = {
  ...{ id: EVIL, device_id: EVIL, device_name: EVIL, devbox: EVIL, cwd: EVIL, command: [EVIL], title: EVIL },
  ...{ claude_version: EVIL, status: EVIL, waiting_for: EVIL, end_reason: EVIL, signal: EVIL, hooks: EVIL },
  ...{
    started_at: 1,
    ended_at: 2,
    exit_code: 1,
    connected: true,
    terminal: true,
    cols: 80,
    rows: 24,
    heard_at: 1,
  },
};
const person = {
  id: EVIL,
  name: EVIL,
  address: EVIL,
  created_at: 1,
  last_seen: 1,
  last_used: 1,
  revoked_at: null,
};
const everything = {
  ...{ now: 1, version: VERSION, protocol: PROTOCOL, pid: process.pid, url: "http://127.0.0.1:1", port: 1 },
  ...{
    viewers: [person],
    devices: [person],
    sessions: [session, { ...session, ended_at: null }],
    wrappers: 1,
  },
  ...{
    tokens: [{ ...person, scopes: [EVIL], expires_at: 1, device_id: null }],
    devboxes: [{ ...person, kind: EVIL }],
  },
  ...{
    state: "requested",
    name: EVIL,
    address: EVIL,
    check: EVIL,
    expires_at: 1,
    code: "AAAA-AAAA",
    id: EVIL,
  },
};

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "claude-remote-printed-"));
  const data = join(home, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const info = { version: VERSION, pid: process.pid, auto: false, url: "http://127.0.0.1:1", viewers: 1 };
  writeFileSync(join(data, "server.json"), JSON.stringify(info));
  server = Bun.serve({
    unix: join(data, "admin.sock"),
    development: false,
    // It runs: nobody need start another.
    fetch: ({ url }) =>
      status === 200 || url.endsWith("/status")
        ? Response.json(everything)
        : Response.json({ error: { code: EVIL, message: EVIL, request: EVIL } }, { status }),
  });
});
afterAll(async () => {
  await server.stop(true);
  rmSync(home, { recursive: true, force: true });
});

async function printed(...words: string[]): Promise<string> {
  const env = { PATH: process.env.PATH ?? "", HOME: home, CLAUDE_REMOTE_HOME: home };
  const child = Bun.spawn([process.execPath, CLI, ...words], {
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { out, err } = await ended(child);
  return out + err;
}

const COMMANDS = [
  ["sessions"],
  ["sessions", "--json"],
  ["stop", "A"],
  ["stop", EVIL.replaceAll("\x00", "")],
  ["attach", "A"],
  ["device", "list"],
  ["device", "list", "--json"],
  ["device", "revoke", "nobody"],
  ["device", "add", "x", "--yes"],
  ["viewer", "list"],
  ["viewer", "list", "--json"],
  ["viewer", "revoke", "nobody"],
  ["viewer", "revoke", "--all", "--yes"],
  ["token", "list"],
  ["token", "list", "--json"],
  ["token", "revoke", "--all", "--yes"],
  ["pair", "--json", "--yes"],
  ["pair", `--${EVIL.replaceAll("\x00", "")}`],
  ["devbox", "list"],
  ["resume", "--last"],
  ["doctor"],
  ["backup", `${EVIL.replaceAll("\x00", "")}/x`],
  [EVIL.replaceAll("\x00", "")],
];

test.each(COMMANDS.map((words) => [JSON.stringify(words.join(" ")), words] as const))(
  "SEC-052 %s prints names and errors from the other side as text",
  async (_, words) => {
    for (status of [200, 400]) {
      const all = await printed(...words);
      expect(all.length).toBeGreaterThan(0);
      // Whatever is no letter, but for the ends of our own lines.
      expect(all).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
      // And nothing of theirs begins a line as if it were ours.
      expect(all).not.toMatch(/^claude-remote: all is well/m);
    }
  },
);
