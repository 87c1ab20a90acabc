// Two homes of one machine stand for two machines: what is carried between them, and what never is lost.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SshDevbox } from "../devbox/devbox.ts";
import type { ConversationId } from "../protocol.ts";
import { until as comes } from "../testing/story/processes.ts";
import { isConversationId } from "./conversation.ts";
import { projectFolder } from "./folder.ts";
import { APPEND, type Connection, failureOf, rsyncWords, until } from "./rsync.ts";
import { localShell } from "./script.ts";
import { fetchTo, syncBack, syncThere } from "./sync.ts";

const idOf = (text: string): ConversationId => {
  if (!isConversationId(text)) throw new Error("not an id");
  return text;
};
const id = idOf("aaaaaaaa-1111-4111-8111-111111111111");
const record = (text: string) => `${JSON.stringify({ type: "user", text })}\n`;

let root = "";
let env: Record<string, string | undefined> = {};
let ssh: Connection;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "cr-sync-")));
  for (const who of ["me", "dev"]) {
    mkdirSync(join(root, who, "app"), { recursive: true });
    mkdirSync(join(root, who, ".claude"));
  }
  const { PATH } = process.env;
  env = { PATH, HOME: join(root, "me") };
  const devbox = { kind: "local", name: "buildbox", dir: null } as const;
  ssh = {
    devbox,
    setup: { run: root, folder: null, ask: false },
    ...localShell({ PATH, HOME: join(root, "dev") }),
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const app = (who: "me" | "dev") => join(root, who, "app");
const fileOf = (who: "me" | "dev", directory = app(who)) =>
  join(root, who, ".claude", "projects", projectFolder(directory), `${id}.jsonl`);
function put(who: "me" | "dev", text: string, directory?: string) {
  mkdirSync(dirname(fileOf(who, directory)), { recursive: true });
  writeFileSync(fileOf(who, directory), text);
}
/** Written so many seconds ago. */
function age(who: "me" | "dev", seconds: number) {
  const at = Date.now() / 1000 - seconds;
  utimesSync(fileOf(who), at, at);
}
const read = (who: "me" | "dev", directory?: string) => readFileSync(fileOf(who, directory), "utf8");
const back = () => syncBack(ssh, { id, cwd: app("dev") }, env);
/** A claude of that home that runs now and has the conversation open. */
function open(who: "me" | "dev") {
  const folder = join(root, who, ".claude", "sessions");
  mkdirSync(folder, { recursive: true });
  const state = { sessionId: id, cwd: app(who), startedAt: Date.now() };
  writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(state));
}

describe("after a turn", () => {
  test("the file comes to the folder of the same directory below this home, for nobody else to read", async () => {
    put("dev", record("one"));
    expect(await back()).toEqual({ how: "copied", path: fileOf("me"), note: null });
    expect(read("me")).toBe(record("one"));
    expect(statSync(fileOf("me")).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(fileOf("me"))).mode & 0o777).toBe(0o700);
    expect(Math.floor(statSync(fileOf("me")).mtimeMs / 1000)).toBe(
      Math.floor(statSync(fileOf("dev")).mtimeMs / 1000),
    );
  });

  test("what was added is added, into the copy that there is, wherever that stands", async () => {
    put("me", record("one"), join(root, "me", "elsewhere"));
    put("dev", record("one") + record("two"));
    expect(await back()).toMatchObject({ how: "grown", path: fileOf("me", join(root, "me", "elsewhere")) });
    expect(read("me", join(root, "me", "elsewhere"))).toBe(record("one") + record("two"));
    expect(existsSync(fileOf("me"))).toBe(false);
    expect(await back()).toMatchObject({ how: "same" });
  });

  test("only what is new crosses the wire", async () => {
    const large = record("x".repeat(3_000_000));
    put("dev", large);
    await back();
    appendFileSync(fileOf("dev"), record("two"));
    const inode = statSync(fileOf("me")).ino;
    expect(await back()).toMatchObject({ how: "grown" });
    expect(read("me")).toBe(large + record("two"));
    expect(statSync(fileOf("me")).ino).toBe(inode);
  });

  test("a copy that was cut in its middle is completed", async () => {
    put("dev", record("one") + record("two"));
    await back();
    truncateSync(fileOf("me"), 20);
    expect(await back()).toMatchObject({ how: "grown" });
    expect(read("me")).toBe(record("one") + record("two"));
  });

  test("a longer copy here stays as it is", async () => {
    put("dev", record("one"));
    put("me", record("one") + record("two"));
    expect(await back()).toMatchObject({ how: "same" });
    expect(read("me")).toBe(record("one") + record("two"));
  });

  test("a copy that says something else stays, and the other is kept beside it, each time anew", async () => {
    put("me", record("mine") + record("more of mine"));
    put("dev", record("theirs"));
    const beside = `${fileOf("me")}.buildbox`;
    const first = await back();
    expect(first).toMatchObject({ how: "beside", path: beside, note: expect.stringContaining(beside) });
    put("dev", record("other") + record("and longer") + record("than before"));
    await back();
    expect(readFileSync(beside, "utf8")).toBe(record("other") + record("and longer") + record("than before"));
    expect(read("me")).toBe(record("mine") + record("more of mine"));
  });

  test("nothing is written into a file that a claude has open here", async () => {
    put("me", record("one"));
    put("dev", record("one") + record("two"));
    open("me");
    await expect(back()).rejects.toMatchObject({ class: "open_here" });
    expect(read("me")).toBe(record("one"));
  });

  test("a conversation in which nothing was said yet has no file", async () => {
    expect(await back()).toEqual({ how: "none", path: null, note: null });
  });

  test("subagents' files come too; a newer one here stays; links are left out", async () => {
    put("dev", record("one"));
    const there = join(fileOf("dev").replace(".jsonl", ""), "subagents");
    mkdirSync(there, { recursive: true });
    writeFileSync(join(there, "agent-a.jsonl"), record("of an agent"));
    writeFileSync(join(there, "agent-b.jsonl"), record("older"));
    symlinkSync("/etc/passwd", join(there, "agent-c.jsonl"));
    await back();
    const here = join(fileOf("me").replace(".jsonl", ""), "subagents");
    expect(readdirSync(here).sort()).toEqual(["agent-a.jsonl", "agent-b.jsonl"]);
    expect(statSync(join(here, "agent-a.jsonl")).mode & 0o777).toBe(0o600);
    writeFileSync(join(here, "agent-b.jsonl"), record("newer and longer"));
    utimesSync(join(here, "agent-b.jsonl"), Date.now() / 1000, Date.now() / 1000 + 10);
    await back();
    expect(readFileSync(join(here, "agent-b.jsonl"), "utf8")).toBe(record("newer and longer"));
  });

  test("a machine where no claude ever ran gets none", async () => {
    put("dev", record("one"));
    rmSync(join(root, "me", ".claude"), { recursive: true });
    expect(await back()).toMatchObject({ how: "none" });
    expect(readdirSync(join(root, "me"))).toEqual(["app"]);
  });

  test("a conversation that is too large is not carried, and that is said", async () => {
    put("dev", "");
    truncateSync(fileOf("dev"), 257 * 1024 * 1024);
    await expect(back()).rejects.toMatchObject({
      class: "too_large",
      message: expect.stringContaining("257 MB"),
    });
  });
});

