// Full-screen programs in claude's place: what they show and what they do is as without us.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestViewer } from "../viewer.ts";
import { atRest, Rig, type Side, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired({ env: { EXINIT: "", LESS: "", LESSHISTFILE: "-" } });
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

const VIM = [Bun.which("vim") ? "vim" : "vim.tiny", "-u", "NONE", "-i", "NONE", "-n", "-N"];

test("vim: typed, moved about, resized, saved and quit; the file says what was typed", async () => {
  const file = join(rig.cwd, "words.txt");
  const seen = await rig.same(async (side) => {
    rmSync(file, { force: true });
    await using vim = side.terminal([...VIM, "words.txt"]);
    await vim.waitFor(/"words.txt" \[New/);
    const screens = [await atRest(vim)];
    await vim.type("iFirst line\rSecond: é漢🙂\rthird\x1b");
    await vim.waitFor(/third/);
    await vim.type("kddp");
    screens.push(await atRest(vim));
    vim.resize(60, 20);
    await vim.waitFor((screen) => screen.split("\n").length === 19); // The last row is that of commands.
    await vim.type("ggOon top\x1b:set number\r");
    await vim.waitFor(/4 third|4 Second/);
    screens.push(await atRest(vim));
    await vim.type(":wq\r");
    return { screens, exit: await vim.exited, text: readFileSync(file, "utf8") };
  });
  expect(seen.exit).toEqual({ code: 0, signal: null });
  expect(seen.text).toBe("on top\nFirst line\nthird\nSecond: é漢🙂\n");
  expect(seen.screens[2]).toContain("1 on top");
});

test("less: scrolls, searches, goes to the end and quits", async () => {
  writeFileSync(
    join(rig.cwd, "long.txt"),
    Array.from({ length: 500 }, (_, i) => `line ${i + 1} of many\n`).join(""),
  );
  const seen = await rig.same(async (side) => {
    await using less = side.terminal(["less", "long.txt"]);
    await less.waitFor(/line 39 of/);
    const screens = [await atRest(less)];
    for (const [keys, wanted] of [
      [" ", /line 78 of/],
      ["jj", /line 80 of/],
      ["/line 250\r", /line 250 of/],
      ["G", /line 500 of/],
      ["g", /line 1 of/],
    ] as const) {
      less.write(keys);
      await less.waitFor(wanted);
      screens.push(await atRest(less));
    }
    less.write("q");
    return { screens, exit: await less.exited, after: less.screen() };
  });
  expect(seen.exit).toEqual({ code: 0, signal: null });
  expect(seen.screens[3]?.split("\n")[0]).toBe("line 250 of many");
});

test("tmux: two panes, a zoom, a resize, a mouse that is on, and its end", async () => {
  const config = join(rig.cwd, "tmux.conf");
  const lines = [
    "set -g status off",
    "set -g mouse on",
    'set -g default-command "PS1=% exec bash --norc"',
    "set -sg escape-time 0",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const seen = await rig.same(async (side: Side) => {
    const words = ["tmux", "-S", join(rig.folder, "tmux"), "-f", config, "new-session"];
    await using tmux = side.terminal(words);
    await tmux.waitFor(/^%$/m);
    await tmux.type("echo left\r");
    await tmux.waitFor(/^left/m);
    tmux.write("\x02%");
    await tmux.waitFor(/│%/);
    await tmux.type("echo right\r");
    await tmux.waitFor(/│right/);
    const screens = [await atRest(tmux)];
    tmux.resize(80, 24);
    await tmux.waitFor((screen) => screen.split("\n").every((row) => /^.{39,41}│/.test(row)));
    screens.push(await atRest(tmux));
    tmux.write("\x02z");
    await tmux.waitFor((screen) => !screen.includes("│"));
    screens.push(await atRest(tmux));
    await tmux.type("exit\r");
    await tmux.waitFor(/^left/m);
    screens.push(await atRest(tmux));
    await tmux.type("exit\r");
    return { screens, exit: await tmux.exited, after: tmux.screen() };
  });
  expect(seen.exit).toEqual({ code: 0, signal: null });
  expect(seen.after).toContain("[exited]");
});
