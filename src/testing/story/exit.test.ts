// How claude ends is how we end, and the phone is told.
import { describe, expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { leave, openSession } from "./acts.ts";
import { kill } from "./processes.ts";
import { stories } from "./world.ts";

const story = stories();

describe.each([...claudeVersions])("claude %s", (version) => {
  story("/exit ends with 0, and the phone shows that the session has ended", version, async (world) => {
    const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
    await openSession(phone);
    expect(await leave(desk)).toEqual({ code: 0, signal: null });
    await phone.reads(phone.part("word"), /^Ended \d\d:\d\d · /);
    await phone.reads(phone.part("over"), /This session has ended/);
    await phone.reads(phone.page.locator(".terminal"), /Claude Code/); // Its last screen, also where claude left a full screen.
    await world.picture(phone, "ended");
  });

  story(
    "a claude killed by a signal ends us as it would end without us, and the phone shows by what",
    version,
    async (world) => {
      const bare = world.bareClaude("--permission-mode", "default");
      const [terminated, killed, phone] = await Promise.all([
        world.desk(),
        world.desk(),
        world.phone(),
        world.idle(bare),
      ]);
      await phone.page.locator("a.row").nth(1).waitFor();
      kill(await world.claudePid(killed), "SIGKILL");
      expect(await killed.exited).toEqual({ code: null, signal: "SIGKILL" });
      await phone.reads(phone.part("word"), /^Ended \d\d:\d\d, killed by SIGKILL/);
      bare.kill("SIGTERM");
      kill(await world.claudePid(terminated), "SIGTERM");
      expect(await terminated.exited).toEqual(await bare.exited);
      await phone.page.locator(".row-item.ended").nth(1).waitFor();
      await world.picture(phone, "list-ended");
    },
  );
});
