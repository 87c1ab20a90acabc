// The names of claude's folders: as claude itself makes them, and between machines.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messagesApi } from "../testing/messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../testing/real-claude.ts";
import { directoryOf, isProjectFolder, moved, projectFolder, realDirectory } from "./folder.ts";

setDefaultTimeout(60_000);

const folder = realpathSync(mkdtempSync(join(tmpdir(), "cr-folder-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["/home/a/app", "-home-a-app"],
  ["/home/a/my.app_2", "-home-a-my-app-2"],
  ["/home/a/漢字", "-home-a---"],
  ["/home/a/🙂", "-home-a---"],
  ["/home/a/é", "-home-a--"],
  ["/", "-"],
])("%s is kept in %s", (path, name) => {
  expect(projectFolder(path)).toBe(name);
  expect(isProjectFolder(name)).toBe(true);
});

test("200 characters are whole, one more is cut and numbered", () => {
  expect(projectFolder(`/${"x".repeat(199)}`)).toBe(`-${"x".repeat(199)}`);
  expect(projectFolder(`/${"x".repeat(200)}`)).toMatch(/^-x{199}-[0-9a-z]{1,7}$/);
  expect(projectFolder(`/${"x".repeat(200)}`)).not.toBe(projectFolder(`/${"x".repeat(201)}`));
});

describe.each([...claudeVersions])("claude %s", (version) => {
  test.each([
    ["a short name", "plain"],
    ["beyond ASCII", "漢字 🙂 é's.app"],
    ["a long one", `long-${"abcdefghij".repeat(20)}`],
    ["a long one beyond ASCII", `漢字🙂${"y".repeat(200)}`],
  ])("names the folder so: %s", async (_, name) => {
    await using api = await messagesApi();
    await using home = await claudeHome({ api });
    const cwd = join(home.project, name);
    mkdirSync(cwd);
    const link = join(home.project, "a link");
    symlinkSync(cwd, link);
    const { HOME, ...env } = home.env;
    const command = [claudePath(version), "-p", "SAY: hi"];
    const child = Bun.spawn(command, {
      cwd: link,
      env: { ...env, HOME, PWD: link },
      stdin: "ignore",
      stdout: "ignore",
    });
    expect(await child.exited).toBe(0);
    expect(readdirSync(join(home.home, ".claude", "projects"))).toEqual([
      projectFolder(realDirectory(link) ?? ""),
    ]);
  });
});

test("a directory without links, or none", () => {
  mkdirSync(join(folder, "there"));
  symlinkSync(join(folder, "there"), join(folder, "link"));
  expect(realDirectory(join(folder, "link"))).toBe(join(folder, "there"));
  expect(realDirectory(join(folder, "gone"))).toBeNull();
});

test.each([
  ["/home/a/x", "/home/a", "/Users/b", "/Users/b/x"],
  ["/home/a", "/home/a/", "/Users/b/", "/Users/b"],
  ["/home/ab/x", "/home/a", "/Users/b", "/home/ab/x"],
  ["/srv/x", "/home/a", "/Users/b", "/srv/x"],
  ["/srv/x", "/", "/Users/b", "/srv/x"],
])("%s of %s is, in %s, %s", (path, from, to, there) => {
  expect(moved(path, from, to)).toBe(there);
});

test("a folder's directory is the one that its records name, also where another was entered meanwhile", () => {
  expect(directoryOf("-home-a-x", ["/home/a/x", "/home/a/x/src"], "/home/a")).toBe("/home/a/x");
  expect(directoryOf("-home-a-x", ["/home/a/x/src", "/home/a/x"], "/home/a")).toBe("/home/a/x");
});

test("of a conversation that came from elsewhere it is the same one below this home", () => {
  expect(directoryOf("-Users-b-code-x", ["/home/a/code/x"], "/Users/b")).toBe("/Users/b/code/x");
  expect(directoryOf("-Users-b", ["/home/a"], "/Users/b")).toBe("/Users/b");
});

test("what leads nowhere is not known, and nothing that comes from outside is a path", () => {
  expect(directoryOf("-elsewhere", ["/home/a/x"], "/Users/b")).toBeNull();
  expect(directoryOf("-x", [], "/Users/b")).toBeNull();
  expect([".", "..", "a/b", "", "a\n", "x".repeat(300)].map(isProjectFolder)).not.toContain(true);
});
