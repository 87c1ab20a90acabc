// The real claude on a devbox: started from a terminal, asked and answered from a phone, with the line cut in the middle.
import { expect, test } from "bun:test";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionId } from "../../protocol.ts";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import { until } from "../story/processes.ts";
import { DevboxWorld, PATIENCE_MS } from "./world.ts";

const TEST_MS = 300_000;
const ALL = process.env.CLAUDE_REMOTE_TEST_ALL === "1";
/** How long the line is cut: with --all long enough that both ends give the connection up. */
const CUT_MS = ALL ? 60_000 : 5_000;

/** One shell's words that set this environment, whatever is in it. */
const exported = (env: Record<string, string>) =>
  Object.entries(env)
    .filter(([name]) => name !== "HOME")
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");

for (const version of ALL ? claudeVersions : claudeVersions.slice(-1)) {
  test(
    `claude ${version} on a devbox: a phone asks and approves, the line is cut in the middle of the turn, and all is right soon after`,
    async () => {
      await using api = await messagesApi();
      await using home = await claudeHome({ api });
      writeFileSync(join(home.home, ".profile"), `${exported(home.env)}PATH=$HOME/bin:$PATH\n`);
      writeFileSync(join(home.home, ".bash_profile"), ". ~/.profile\n");
      await Bun.$`mkdir -p ${join(home.home, "bin")}`.quiet();
      symlinkSync(claudePath(version), join(home.home, "bin", "claude"));
      await using world = await DevboxWorld.open([{ name: "box", home: home.home }]);
      const link = await world.add("box");
      const words = ["ssh", "--detach", "--dir", home.project, "box", "--permission-mode", "default"];
      const id = (await world.run(...words)) as SessionId;
      const phone = await world.phone(id);
      const at = () => phone.sessions.get(id);
      await phone.until("claude idle", () => at()?.status === "idle");
      await phone.until("its input box", () => /\? for shortcuts|(mode|edits) on/.test(phone.text));
      const seconds = CUT_MS / 1_000 + 2;
      const text = `RUN: touch begun && sleep ${seconds} && touch made.txt && echo hi-there`;
      const input = crypto.randomUUID();
      expect((await phone.post(`/api/sessions/${id}/input`, { id: input, text })).status).toBe(200);
      const typed = await phone.until("typed", () =>
        /delivered|seen|refused/.exec(phone.inputs.get(input) ?? ""),
      );
      expect(typed[0]).not.toBe("refused");
      const prompt = await phone.until("a card", () =>
        [...phone.prompts.values()].find(({ stage }) => stage === "open"),
      );
      expect((await phone.answer("approve", prompt)).status).toBe(200);
      await phone.until("accepted", () => phone.prompts.get(prompt.id)?.stage === "accepted");
      await until("the command runs", () => existsSync(join(home.project, "begun")), PATIENCE_MS);

      link.set("hold");
      await Bun.sleep(CUT_MS); // What is tested is that much time without a line.
      const [backAt, before] = [Date.now(), performance.now()];
      link.set("pass");
      await phone.until(
        "connected, and heard over the line that is back",
        () => at()?.connected === true && (at()?.heard_at ?? 0) >= backAt,
      );
      const rightAfter = performance.now() - before;
      console.log(
        `claude ${version}: right ${rightAfter.toFixed(0)} ms after ${CUT_MS / 1_000} s without a line`,
      );
      await until(
        "the command ended",
        () => existsSync(join(home.project, "made.txt")),
        CUT_MS + PATIENCE_MS,
      );
      await phone.until("idle again", () => at()?.status === "idle");
      await phone.until("its screen", () => phone.text.includes("hi-there"));

      await world.run("stop", id);
      await world.clean("box");
    },
    TEST_MS,
  );
}
