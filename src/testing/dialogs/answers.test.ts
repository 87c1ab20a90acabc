// Every dialog that can be provoked, on each version of the real claude, answered by keys with each of its options.
import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Answer, Prompt } from "../../protocol.ts";
import { claudeVersions } from "../real-claude.ts";
import { json, put, ScreenClaude, type ScreenClaudeOptions } from "./screen-claude.ts";

/** Claudes at the same time. */
const AT_ONCE = 3;
const ALL_MS = 600_000;
const NEWER = "2.1.329";
const MCP = join(import.meta.dir, "../../wrapper/dialogs/testdata/mcp-server.ts");

/** What cannot be tried: it starts a turn of its own, or needs a network. Shown in the table. */
const NOT_TRIED = ["settings-error\tfix", "settings-warning\tfix", "search\tapprove", "fetch\talways"];
/** What was done, for the table: dialog, answer, version. */
const done = new Map<string, string>();

type Scene = {
  name: string;
  options?: Omit<ScreenClaudeOptions, "version">;
  /** On versions from this one on. */
  from?: string;
  play: (claude: ScreenClaude, give: Give, version: string) => Promise<void>;
};
/** Answers the dialog of that name, which must be raised once, and notes it; the end must be the expected one. */
type Give = (dialog: string, option: string, more?: Omit<Answer, "option">, as?: string) => Promise<void>;

const settings = (content: object): Omit<ScreenClaudeOptions, "version"> => ({
  prepare: ({ home }) => put(home, ".claude/settings.json", content),
});
const mcpServers = (names: string[]): Omit<ScreenClaudeOptions, "version"> => ({
  prepare: ({ project }) =>
    put(project, ".mcp.json", {
      mcpServers: Object.fromEntries(names.map((name) => [name, { command: "true" }])),
    }),
});
const untrusted: Omit<ScreenClaudeOptions, "version"> = {
  prepare: ({ home }) => {
    const path = join(home, ".claude.json");
    put(home, ".claude.json", { ...json(path), projects: {} });
  },
};
const imports: Omit<ScreenClaudeOptions, "version"> = {
  prepare: ({ home, project }) => {
    put(home, "outside.md", "Words from outside.\n");
    put(project, "CLAUDE.md", `@${home}/outside.md\n`);
  },
};
const withMcp: Omit<ScreenClaudeOptions, "version"> = {
  args: [
    "--mcp-config",
    JSON.stringify({ mcpServers: { desk: { command: process.execPath, args: [MCP] } } }),
  ],
};
const bypass = { mode: "bypassPermissions", env: { IS_SANDBOX: "1" } };
const asks = (rules: string[]) => ({
  prepare: ({ home, project }: { home: string; project: string }) => {
    put(home, ".claude/settings.json", { permissions: { ask: rules } });
    put(
      home,
      ".claude/skills/greet/SKILL.md",
      "---\nname: greet\ndescription: Says hello\n---\nSay hello.\n",
    );
    put(project, "a.txt", "alpha\nbeta\ngamma\n");
    put(project, "n.ipynb", {
      cells: [{ cell_type: "code", id: "c1", metadata: {}, outputs: [], source: ["1"] }],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    });
  },
});
const DENIED = /doesn't want to (proceed|take this action)/;

