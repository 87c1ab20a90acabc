// Completion: what is offered where, and Tab in the real shells.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPLETED, candidates } from "./completion.ts";
import { Terminal } from "./testing/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "cr-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const read = (...path: string[]) => readFileSync(join(import.meta.dir, ...path), "utf8");

/** What is offered for that line; the last word is the one that is being typed. */
const at = (line: string) => candidates(line.split(" ").slice(1)).join(" ");

test("our own words and flags are offered where they can stand", () => {
  expect(at("claude-remote ")).toBe(Object.keys(COMPLETED).join(" "));
  expect(at("claude-remote re")).toBe("resume restore");
  expect(at("claude-remote --p")).toBe("--private --pty");
  expect(at("claude-remote --pty ")).toBe("bun bun-pty");
  expect(at("claude-remote --private --pty bun --")).toBe("--ask --on-hangup");
  expect(at("claude-remote --on-hangup d")).toBe("detach");
  expect(at("claude-remote serve --log-level ")).toBe("debug info warn error");
  expect(at("claude-remote device ")).toBe("add list revoke");
  expect(at("claude-remote device add x --j")).toBe("--json");
  expect(at("claude-remote doctor --claude --")).toBe("--all --json");
  expect(at("claude-remote completion z")).toBe("zsh");
  expect(at("claude-remote join -")).toBe("--leave -");
});

test("hosts that ssh knows are offered where one is named, and asked for only there", () => {
  let asked = 0;
  const hosts = () => {
    asked++;
    return ["box1", "box2", "lab"];
  };
  const at = (line: string) => candidates(line.split(" ").slice(1), hosts).join(" ");
  expect(at("claude-remote ssh b")).toBe("box1 box2");
  expect(at("claude-remote devbox add ")).toBe("box1 box2 lab");
  expect(at("claude-remote devbox add one l")).toBe("lab");
  expect(asked).toBe(3);
  expect(at("claude-remote ssh --d")).toBe("--dir --detach");
  for (const line of ["ssh box1 ", "devbox add one lab ", "devbox remove ", "stop "])
    expect(at(`claude-remote ${line}`), line).toBe("");
  expect(asked).toBe(3);
});

test("claude's own words are left alone, and so are files", () => {
  for (const line of [
    ...[
      "claude-remote mcp ",
      "claude-remote --resume ",
      "claude-remote --model --p",
      "claude-remote -- ",
      "claude-remote -- doc",
    ],
    ...[
      "claude-remote --private ",
      "claude-remote --pty bun mcp -",
      "claude-remote --ask ",
      "claude-remote --private --model --p",
    ],
    ...[
      "claude-remote backup ",
      "claude-remote serve --port ",
      "claude-remote restore x.tar ",
      "claude-remote device add ",
    ],
    ...[
      "claude-remote hook",
      "claude-remote demo-",
      "claude-remote constructor ",
      "claude-remote __proto__ -",
    ],
  ])
    expect(at(line), line).toBe("");
});

test("every command that is documented is completed, with every flag that is", () => {
  const help = /COMMANDS = `([\s\S]*?)`;/.exec(read("help.ts"))?.[1] ?? "";
  const lines = [...help.matchAll(/^claude-remote ([a-z]+)(.*)$/gm)].filter(([, word]) => word !== undefined);
  expect(Object.keys(COMPLETED).sort()).toEqual([...new Set(lines.map(([, word = ""]) => word))].sort());
  const told = lines.flatMap(([, word = "", rest = ""]) =>
    [...rest.matchAll(/--[a-z-]+/g)].map(([flag]) => `${word} ${flag}`),
  );
  const offered = Object.entries(COMPLETED).flatMap(([word, { flags = {} }]) =>
    Object.keys(flags).map((flag) => `${word} ${flag}`),
  );
  expect(told.filter((one) => !offered.includes(one))).toEqual([]);
  for (const one of offered) {
    const [word = "", flag = ""] = one.split(" ");
    expect(read(`${word}.ts`), one).toMatch(new RegExp(`"?${flag.slice(2)}"?: |"${flag}"`));
  }
});

/** A program of our name on the PATH, and a file that only a file's name completes to. */
function prepared() {
  const bin = join(folder, "claude-remote");
  writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dir, "cli.ts")}' "$@"\n`, {
    mode: 0o700,
  });
  for (const name of ["unique-file.tar", "docfile"]) writeFileSync(join(folder, name), "");
  return { PATH: `${folder}:${process.env.PATH}`, HOME: folder, PS1: "$ ", PROMPT: "$ ", LANG: "C.UTF-8" };
}

const SHELLS: [string, string[], string][] = [
  ["bash", ["bash", "--norc", "--noprofile"], 'eval "$(claude-remote completion bash)"'],
  ["zsh", ["zsh", "-f"], 'autoload -U compinit; compinit -u -D; eval "$(claude-remote completion zsh)"'],
  ["fish", ["fish", "--no-config"], "claude-remote completion fish | source"],
];

test.each(SHELLS)(
  "Tab in %s completes our words, flags and values, and files elsewhere",
  async (_, shell, load) => {
    await using terminal = new Terminal(shell, { cwd: folder, env: prepared() });
    await terminal.waitFor(/[$>#] *$/m, { timeout: 30_000 });
    terminal.write(`${load}; echo load''ed\r`);
    await terminal.waitFor(/^loaded/m, { timeout: 30_000 });
    for (const [typed, completed] of [
      ["rest", "restore "],
      ["doctor --cl", "--claude "],
      ["--pty bun-", "bun-pty "],
      ["device rev", "revoke "],
      ["backup uniq", "unique-file.tar"],
      ["mcp uniq", "unique-file.tar"],
      ["-- doc", "docfile"], // Not our own word.
    ] as const) {
      terminal.write(`claude-remote ${typed}\t`);
      const line = `claude-remote ${typed.split(" ").slice(0, -1).concat(completed.trimEnd()).join(" ")}`;
      await terminal.waitFor((screen) => screen.includes(line), { timeout: 30_000 });
      terminal.write("\x15");
    }
    terminal.write("claude-remote service \t\t"); // Of several, with nothing typed of it: all are shown.
    await terminal.waitFor(/install.*uninstall/s, { timeout: 30_000 });
  },
);

test("a shell that nobody knows is a usage error", async () => {
  for (const args of [[], ["tcsh"], ["bash", "zsh"], ["constructor"]]) {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "cli.ts"), "completion", ...args], {
      ...{
        env: { PATH: process.env.PATH ?? "", HOME: folder },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    });
    expect(await new Response(child.stderr).text()).toContain(
      "Usage: claude-remote completion bash|zsh|fish",
    );
    expect(await child.exited).toBe(2);
  }
});
