// The conversation on the phone is the one at the desk: calls, edits, /clear, a resume, a server that was away.
import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import { enter, leave, openSession, said } from "./acts.ts";
import { kill, until } from "./processes.ts";
import { stories } from "./world.ts";

const story = stories();

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "the phone reads what was said and done, through /clear and a resume, each once",
    version,
    async (world) => {
      writeFileSync(join(world.project, "a.txt"), "alpha\nbeta\ngamma\n");
      const [desk, phone] = await Promise.all([world.desk("acceptEdits"), world.phone()]);
      await world.say(desk, "READ: a.txt ;; EDIT: a.txt|beta|BETA ;; SAY: the letters are larger");
      await said(desk, "the letters are larger");
      await openSession(phone);
      await phone.page.getByRole("tab", { name: "Conversation" }).tap();
      await reads(phone, /the letters are larger/);
      await phone.reads(phone.page.locator(".said.call"), /Read\s*a\.txt/);
      const edit = phone.page.locator(".said.call").filter({ hasText: "Edit" });
      await phone.reads(edit.locator(".edit-line.gone"), /2.*−.*beta/s);
      await phone.reads(edit.locator(".edit-line.new"), /2.*\+.*BETA/s);
      await phone.reads(edit.locator(".line-outcome"), /s · \+1 −1$/);
      await world.picture(phone, "conversation");

      await world.idle(desk);
      await enter(desk, "/clear");
      await desk.waitFor((screen) => !screen.includes("the letters are larger"));
      await world.say(desk, "SAY: a new beginning");
      await said(desk, "a new beginning");
      await reads(phone, /a new beginning/);
      await phone.reads(phone.page.locator(".said.begins"), /A new conversation/);
      await world.picture(phone, "conversation-after-clear");
      await world.idle(desk);
      await leave(desk);

      const again = world.terminal("--continue", "--permission-mode", "acceptEdits");
      await world.say(again, "SAY: and on it goes");
      await said(again, "and on it goes");
      await phone.goto(new URL("/", phone.page.url()).href);
      await openSession(phone);
      await phone.page.getByRole("tab", { name: "Conversation" }).tap();
      await reads(phone, /and on it goes/);
      expect(await words(phone, "user")).toEqual(["SAY: a new beginning", "SAY: and on it goes"]);
      expect(await words(phone, "answer")).toEqual(["a new beginning", "and on it goes"]);
      await world.picture(phone, "conversation-resumed");
    },
  );

  story("a server that was away in the middle leaves neither gap nor duplicate", version, async (world) => {
    const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
    const one = (i: number) => `the ${i}th thing`;
    await world.say(desk, `SAY: ${one(1)}`);
    await said(desk, one(1));
    await openSession(phone);
    await phone.page.getByRole("tab", { name: "Conversation" }).tap();
    await reads(phone, new RegExp(one(1)));
    const pid = world.serverPid;
    kill(pid, "SIGKILL");
    await until("the server's end", () => !kill(pid, 0));
    for (const i of [2, 3]) {
      await world.say(desk, `SAY: ${one(i)}`);
      await said(desk, one(i));
    }
    world.terminal("serve");
    await world.say(desk, `SAY: ${one(4)}`);
    await said(desk, one(4));
    await reads(phone, new RegExp(one(4)));
    expect(await words(phone, "answer")).toEqual([1, 2, 3, 4].map(one));
    expect(await words(phone, "user")).toEqual([1, 2, 3, 4].map((i) => `SAY: ${one(i)}`));
  });
});

/** Waits until claude has said so on the phone. */
const reads = (phone: Phone, wanted: RegExp) =>
  phone.reads(phone.page.locator(".said.answer .markdown"), wanted);

/** Everything that one side has said, in the order of the page. */
function words(phone: Phone, side: "user" | "answer"): Promise<string[]> {
  const text = side === "user" ? ".said.user .user-text" : ".said.answer .markdown";
  return phone.page.locator(text).allInnerTexts();
}