describe("before it goes on here", () => {
  test("the file comes into the folder of the directory that was asked for, whatever stands in others", async () => {
    put("me", record("one"));
    put("dev", record("one") + record("two"));
    const directory = join(root, "me", "漢字 it's");
    mkdirSync(directory);
    expect(await fetchTo(directory, ssh, id, env)).toMatchObject({
      how: "copied",
      path: fileOf("me", directory),
    });
    expect(read("me", directory)).toBe(record("one") + record("two"));
    expect(read("me")).toBe(record("one"));
  });

  test("of two copies that say something else the newer one is gone on with, and the other is not lost", async () => {
    put("me", record("mine"));
    put("dev", record("theirs"));
    age("dev", 60);
    expect(await fetchTo(app("me"), ssh, id, env)).toMatchObject({ how: "beside" });
    expect(read("me")).toBe(record("mine"));
    expect(readFileSync(`${fileOf("me")}.buildbox`, "utf8")).toBe(record("theirs"));
    age("me", 120);
    const { how, note } = await fetchTo(app("me"), ssh, id, env);
    expect(how).toBe("copied");
    expect(read("me")).toBe(record("theirs"));
    const aside = readdirSync(dirname(fileOf("me"))).find((name) => /\.jsonl\.\d{14}$/.test(name)) ?? "";
    expect(readFileSync(join(dirname(fileOf("me")), aside), "utf8")).toBe(record("mine"));
    expect(note).toContain(aside);
  });
});

