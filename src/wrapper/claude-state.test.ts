import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClaudeState, type ClaudeStatus, claudeFolder } from "./claude-state.ts";

function world(pid = 42, before: string | null = null) {
  const folder = mkdtempSync(join(tmpdir(), "cr-state-"));
  if (before !== null) {
    mkdirSync(join(folder, "sessions"));
    writeFileSync(join(folder, "sessions", `${pid}.json`), before);
  }
  const seen: ClaudeStatus[] = [];
  let changed = Promise.withResolvers<void>();
  const state = new ClaudeState(folder, pid, (status) => {
    seen.push(status);
    changed.resolve();
    changed = Promise.withResolvers();
  });
  return {
    folder,
    seen,
    state,
    next: () => changed.promise,
    says(status: string, more: object = {}, file = `${pid}.json`) {
      mkdirSync(join(folder, "sessions"), { recursive: true });
      const text = JSON.stringify({ pid, sessionId: "c1", version: "2.1.329", status, ...more });
      writeFileSync(join(folder, "sessions", `${file}.tmp`), text);
      renameSync(join(folder, "sessions", `${file}.tmp`), join(folder, "sessions", file));
    },
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test("each change is told, also when the folder comes later than claude", async () => {
  using here = world();
  let next = here.next();
  here.says("idle");
  await next;
  next = here.next();
  here.says("waiting", { waitingFor: "permission prompt" });
  await next;
  expect(here.seen).toMatchObject([
    { status: "idle" },
    { status: "waiting", waitingFor: "permission prompt" },
  ]);
  expect(here.state.version).toBe("2.1.329");
});

test("what a killed claude with the same pid has left is not this one's state", async () => {
  using here = world(42, JSON.stringify({ pid: 42, sessionId: "c0", version: "2.1.197", status: "waiting" }));
  here.state.look();
  expect([here.seen, here.state.version]).toEqual([[], null]);
  const next = here.next();
  here.says("idle");
  await next;
  expect(here.seen).toMatchObject([{ status: "idle", sessionId: "c1" }]);
});

test("the same words twice are told once, and half a file or another claude's not at all", async () => {
  using here = world();
  here.says("idle");
  here.state.look();
  here.state.look();
  writeFileSync(join(here.folder, "sessions", "42.json"), '{"pid":42,"st');
  here.says("busy", {}, "43.json");
  here.state.look();
  expect(here.seen.map(({ status }) => status)).toEqual(["idle"]);
});

test("a launcher's claude is found by the conversation that a hook named, and no other one in it", async () => {
  using here = world(process.pid);
  const below = Bun.spawn(["sleep", "100"]);
  const says = (status: string, pid: number) =>
    here.says(status, { pid, sessionId: "conversation-9" }, `${pid}.json`);
  says("waiting", process.ppid);
  says("busy", below.pid);
  here.state.look();
  expect(here.seen).toEqual([]);
  here.state.conversation = "conversation-9";
  here.state.look();
  expect(here.seen).toMatchObject([{ status: "busy", pid: below.pid }]);
  rmSync(join(here.folder, "sessions", `${below.pid}.json`)); // As claude does when it ends.
  here.state.look();
  expect(here.seen).toHaveLength(1);
  below.kill();
  await below.exited;
});

test("the folder is where claude itself keeps it", () => {
  expect(claudeFolder({ HOME: "/h" })).toBe("/h/.claude");
  expect(claudeFolder({ HOME: "/h", CLAUDE_CONFIG_DIR: "/c" })).toBe("/c");
});