const SCENES: Scene[] = [
  {
    name: "commands",
    play: async (claude, give) => {
      await claude.say("RUN: touch one.txt");
      await give("bash", "approve");
      await claude.until("one.txt", () => claude.has("one.txt"));
      await claude.say("RUN: touch two.txt");
      await give("bash", "reject");
      await claude.say("RUN: touch three.txt");
      await give("bash", "reject", { text: "use echo" }, "reject with words");
      expect(await claude.result(/use echo/)).toMatch(DENIED);
      await claude.say(
        "RUN: git init -q ;; RUN: git commit --allow-empty -q -m first ;; RUN: git commit --allow-empty -q -m second",
      );
      await give("bash", "approve", {}, "approve");
      await give("bash", "always");
      await claude.idle();
      expect(JSON.stringify(json(claude.path(".claude/settings.local.json")))).toContain("git commit");
      expect([claude.has("two.txt"), claude.has("three.txt")]).toEqual([false, false]);
    },
  },
  {
    name: "files",
    options: asks(["Skill"]),
    play: async (claude, give) => {
      await claude.say("READ: /etc/hostname ;; WRITE: new.txt hello");
      await give("read", "approve");
      await give("write", "approve");
      await claude.until("new.txt", () => claude.has("new.txt"));
      await claude.say("WRITE: no.txt hello");
      await give("write", "reject");
      await claude.say("READ: /etc/os-release");
      await give("read", "reject");
      await claude.say("READ: a.txt ;; WRITE: a.txt other ;; READ: n.ipynb");
      await give("overwrite", "approve");
      await claude.idle();
      await claude.say('TOOL: NotebookEdit {"notebook_path":"n.ipynb","cell_id":"c1","new_source":"2"}');
      await give("notebook", "reject", { text: "leave it" }, "reject with words");
      await claude.say("EDIT: a.txt|other|another");
      await give("edit", "reject");
      await claude.say('TOOL: Skill {"skill":"greet"}');
      await give("skill", "reject");
      await claude.say('TOOL: Skill {"skill":"greet"}');
      await give("skill", "approve");
      await claude.idle();
      await claude.say("EDIT: a.txt|other|another ;; WRITE: more.txt x");
      await give("edit", "always");
      await claude.until("more.txt, without a question", () => claude.has("more.txt"));
      expect(claude.has("no.txt")).toBe(false);
    },
  },
  {
    name: "the web",
    play: async (claude, give) => {
      await claude.say("WEBFETCH: http://127.0.0.1:9/page");
      await give("fetch", "reject");
      await claude.say('TOOL: WebSearch {"query":"claude"}');
      await give("search", "reject");
      await claude.say("WEBFETCH: http://127.0.0.1:9/page");
      await give("fetch", "approve");
      await claude.idle();
    },
  },
  {
    name: "questions",
    play: async (claude, give) => {
      await claude.say("ASK");
      await give("question", "answer", { answers: { any: "Green" } }, "a choice");
      expect(await claude.result(/Green/)).toContain("Which color");
      await claude.idle();
      await claude.say("ASK");
      await give("question", "answer", { answers: { any: "a dark purple" } }, "own words");
      await claude.result(/a dark purple/);
      await claude.idle();
      await claude.say("ASK");
      await give("question", "reject");
      await claude.idle();
      await claude.say("ASK: multi");
      await give("question", "[ ] Search", {}, "mark");
      await give("question", "submit");
      await give("review", "submit");
      expect(await claude.result(/Which features/)).toContain("Search");
      await claude.idle();
      await claude.say("ASK: multi");
      await give("question", "submit");
      await give("review", "reject");
    },
  },
  {
    name: "a plan, refused and approved",
    options: { mode: "plan" },
    play: async (claude, give) => {
      await claude.say("PLAN");
      await give("plan", "reject", { text: "more tests" }, "reject with words");
      await claude.result(/more tests/);
      await claude.idle();
      await claude.say("PLAN");
      await give("plan", "reject");
      await claude.idle();
      await claude.say("PLAN");
      await give("plan", "approve");
      await claude.result(/approved your plan/i);
    },
  },
  {
    name: "a plan in auto mode, and none",
    options: { mode: "plan" },
    play: async (claude, give) => {
      await claude.say("TOOL: ExitPlanMode {}");
      await give("leave-plan", "reject");
      await claude.say("TOOL: ExitPlanMode {}");
      await give("leave-plan", "approve");
      await claude.idle();
    },
  },
  {
    name: "a plan in auto mode",
    options: { mode: "plan" },
    play: async (claude, give) => {
      await claude.say("PLAN");
      await give("plan", "mode-auto");
      await claude.result(/approved your plan/i);
    },
  },
  {
    name: "MCP tools and forms",
    options: withMcp,
    play: async (claude, give, version) => {
      await Bun.sleep(1_000); // The server says what it can.
      await claude.say('TOOL: mcp__desk__echo {"text":"hi there"}');
      await give("mcp", "reject");
      await claude.say('TOOL: mcp__desk__echo {"text":"hi there"}');
      await give("mcp", "approve");
      await claude.result(/hi there/);
      await claude.idle();
      if (version < NEWER) return; // Says that it is busy while a form stands.
      await claude.say("TOOL: mcp__desk__ask {}");
      await give("mcp", "always");
      await give("form", "submit", { answers: { Name: "Ada", Agree: "yes" } });
      expect(await claude.result(/accept/)).toContain('{"name":"Ada","agree":true}');
      await claude.idle();
      await claude.say("TOOL: mcp__desk__ask {}");
      await give("form", "reject");
      await claude.result(/decline/);
    },
  },
  {
    name: "a subagent, with a hook that could not wait",
    options: { hooks: "at once" },
    from: NEWER,
    play: async (claude, give) => {
      await claude.say("AGENT: RUN: touch sub.txt ,, WRITE: note.txt hello");
      const asked = await claude.asked("bash");
      expect(asked).toMatchObject({ kind: "permission", tool: "Bash", input: { command: "touch sub.txt" } });
      await give("bash", "approve", {}, "approve (subagent)");
      await claude.until("sub.txt", () => claude.has("sub.txt"));
      expect((await claude.asked("write")).input).toMatchObject({ content: "hello\nsecond line\n" });
      await give("write", "reject", { text: "not this" }, "reject with words (subagent)");
      await claude.result(/not this/);
      expect(claude.has("note.txt")).toBe(false);
    },
  },
  {
    name: "a subagent, without hooks",
    play: async (claude, give) => {
      await claude.say("AGENT: RUN: touch sub.txt");
      expect(await claude.asked("bash")).toMatchObject({ kind: "dialog", agent: "general-purpose" });
      await give("bash", "approve", {}, "approve (subagent, no hooks)");
      await claude.until("sub.txt", () => claude.has("sub.txt"));
    },
  },
  {
    name: "a hook that ends before its dialog",
    options: { hooks: "waiting" },
    play: async (claude, give) => {
      await claude.say("RUN: touch kept.txt");
      const before = await claude.asked("bash");
      expect(before.options.map(({ label }) => label)).toContain("Approve");
      claude.letGo();
      const changed = () =>
        claude.said.findLast((one) => one.type === "prompt" && one.prompt.digest !== before.digest);
      await claude.until("the dialog's own options", changed);
      await give("bash", "approve", {}, "approve (hook ended)");
      await claude.until("kept.txt", () => claude.has("kept.txt"));
    },
  },
  {
    name: "auto mode cannot check, stay",
    options: { mode: "auto" },
    from: NEWER,
    play: async (claude, give) => {
      put(claude.home.home, "old/file.txt", "x");
      await claude.say(`RUN: rm -rf ${join(claude.home.home, "old")}`);
      await give("cannot-check", "stay");
      await give("bash", "approve", {}, "approve (auto cannot check)");
      await claude.until("the folder's end", () => !existsSync(join(claude.home.home, "old")));
      await claude.idle();
      await claude.say("RUN: rm -rf /var/tmp/claude-remote-nothing");
      await give("bash", "reject", {}, "reject (auto cannot check)");
    },
  },
  {
    name: "auto mode cannot check, leave",
    options: { mode: "auto" },
    from: NEWER,
    play: async (claude, give) => {
      await claude.say("RUN: rm -rf /var/tmp/claude-remote-nothing");
      await give("cannot-check", "leave");
      await claude.until("accept edits", () => claude.text().includes("accept edits on"));
    },
  },
  {
    name: "auto mode cannot check, cancel",
    options: { mode: "auto" },
    from: NEWER,
    play: async (claude, give) => {
      await claude.say("RUN: rm -rf /var/tmp/claude-remote-nothing");
      await give("cannot-check", "reject");
    },
  },
  {
    name: "auto mode offered, taken",
    options: { mode: null, ...settings({ permissions: { defaultMode: "default" } }) },
    from: NEWER,
    play: async (claude, give) => {
      await give("auto-offer", "always");
      const stored = () => json(join(claude.home.home, ".claude/settings.json"));
      await claude.until("the mode in the settings", () => JSON.stringify(stored()).includes('"auto"'));
    },
  },
  {
    name: "auto mode offered, refused",
    options: { mode: null, ...settings({ permissions: { defaultMode: "default" } }) },
    from: NEWER,
    play: async (claude, give) => {
      await give("auto-offer", "reject");
      await claude.idle();
      expect(json(join(claude.home.home, ".claude/settings.json"))).toMatchObject({
        permissions: { defaultMode: "default" },
      });
    },
  },
  { name: "trust", options: untrusted, play: begins("trust", "approve") },
  { name: "no trust", options: untrusted, play: ends("trust", "reject") },
  { name: "bypass", options: bypass, play: begins("bypass", "approve") },
  { name: "no bypass", options: bypass, play: ends("bypass", "reject") },
  { name: "imports", options: imports, play: begins("imports", "approve") },
  { name: "no imports", options: imports, play: begins("imports", "reject") },
  { name: "a server", options: mcpServers(["one"]), play: begins("mcp-server", "approve") },
  { name: "all servers", options: mcpServers(["one"]), play: begins("mcp-server", "always") },
  { name: "no server", options: mcpServers(["one"]), play: begins("mcp-server", "reject") },
  {
    name: "some servers",
    options: mcpServers(["one", "two"]),
    play: async (claude, give) => {
      await give("mcp-servers", "mark", {}, "mark");
      await give("mcp-servers", "enable");
      await claude.idle();
    },
  },
  { name: "no servers", options: mcpServers(["one", "two"]), play: begins("mcp-servers", "reject") },
  {
    name: "wrong settings, go on",
    options: settings({ permissions: { allow: "x" } }),
    play: begins("settings-error", "continue"),
  },
  {
    name: "wrong settings, end",
    options: settings({ permissions: { allow: "x" } }),
    play: ends("settings-error", "exit"),
  },
  {
    name: "odd settings, go on",
    options: settings({ hooks: { Nope: [] } }),
    play: begins("settings-warning", "continue"),
  },
  {
    name: "odd settings, end",
    options: settings({ hooks: { Nope: [] } }),
    play: ends("settings-warning", "exit"),
  },
];

