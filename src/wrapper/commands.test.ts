import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "../protocol.ts";
import { claudeCommands, commandVersions } from "./claude-commands.ts";
import { COVERED } from "./claude-dialogs.ts";
import { ownCommands } from "./own-commands.ts";

const root = mkdtempSync(join(tmpdir(), "claude-remote-commands-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const read = (cwd: string, more: Partial<Parameters<typeof ownCommands>[0]> = {}) =>
  ownCommands({
    cwd: join(root, cwd),
    folder: join(root, "home/.claude"),
    version: "2.1.329",
    plugins: [],
    ...more,
  });
const named = (commands: Command[], name: string) => commands.find((one) => one.name === name);

beforeAll(() => {
  put("home/.claude/commands/deploy.md", "---\ndescription: The user's\n---\n");
  put("home/.claude/commands/mine.md", '---\ndescription: "Mine: quoted"\n---\nSay it');
  put(
    "home/.claude/skills/tea/SKILL.md",
    "---\nname: tea\ndescription: >\n  Folded\n  text\nother: x\n---\n",
  );
  put("home/.claude/settings.json", '{"env":{"SECRET":"no"}}');
  put("home/repo/.git/HEAD", "ref: x");
  put("home/repo/.claude/commands/deploy.md", "---\ndescription: Deploy it\nargument-hint: <where>\n---\n");
  put("home/repo/.claude/commands/sub/inner.md", "# No front matter\nmore");
  put("home/repo/.claude/skills/hidden/SKILL.md", "---\nname: hidden\nuser-invocable: false\n---\n");
  put("home/repo/.claude/skills/plain/SKILL.md", "Just a text");
  put("home/repo/.claude/commands/bad name.md", "x");
  put("plug/.claude-plugin/plugin.json", '{"name":"plug"}');
  put("plug/commands/go.md", "---\ndescription: Go there\n---\n");
  put("plug/skills/swim/SKILL.md", "---\nname: swim\ndescription: Swims\n---\n");
  mkdirSync(join(root, "home/repo/deep/er"), { recursive: true });
});

test("claude's own commands are known of every version that is covered; of another, those of the nearest before it", () => {
  expect(commandVersions).toEqual(COVERED);
  for (const version of COVERED) {
    const commands = claudeCommands(version);
    expect(commands.length).toBeGreaterThan(60);
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
    expect(
      commands.every(({ about, from }) => about !== "" && about.length <= 120 && from === "claude"),
    ).toBe(true);
    expect(named(commands, "model")).toMatchObject({ menu: true });
    expect(named(commands, "compact")).not.toHaveProperty("menu");
  }
  expect(claudeCommands("demo")).toEqual([]);
  const names = (version: string | null) => claudeCommands(version).length;
  expect([names("2.1.200"), names("2.1.1"), names("9.0.0"), names(null)]).toEqual([
    ...[names("2.1.197"), names("2.1.197"), names("2.1.329"), names("2.1.329")],
  ]);
});

test("the user's, the project's above the folder, and plugins' commands: names, what they do, what may follow", async () => {
  expect(await read("home/repo/deep/er", { plugins: [join(root, "plug")] })).toEqual([
    { name: "deploy", about: "The user's", from: "user" },
    { name: "mine", about: "Mine: quoted", from: "user" },
    { name: "tea", about: "Folded text", from: "user" },
    { name: "sub:inner", about: "No front matter", from: "project" },
    { name: "plain", about: "Just a text", from: "project" },
    { name: "plug:go", about: "Go there", from: "plugin" },
    { name: "plug:swim", about: "Swims", from: "plugin" },
  ]);
  const older = await read("home/repo", { plugins: [join(root, "plug")], version: "2.1.197" });
  expect(older.map(({ name }) => name)).toContain("swim");
});

test("a plugin that claude installed is found by its list", async () => {
  const list = { version: 2, plugins: { "plug@shop": [{ installPath: join(root, "plug") }] } };
  put("other/.claude/plugins/installed_plugins.json", JSON.stringify(list));
  const found = await read("home/repo", { folder: join(root, "other/.claude") });
  expect(named(found, "plug:go")).toMatchObject({ from: "plugin" });
  put("other/.claude/plugins/installed_plugins.json", "{ half");
  expect(named(await read("home/repo", { folder: join(root, "other/.claude") }), "plug:go")).toBeUndefined();
});

test("what a project's link leads to elsewhere is not read, nor a pipe, nor more than the head of a file", async () => {
  put("secrets/key.txt", "-----BEGIN KEY-----");
  mkdirSync(join(root, "evil/.claude/commands"), { recursive: true });
  symlinkSync(join(root, "secrets/key.txt"), join(root, "evil/.claude/commands/leak.md"));
  put("evil/.claude/commands/long.md", `${"a".repeat(10_000)}`);
  expect(Bun.spawnSync(["mkfifo", join(root, "evil/.claude/commands/pipe.md")]).exitCode).toBe(0);
  const found = (await read("evil")).filter(({ from }) => from === "project");
  expect(found.map(({ name }) => name)).toEqual(["long"]);
  expect(found[0]?.about).toHaveLength(160);
});

test("of very many only so many are looked at", async () => {
  for (let i = 0; i < 320; i++) put(`many/.claude/commands/c${i}.md`, "x");
  const found = (await read("many")).filter(({ from }) => from === "project");
  expect(found.length).toBeLessThanOrEqual(300);
  expect(found.length).toBeGreaterThan(250);
});