describe("before it goes on there", () => {
  const there = (directory: string) => syncThere(ssh, id, directory, env);

  test("the file goes to the folder of that directory as it is called without links", async () => {
    put("me", record("one"));
    symlinkSync(app("dev"), join(root, "dev", "link"));
    expect(await there("~/link")).toEqual({
      how: "copied",
      path: fileOf("dev"),
      directory: app("dev"),
      note: null,
    });
    expect(read("dev")).toBe(record("one"));
    expect(statSync(fileOf("dev")).mode & 0o777).toBe(0o600);
    appendFileSync(fileOf("me"), record("two"));
    expect(await there("~/link")).toMatchObject({ how: "grown" });
    expect(read("dev")).toBe(record("one") + record("two"));
    expect(await there(app("dev"))).toMatchObject({ how: "same" });
  });

  test("what is longer there stays; what says something else is set aside there", async () => {
    put("me", record("one"));
    put("dev", record("one") + record("two"));
    expect(await there("~/app")).toMatchObject({ how: "same" });
    expect(read("dev")).toBe(record("one") + record("two"));
    put("dev", record("theirs"));
    expect(await there("~/app")).toMatchObject({ how: "same", note: expect.stringContaining("newer") });
    expect(read("dev")).toBe(record("theirs"));
    age("dev", 60);
    expect(await there("~/app")).toMatchObject({ how: "copied", note: expect.stringContaining("buildbox") });
    expect(read("dev")).toBe(record("one"));
    const aside = readdirSync(dirname(fileOf("dev"))).filter((name) => name !== `${id}.jsonl`);
    expect(aside.map((name) => readFileSync(join(dirname(fileOf("dev")), name), "utf8"))).toEqual([
      record("theirs"),
    ]);
  });

  test("no directory, no file, a claude that has it open there: each is said", async () => {
    await expect(there("~/app")).rejects.toMatchObject({ class: "no_file" });
    put("me", record("one"));
    await expect(there("~/nowhere")).rejects.toMatchObject({ class: "no_dir" });
    await expect(there("~/app\nrm -rf ~")).rejects.toMatchObject({ class: "no_dir" });
    open("dev");
    await expect(there("~/app")).rejects.toMatchObject({ class: "open_there" });
  });

  test("subagents' files go, too", async () => {
    put("me", record("one"));
    const here = join(fileOf("me").replace(".jsonl", ""), "subagents");
    mkdirSync(here, { recursive: true });
    writeFileSync(join(here, "agent-a.jsonl"), record("of an agent"));
    await there("~/app");
    const copy = join(fileOf("dev").replace(".jsonl", ""), "subagents", "agent-a.jsonl");
    expect(readFileSync(copy, "utf8")).toBe(record("of an agent"));
  });
});

describe("the words for rsync", () => {
  const devbox: SshDevbox = {
    kind: "ssh",
    name: "box",
    host: "::1",
    user: "dev",
    port: 2201,
    key: "/keys/a key",
    dir: null,
  };
  const words = (there: string) =>
    rsyncWords({
      ssh: { ...ssh, devbox, setup: { run: "/run/it's here", folder: null, ask: false } },
      ...{ there, here: "/h/x", to: "here", options: APPEND },
    });

  test("SEC-059 ssh is called with our own words, each of them one; paths stand behind --", () => {
    const all = words("/home/dev/.claude/projects/-x/a.jsonl");
    const rsh = all[all.indexOf("-e") + 1] ?? "";
    expect(rsh).toMatch(/^ssh -T -a -x -o ControlMaster=auto -o 'ControlPath="\/run\/it''s here\/s-/);
    expect(rsh).toEndWith("-i '/keys/a key' -p 2201 -l dev");
    expect(all.slice(-3)).toEqual(["--", "[::1]:/home/dev/.claude/projects/-x/a.jsonl", "/h/x"]);
    expect(all).not.toContain("--protect-args");
  });

  test("SEC-059 a path that a shell there could read as more than a path is sent past it", () => {
    for (const path of [
      "/home/a b/x",
      "/home/$(id)/x",
      "/home/a;b/x",
      "/home/*/x",
      "/home/漢/x",
      "/home/a'b/x",
    ])
      expect(words(path)).toContain("--protect-args");
  });
});

test("whoever does not want it any more ends the rsync that carries it, though it does not listen", async () => {
  put("dev", record("one"));
  const [bin, pid] = [join(root, "bin"), join(root, "pid")];
  mkdirSync(bin);
  const script = `#!/bin/sh\ntrap '' TERM\necho $$ >${pid}.new && mv ${pid}.new ${pid}\nexec sleep 600\n`;
  writeFileSync(join(bin, "rsync"), script, { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${bin}:${PATH}`;
  try {
    const end = new AbortController();
    const carried = syncBack(until(end.signal, ssh), { id, cwd: app("dev") }, env).catch((reason) => reason);
    await comes("rsync", () => existsSync(pid));
    end.abort();
    expect(await carried).toMatchObject({ class: "stopped" });
    expect(existsSync(`/proc/${readFileSync(pid, "utf8").trim()}`)).toBe(false);
  } finally {
    process.env.PATH = PATH;
  }
});

test.each([
  [
    12,
    "sh: 1: rsync: not found\nrsync: connection unexpectedly closed (0 bytes received so far) [Receiver]",
    "no_rsync_there",
  ],
  [127, "bash: line 1: rsync: command not found", "no_rsync_there"],
  [127, "rsync: not found here", "no_rsync_here"],
  [2, "protocol version mismatch -- is your shell clean?", "shell_noise"],
  [11, 'rsync: [receiver] write failed on "/x": No space left on device (28)', "disk_full"],
  [3, 'rsync: change_dir "/x" failed: Permission denied (13)', "forbidden"],
  [255, "ssh: connect to host h port 22: Connection refused", "lost"],
  [12, "rsync: connection unexpectedly closed", "lost"],
  [30, "io timeout after 30 seconds -- exiting", "lost"],
  [1, "syntax or usage error", "failed"],
] as const)("exit code %d with %j is %s", (code, said, failure) => {
  const error = failureOf("buildbox", code, said);
  expect(error.class).toBe(failure);
  expect(error.next.length).toBeGreaterThan(10);
});