/** The answer lets claude begin. */
function begins(dialog: string, option: string): Scene["play"] {
  return async (claude, give) => {
    await give(dialog, option);
    await claude.idle();
  };
}

/** The answer ends claude. */
function ends(dialog: string, option: string): Scene["play"] {
  return async (claude, give) => {
    await give(dialog, option);
    await claude.exited;
  };
}

async function play(scene: Scene, version: string): Promise<string | null> {
  await using claude = await ScreenClaude.open({ version, ...scene.options });
  const give: Give = async (dialog, option, more, as = option) => {
    const prompt = await claude.asked(dialog);
    const end = await claude.answer(prompt, option, more);
    const { id, digest } = prompt;
    const same = ({ prompt: one }: { prompt: Prompt }) => one.id === id && one.digest === digest;
    const raised = claude.said.filter((one) => one.type === "prompt" && same(one)).length;
    const why = "reason" in end ? end.reason : end.type;
    expect([dialog, option, why, raised]).toEqual([dialog, option, "accepted", 1]);
    done.set(`${dialog}\t${as}\t${version}`, "answered");
  };
  try {
    await scene.play(claude, give, version);
    return null;
  } catch (error) {
    return `── ${version}, ${scene.name}: ${error}\n${claude.text()}`;
  }
}

test.each([...claudeVersions])(
  "claude %s: each dialog is raised once, and answered by keys as was meant",
  async (version) => {
    const only = process.env.CLAUDE_REMOTE_TEST_SCENE;
    const left = SCENES.filter(({ name, from }) => (!from || version >= from) && (!only || name === only));
    const failures: (string | null)[] = [];
    const work = async () => {
      for (let scene = left.shift(); scene; scene = left.shift()) failures.push(await play(scene, version));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(failures.filter((one) => one !== null).join("\n")).toBe("");
  },
  ALL_MS,
);

afterAll(() => {
  const tried = [...done.keys()].map((key) => key.split("\t").slice(0, 2).join("\t"));
  const rows = [...new Set([...tried, ...NOT_TRIED])].sort();
  const cell = (row: string, version: string) => (done.get(`${row}\t${version}`) ?? "not run").padEnd(10);
  const table = rows.map((row) => {
    const [dialog = "", answer = ""] = row.split("\t");
    return [
      dialog.padEnd(17),
      answer.padEnd(30),
      ...claudeVersions.map((version) => cell(row, version)),
    ].join(" ");
  });
  console.log(
    ["dialog".padEnd(17), "answer".padEnd(30), ...claudeVersions.map((one) => one.padEnd(10))].join(" "),
  );
  console.log(table.join("\n"));
});
