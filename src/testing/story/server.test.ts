// The server dies while claude runs: the desk does not notice, and when a server is back the phone shows the truth.
import { describe, expect } from "bun:test";
import type { Phone } from "../page.ts";
import { claudeVersions } from "../real-claude.ts";
import type { Terminal } from "../terminal.ts";
import { ALLOWANCE, cardReady, openCard, outcome, painted, quickest } from "./acts.ts";
import { kill, until } from "./processes.ts";
import { stories, type World } from "./world.ts";

const story = stories();
/** What the phone may take, from when a server answers again, to show what is true now, ms. */
const TRUTH_WITHIN_MS = 3_000;
/** One for each restart that there may be, one for the phone, and one that shows that claude goes on. */
const FILES = ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt", "6.txt", "7.txt", "8.txt"];

describe.each([...claudeVersions])("claude %s", (version) => {
  story(
    "SEC-045 a killed server is not noticed at the desk; after its restart the phone shows the truth and can answer",
    version,
    async (world) => {
      const [desk, phone] = await Promise.all([world.desk(), world.phone()]);
      await world.say(desk, FILES.map((file) => `RUN: touch ${file}`).join(" ;; "));
      await openCard(phone, "Run this command?");
      const waiting = [...FILES];
      const measure = (start: () => unknown) =>
        quickest(TRUTH_WITHIN_MS, () => killed(world, desk, phone, { waiting, start }));
      const byServe = await measure(() => void world.terminal("serve"));
      await world.picture(phone, "after-restart");
      const byCommand = await measure(() => world.pairing());

      const [file = ""] = waiting;
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/);
      await until("the file", () => world.read(file) === "");
      await asked(desk, waiting[1] ?? "");
      for (const earlier of FILES.slice(0, FILES.indexOf(file))) expect(world.read(earlier)).toBe("");
      console.log(
        `claude ${version}: restart to truth, by serve ${byServe} ms, by a command ${byCommand} ms`,
      );
      expect(Math.max(byServe, byCommand)).toBeLessThan(ALLOWANCE * TRUTH_WITHIN_MS);
    },
  );
});

type Restart = {
  /** The files that the open question and those after it are about. */
  waiting: string[];
  start: () => unknown;
};

/** The server is killed, the desk answers what is open, claude asks again, a server starts: ms until the phone knows. */
async function killed(world: World, desk: Terminal, phone: Phone, { waiting, start }: Restart) {
  const pid = world.serverPid;
  kill(pid, "SIGKILL");
  await until("the server's end", () => !kill(pid, 0));
  await asked(desk, waiting.shift() ?? "");
  desk.write("1");
  const [next = ""] = waiting;
  await asked(desk, next);
  const ms = await truthAfter(world, phone, start);
  await phone.part("next").tap();
  await cardReady(phone, "Run this command?");
  expect(await phone.page.locator(".literal").textContent()).toBe(`touch ${next}`);
  return ms;
}

/** Waits until the desk shows the question about this file. */
const asked = (desk: Terminal, file: string) => desk.waitFor(new RegExp(`^\\s+touch ${file}$`, "m"));

/** Ms from when a server answers again until the open card tells who answered it, and that another one waits. */
async function truthAfter(world: World, phone: Phone, start: () => unknown): Promise<number> {
  const truth = Promise.all([
    painted(phone, "outcome", /^Answered at the desk/),
    painted(phone, "next", /Next one waiting/),
  ]).then((times) => Math.max(...times));
  const up = world.serverAnswers().then(() => performance.now());
  await start();
  return Math.round((await truth) - (await up));
}
