// Scenes about tools: each answered through our hook, and by keys where no hook waits.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ExaminedClaude, json, put, type Start, type Way } from "./examined-claude.ts";
import { MCP_COMMAND } from "./mcp-server.ts";
import { one, type Scene } from "./scenes.ts";

/** Nothing listens on the discard port. */
const PAGE = "WEBFETCH: http://127.0.0.1:9/page";
const SEARCH = 'TOOL: WebSearch {"query":"claude"}';
const SKILL = 'TOOL: Skill {"skill":"greet"}';
const ECHO = 'TOOL: mcp__desk__echo {"text":"hi there"}';
const CELL = (source: string) =>
  `READ: n.ipynb ;; TOOL: NotebookEdit {"notebook_path":"n.ipynb","cell_id":"c1","new_source":"${source}"}`;
/** The file that tells that claude knows the MCP server's tools. */
const LISTED = "mcp-listed";

/** What the steps work on. Skills are asked about. */
const workshop: Start = {
  prepare: ({ home, project }) => {
    put(home, ".claude/settings.json", { permissions: { ask: ["Skill"] }, skipWebFetchPreflight: true });
    put(
      home,
      ".claude/skills/greet/SKILL.md",
      "---\nname: greet\ndescription: Says hello\n---\nSay hello.\n",
    );
    for (const name of ["a.txt", "b.txt"]) put(project, name, "alpha\nbeta\ngamma\n");
    put(project, "n.ipynb", {
      cells: [{ cell_type: "code", id: "c1", metadata: {}, outputs: [], source: ["1"] }],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    });
  },
};

/** claude keeps the rule in the project's own settings. */
const keeps = (rule: string) => (claude: ExaminedClaude) =>
  claude.until(`a rule for ${rule}`, () =>
    JSON.stringify(json(claude.path(".claude/settings.local.json"))).includes(rule),
  );
/** The tools of a server that this very program is. */
const server = (ourselves: readonly string[]): Start => ({
  prepare: ({ home, project }) => {
    const [command, ...args] = ourselves;
    const desk = { command, args: [...args, MCP_COMMAND, join(home, LISTED)] };
    put(project, "servers.json", { mcpServers: { desk } });
  },
  args: ["--mcp-config", "servers.json"],
  ready: (claude) => claude.until("the MCP server's tools", () => existsSync(join(claude.home.home, LISTED))),
});
function tools(way: Way, ourselves: readonly string[]): Scene[] {
  const start: Start = { ...workshop, hooks: way === "hook" };
  return [
    {
      name: "commands",
      way,
      start,
      steps: [
        one("bash", "approve", "RUN: touch one.txt", { makes: "one.txt" }),
        one("bash", "reject", "RUN: touch no.txt", { makesNot: "no.txt" }),
        one("bash", "reject", "RUN: touch no.txt", {
          text: "use echo",
          as: "reject with words",
          result: /use echo/,
          makesNot: "no.txt",
        }),
        one("bash", "always", "RUN: rigtool install one", { shows: keeps("rigtool install") }),
      ],
    },
    {
      name: "files",
      way,
      start,
      steps: [
        one("write", "approve", "WRITE: new.txt hello", { makes: "new.txt" }),
        one("write", "reject", "WRITE: no.txt hello", { makesNot: "no.txt" }),
        one("overwrite", "approve", "READ: a.txt ;; WRITE: a.txt other", { result: /updated/ }),
        one("overwrite", "reject", "READ: a.txt ;; WRITE: a.txt other"),
        one("notebook", "approve", CELL("3"), { result: /Updated cell/i }),
        one("notebook", "reject", CELL("2"), {
          text: "leave it",
          as: "reject with words",
          result: /leave it/,
        }),
        one("edit", "approve", "READ: b.txt ;; EDIT: b.txt|beta|BETA", { result: /updated/ }),
        one("edit", "reject", "READ: b.txt ;; EDIT: b.txt|alpha|ALPHA"),
        one("edit", "always", "READ: b.txt ;; EDIT: b.txt|gamma|GAMMA ;; WRITE: more.txt x", {
          makes: "more.txt", // Without a question.
        }),
      ],
    },
    {
      name: "new files, always",
      way,
      start,
      steps: [one("write", "always", "WRITE: some.txt x ;; WRITE: more.txt x", { makes: "more.txt" })],
    },
    {
      name: "outside, skills and the web",
      way,
      start,
      steps: [
        one("read", "approve", "READ: /etc/hosts", { result: /localhost/ }),
        one("read", "reject", "READ: /etc/hosts"),
        one("read", "always", "READ: /etc/hosts ;; READ: /etc/passwd", { result: /root/ }),
        one("skill", "approve", SKILL, { result: /greet/ }),
        one("skill", "reject", SKILL),
        one("fetch", "approve", PAGE, { result: /ECONNREFUSED|refused|connect/i }),
        one("fetch", "reject", PAGE),
        one("fetch", "always", PAGE, { shows: keeps("127.0.0.1") }),
        one("search", "approve", SEARCH, { result: /search results/i }),
        one("search", "reject", SEARCH),
      ],
    },
    {
      name: "MCP tools",
      way,
      start: { ...server(ourselves), hooks: way === "hook" },
      steps: [
        one("mcp", "approve", ECHO, { result: /hi there/ }),
        one("mcp", "reject", ECHO),
        one("mcp", "always", ECHO, { shows: keeps("mcp__desk__echo") }),
      ],
    },
  ];
}

