// Scenes about what stands at claude's start, and about auto mode: most of it no hook tells of.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ExaminedClaude, json, put, type Start, type Way } from "./examined-claude.ts";
import { begins, ends, one, type Scene, type Step } from "./scenes.ts";

const settings = (content: object): Start => ({
  prepare: ({ home }) => put(home, ".claude/settings.json", content),
});
const servers = (...names: string[]): Start => ({
  prepare: ({ project }) =>
    put(project, ".mcp.json", {
      mcpServers: Object.fromEntries(names.map((name) => [name, { command: "true" }])),
    }),
});
const untrusted: Start = {
  prepare: ({ home }) => put(home, ".claude.json", { ...json(join(home, ".claude.json")), projects: {} }),
};
const imports: Start = {
  prepare: ({ home, project }) => {
    put(home, "outside.md", "Words from outside.\n");
    put(project, "CLAUDE.md", `@${home}/outside.md\n`);
  },
};
/** As root claude refuses that mode outside of a sandbox. */
const bypass: Start = { mode: "bypassPermissions", env: { IS_SANDBOX: "1" } };
const wrong = settings({ permissions: { allow: "x" } });
const odd = settings({ hooks: { Nope: [] } });
const offers: Start = { mode: null, ...settings({ permissions: { defaultMode: "default" } }) };

const scene = (name: string, start: Start, step: Step, of?: Scene["of"]): Scene => ({
  name,
  way: "keys",
  start,
  steps: [step],
  ...(of ? { of } : {}),
});

const someServers: Step = {
  gives: [
    ["mcp-servers", "mark"],
    ["mcp-servers", "enable"],
  ],
  async play(_claude, give) {
    await give("mcp-servers", "mark");
    await give("mcp-servers", "enable");
  },
};

const starts: Scene[] = [
  scene("trust", untrusted, begins("trust", "approve")),
  scene("no trust", untrusted, ends("trust", "reject")),
  scene("bypass", bypass, begins("bypass", "approve")),
  scene("no bypass", bypass, ends("bypass", "reject")),
  scene("imports", imports, begins("imports", "approve")),
  scene("no imports", imports, begins("imports", "reject")),
  scene("a server", servers("one"), begins("mcp-server", "approve")),
  scene("all servers", servers("one"), begins("mcp-server", "always")),
  scene("no server", servers("one"), begins("mcp-server", "reject")),
  scene("some servers", servers("one", "two"), someServers),
  scene("no servers", servers("one", "two"), begins("mcp-servers", "reject")),
  scene("wrong settings, go on", wrong, begins("settings-error", "continue")),
  scene("wrong settings, end", wrong, ends("settings-error", "exit")),
  scene("odd settings, go on", odd, begins("settings-warning", "continue")),
  scene("odd settings, end", odd, ends("settings-warning", "exit")),
  scene("wrong settings, mended", wrong, begins("settings-error", "fix")),
  scene("odd settings, mended", odd, begins("settings-warning", "fix")),
];

const kept = (claude: ExaminedClaude) =>
  JSON.stringify(json(join(claude.home.home, ".claude/settings.json"))?.permissions);
const offered: Scene[] = [
  scene(
    "auto mode offered, taken",
    offers,
    one("auto-offer", "always", null, {
      shows: (claude) => claude.until("the mode in the settings", () => kept(claude).includes('"auto"')),
    }),
    "newer",
  ),
  scene(
    "auto mode offered, refused",
    offers,
    one("auto-offer", "reject", null, {
      shows: async (claude) => {
        await claude.idle();
        if (!kept(claude).includes('"default"')) throw new Error(`the mode is ${kept(claude)}`);
      },
    }),
    "newer",
  ),
];

const auto: Start = { mode: "auto", prepare: ({ home }) => put(home, "old/file.txt", "x") };
const remove = (claude: ExaminedClaude) => `RUN: rm -rf ${join(claude.home.home, "old")}`;
const gone = (claude: ExaminedClaude) =>
  claude.until("the folder's end", () => !existsSync(join(claude.home.home, "old")));

/** Without a verdict from the API auto mode cannot check anything. */
const unchecked = (answer: string, shows: (claude: ExaminedClaude) => unknown): Scene =>
  scene(
    `auto mode cannot check, ${answer}`,
    auto,
    {
      gives: [["cannot-check", answer]],
      async play(claude, give) {
        await claude.say(remove(claude));
        await give("cannot-check", answer);
        await shows(claude);
      },
    },
    "newer",
  );

const stay = (option: string, shows: (claude: ExaminedClaude) => unknown): Scene =>
  scene(
    `auto mode cannot check, stay and ${option}`,
    auto,
    {
      gives: [
        ["cannot-check", "stay"],
        ["bash", `${option}, auto mode cannot check`],
      ],
      async play(claude, give) {
        await claude.say(remove(claude));
        await give("cannot-check", "stay");
        await give("bash", option, {}, `${option}, auto mode cannot check`);
        await shows(claude);
      },
    },
    "newer",
  );

const notices: Scene[] = [
  stay("approve", gone),
  stay("reject", (claude) => claude.idle()),
  unchecked("leave", (claude) =>
    claude.until("accept edits", () => claude.text().includes("accept edits on")),
  ),
  unchecked("reject", (claude) => claude.idle()),
];

/** Where the API flags what claude does, auto mode blocks it; after three times it asks as other modes do. */
const blocked = (way: Way): Scene => ({
  name: "auto mode, blocked three times",
  way,
  of: "newer",
  start: { mode: "auto", hooks: way === "hook" },
  steps: [
    one(
      "bash",
      "approve",
      `FLAG: too much ;; ${["a", "b", "c"].map((name) => `RUN: touch ${name}`).join(" ;; ")}`,
      {
        as: "approve, blocked by auto mode",
        makes: "c",
      },
    ),
  ],
});

/** Every scene about what stands at the start, and about auto mode. */
export const startScenes = (): Scene[] => [
  ...starts,
  ...offered,
  ...notices,
  blocked("hook"),
  blocked("keys"),
];
