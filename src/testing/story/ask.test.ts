// Tools on the list `ask` are asked about although claude's mode would let them pass; and who may raise a question.
import { describe, expect } from "bun:test";
import { cpSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { openCard, outcome, said } from "./acts.ts";
import { filesBelow, textOf, until } from "./processes.ts";
import { stories, type World } from "./world.ts";

const story = stories();

/** A mode in which each version writes files without asking; the older one has no auto mode that does. */
const freely = (version: string) => (version === "2.1.197" ? "acceptEdits" : "auto");

async function desk(world: World, ...args: string[]): Promise<Terminal> {
  const terminal = world.terminal(...args, "--permission-mode", freely(world.version));
  await world.idle(terminal);
  return terminal;
}

/** The folder of the one run there is, with the hooks and their socket. */
function runFolder(world: World): string {
  const socket = filesBelow(world.own).find((path) => path.endsWith("hook.sock"));
  return join(world.own, socket?.replace(/\/hook\.sock$/, "") ?? "no run");
}

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a tool on the list asks, runs once it is approved; one that is not on it just runs",
    version,
    async (world) => {
      const [terminal, phone] = await Promise.all([desk(world, "--ask", "Write,mcp__*"), world.phone()]);
      await world.say(terminal, "SAFE ;; WRITE: listed.txt one ;; EDIT: listed.txt|one|two");
      await openCard(phone, "Write this file?");
      await world.picture(phone, "asked-anyway");
      expect(world.read("listed.txt")).toBeNull();
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await said(terminal, "Done: ");
      expect(world.read("listed.txt")).toBe("two\nsecond line\n");
      expect(world.questions).toBe(1);

      await world.say(terminal, "SAFE ;; WRITE: no.txt never ;; SAY: understood");
      await phone.part("next").tap();
      await openCard(phone, "Write this file?");
      await phone.part("deny").tap();
      await outcome(phone, /Claude accepted/);
      await said(terminal, "understood");
      expect(world.read("no.txt")).toBeNull();

      await phone.part("next").tap();
      await phone.page.getByRole("link", { name: "Audit log" }).tap();
      await phone.part("deed").nth(8).waitFor();
      const deeds = (await phone.part("deed").allInnerTexts()).reverse();
      expect(deeds.filter((deed) => !deed.startsWith("The answer reached"))).toEqual([
        `The owner's command enrolled ${hostname()}`,
        ...["A pairing was opened", expect.stringMatching(/ was paired$/)],
        ...["Claude asked: Write", expect.stringMatching(/: Approve$/), "Claude took the answer"],
        ...["Claude asked: Write", expect.stringMatching(/: Deny$/), "Claude took the answer"],
      ]);
      await phone.page.locator("summary").filter({ hasText: ": Deny" }).tap();
      await phone.page.locator(".audit-inside .edit-text").first().waitFor();
      await world.picture(phone, "audit");
    },
  );

  story(
    "without the list nothing asks, and without anybody at the socket a listed tool still does",
    version,
    async (world) => {
      const plain = await desk(world);
      expect(readdirSync(join(runFolder(world), "hooks"))).toEqual(["hooks.json"]);
      expect(textOf(join(runFolder(world), "hooks", "hooks.json"))).not.toContain("PreToolUse");
      await world.say(plain, "SAFE ;; WRITE: free.txt one");
      await said(plain, "Done: ");
      expect([world.read("free.txt"), world.questions]).toEqual(["one\nsecond line\n", 0]);
      plain.kill("SIGTERM");
      await plain.exited;

      const listed = await desk(world, "--ask", "Write");
      const copy = join(world.own, "copy");
      cpSync(runFolder(world), copy, { recursive: true, filter: (path) => !path.endsWith(".sock") });
      listed.kill("SIGTERM");
      await listed.exited;

      const alone = world.bareClaude(`--plugin-dir=${copy}`, "--permission-mode", freely(version));
      await world.idle(alone);
      await world.say(alone, "SAFE ;; WRITE: alone.txt one");
      await alone.waitFor(/Do you want to create alone\.txt\?/, { timeout: 30_000 });
      const state = join(world.own, "..", ".claude", "sessions", `${alone.pid}.json`);
      await until("claude's word that it waits", () => /"status":\s*"waiting"/.test(textOf(state)));
      expect(world.read("alone.txt")).toBeNull();
      // A key that comes as soon as the dialog is drawn is not taken.
      const pressing = setInterval(() => world.read("alone.txt") === null && alone.write("1"), 1_000);
      await said(alone, "Done: ").finally(() => clearInterval(pressing));
      expect(world.read("alone.txt")).toBe("one\nsecond line\n");
      expect(world.questions).toBe(0);
      alone.kill("SIGTERM");
      await alone.exited;
    },
  );

  story(
    "SEC-035 a process outside this run's claude raises no card, and one inside can answer none",
    version,
    async (world) => {
      const [terminal, phone] = await Promise.all([world.desk(), world.phone()]);
      const folder = runFolder(world);
      const hooks = JSON.parse(textOf(join(folder, "hooks", "hooks.json"))).hooks;
      const { command, args } = hooks.PermissionRequest[0].hooks[0];
      const forged = JSON.stringify({
        ...{ hook_event_name: "PermissionRequest", session_id: "forged", tool_name: "Bash" },
        tool_input: { command: "echo forged" },
      });
      const outside = Bun.spawn([command, ...args], {
        env: { CLAUDE_PLUGIN_ROOT: folder },
        stdin: Buffer.from(forged),
        stdout: "pipe",
      });
      expect(await new Response(outside.stdout).text()).toBe("");
      expect(world.questions).toBe(0);
      const log = textOf(join(world.own, "state", "logs", "wrapper.log"));
      expect(log).toContain(`"event":"hook refused","pid":${outside.pid}`);

      // What a tool of claude's asks, claude does not wait for: it is over in ten seconds, and nothing came of it.
      await Bun.write(join(world.project, "forged.json"), forged);
      const run = `CLAUDE_PLUGIN_ROOT=${folder} ${[command, ...args].join(" ")} < forged.json`;
      await world.say(terminal, `RUN: ${run}; echo over ;; SAY: nothing ran`);
      await openCard(phone, "Run this command?");
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      const { results } = await world.api.waitFor(({ step }) => step === 1, { timeout: 30_000 });
      expect(results[0]?.text).toBe("over");
      await said(terminal, "nothing ran");
      expect(world.questions).toBe(2);
    },
  );
});
