// The server dies while claude runs: the desk does not notice, and when a server is back the phone shows the truth.
import { describe, expect } from "bun:test";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { cardReady, kill, openCard, outcome, said, stories, until, type World } from "./world.ts";

const story = stories();
/** What the phone may take, from when a server answers again, to show what is true now, ms. */
const TRUTH_WITHIN_MS = 3_000;

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "a killed server is not noticed at the desk; after its restart the phone shows the truth and can answer",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await world.say(desk, "RUN: touch one.txt ;; RUN: touch two.txt ;; RUN: touch three.txt");
      await openCard(phone, "Run this command?");
      await killServer(world);
      await answerAtDesk(desk, /touch two\.txt/);
      const byServe = await truthAfter(world, phone, () => void world.terminal("serve"));
      await world.picture(phone, "after-restart");
      await phone.part("next").tap();
      await cardReady(phone, "Run this command?");
      expect(await phone.page.locator(".literal").textContent()).toBe("touch two.txt");

      await killServer(world);
      await answerAtDesk(desk, /touch three\.txt/);
      const byCommand = await truthAfter(world, phone, () => world.pairing());
      await phone.part("next").tap();
      await cardReady(phone, "Run this command?");
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await said(desk, "Done: ");
      expect(["one.txt", "two.txt", "three.txt"].map((name) => world.read(name))).toEqual(["", "", ""]);
      console.log(
        `claude ${version}: restart to truth, by serve ${byServe} ms, by a command ${byCommand} ms`,
      );
      expect(Math.max(byServe, byCommand)).toBeLessThan(TRUTH_WITHIN_MS);
    },
  );
});

async function killServer(world: World) {
  const pid = world.serverPid;
  kill(pid, "SIGKILL");
  await until("the server's end", () => !alive(pid));
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Nobody can be told of it now. */
async function answerAtDesk(desk: Terminal, next: RegExp) {
  desk.write("1");
  await desk.waitFor((screen) => next.test(screen) && /Do you want to proceed/.test(screen));
}

/** Ms from when a server answers again until the open card tells who answered it, and that another one waits. */
async function truthAfter(world: World, phone: Phone, start: () => unknown): Promise<number> {
  const truth = Promise.all([
    outcome(phone, /^Answered at the desk/),
    phone.reads(phone.part("next"), /Next one waiting/),
  ]).then(() => performance.now());
  const up = world.serverAnswers().then(() => performance.now());
  await start();
  return Math.round((await truth) - (await up));
}