/** Forms of MCP servers: no hook of ours hears of them. An older claude says that it is busy while one stands. */
const forms = (ourselves: readonly string[]): Scene => ({
  name: "MCP forms",
  way: "keys",
  of: "newer",
  start: { ...server(ourselves), args: [...(server(ourselves).args ?? []), "--allowedTools=mcp__desk__ask"] },
  steps: [
    one("form", "submit", "TOOL: mcp__desk__ask {}", {
      answers: { Name: "Ada", Agree: "yes" },
      result: /accept.*"name":"Ada","agree":true/,
    }),
    one("form", "reject", "TOOL: mcp__desk__ask {}", { result: /decline/ }),
  ],
});

const SUBAGENT = "AGENT: RUN: touch sub.txt ,, WRITE: note.txt hello";

/** Subagents: a newer claude draws their dialogs only once the hook has ended, so that they are answered by keys. */
const subagents = (way: Way, hooks: boolean, of?: Scene["of"]): Scene => ({
  name: `a subagent, ${hooks ? "told of by a hook" : "without hooks"}`,
  way,
  ...(of ? { of } : {}),
  start: { hooks },
  steps: [
    {
      gives: [
        ["bash", `approve, ${hooks ? "subagent" : "subagent without hooks"}`],
        ["write", `reject, ${hooks ? "subagent" : "subagent without hooks"}`],
      ],
      async play(claude, give) {
        await claude.say(SUBAGENT);
        await give("bash", "approve", {}, `approve, ${hooks ? "subagent" : "subagent without hooks"}`);
        await claude.until("sub.txt", () => claude.has("sub.txt"));
        await give(
          "write",
          "reject",
          { text: "not this" },
          `reject, ${hooks ? "subagent" : "subagent without hooks"}`,
        );
        await claude.result(/not this/);
        if (claude.has("note.txt")) throw new Error("note.txt was made all the same");
      },
    },
  ],
});

const endedHook: Scene = {
  name: "a hook that ends before its dialog",
  way: "keys",
  start: { hooks: true },
  steps: [
    {
      gives: [["bash", "approve, its hook gone"]],
      async play(claude, give) {
        await claude.say("RUN: touch kept.txt");
        await claude.asked("bash", "hook");
        await claude.until(
          "its dialog",
          () => claude.dialog() === "bash" && claude.status.startsWith("waiting"),
        );
        claude.letGo();
        await give("bash", "approve", {}, "approve, its hook gone");
        await claude.until("kept.txt", () => claude.has("kept.txt"));
      },
    },
  ],
};

/** Every scene about tools. `ourselves`: the words that start this very program. */
export const toolScenes = (ourselves: readonly string[]): Scene[] => [
  ...tools("hook", ourselves),
  ...tools("keys", ourselves),
  forms(ourselves),
  subagents("hook", true, "older"),
  subagents("keys", true, "newer"),
  subagents("keys", false),
  endedHook,
];
