// The server's own machine as a devbox: the compiled server starts a wrapper without a terminal, for a phone.
import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended } from "../ended.ts";
import { openBrowser, Phone } from "../page.ts";
import { program } from "../program.ts";
import { cardReady, outcome } from "../story/acts.ts";
import { kill, nameOf, processesOf, until } from "../story/processes.ts";

const PATIENCE = { timeout: 90_000 };
const STORY_MS = 240_000;

/** A home with a claude of which only its login shell knows, and a server that was started in the background. */
function home() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "cr-own-")));
  const claude = join(folder, "bin", "claude");
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "shop"));
  writeFileSync(claude, `#!/bin/sh\nexec ${program()} demo-claude --demo-script=/dev/null "$@"\n`);
  chmodSync(claude, 0o755);
  const env = {
    ...{ HOME: folder, PATH: `${join(folder, "bin")}:/usr/bin:/bin`, SHELL: "/bin/sh", TMPDIR: folder },
    ...{ CLAUDE_REMOTE_HOME: join(folder, "cr"), CLAUDE_REMOTE_PORT: "0" },
  };
  return {
    folder,
    async command(...words: string[]): Promise<string> {
      const child = Bun.spawn([program(), ...words], { env, stdin: "ignore", stderr: "pipe" });
      const { out, err, code } = await ended(child);
      if (code !== 0) throw new Error(`${words.join(" ")}: ${err}`);
      return out;
    },
    async [Symbol.asyncDispose]() {
      const unix = join(folder, "cr", "data", "admin.sock");
      await fetch("http://localhost/shutdown", { method: "POST", unix, body: "{}" }).catch(() => null);
      const left = () => processesOf(folder);
      await until("the end of all processes", () => left().length === 0).catch(() => {});
      const names = left().map(nameOf);
      for (const pid of left()) kill(pid, "SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      if (names.length > 0) throw new Error(`left behind: ${names.join(", ")}`);
    },
  };
}

test(
  "a phone starts a session on the server's own machine, answers it, and ends it",
  async () => {
    const browser = await openBrowser();
    try {
      await using own = home();
      await using phone = await Phone.open(browser);
      const { url } = JSON.parse(await own.command("pair", "--json", "--yes")) as { url: string };
      await phone.goto(url);
      await phone.button("Pair this phone").tap();
      await phone.part("link").filter({ hasText: "Live" }).waitFor();
      await phone.page.getByRole("link", { name: "New session" }).tap();
      const dir = phone.page.getByLabel("Directory", { exact: true });
      await dir.fill("~/sh");
      await phone.button("shop/").tap();
      expect(await dir.inputValue()).toBe("~/shop/");
      await phone.page.getByLabel("First message", { exact: true }).fill("RUN: echo here >result.txt");
      await phone.button("Start").tap();
      await phone.page.locator("a.ask-bar:visible").tap(PATIENCE);
      await cardReady(phone, "Run this command?");
      await phone.part("approve").tap();
      await outcome(phone, /Claude accepted/, PATIENCE.timeout);
      const result = join(own.folder, "shop", "result.txt");
      await until("the command ran", () => existsSync(result), PATIENCE.timeout);
      const listed = await own.command("sessions");
      expect(listed).toContain("shop");
      await phone.goto(`${new URL(url).origin}/`);
      await phone.page.locator("a.row:visible").first().tap();
      await phone.part("more").tap();
      expect(await phone.part("badge").isVisible()).toBe(false); // The session is on the screen by now.
      await phone.button("Stop …").tap();
      await phone.button("Stop Claude").tap();
      await phone.reads(phone.part("word"), /Ended/, PATIENCE);
      await until("only the server is left", () => processesOf(own.folder).length === 1, PATIENCE.timeout);
    } finally {
      await browser.close();
    }
  },
  STORY_MS,
);
