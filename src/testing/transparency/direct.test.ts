// Where nobody sits at a terminal, or nobody wants us, claude runs as if we were not there.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Outer } from "./outer.ts";
import { Rig, type Side, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const tell = (rig: Rig) => join(rig.folder, "tell");
const rig = new Rig({ claude: join(import.meta.dir, "testdata/tells") });
for (const side of [rig.bare, rig.wrapped]) side.env.TELL = tell(rig);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

const WORDS = ["--", "it's", "two\nlines", "", "é漢🙂", "$HOME", "-", "--", "--model=x"];

/** What the program wrote down. */
function told() {
  const read = (name: string) => readFileSync(`${tell(rig)}.${name}`, "utf8");
  return {
    words: read("words").split("\0").slice(0, -1),
    descriptors: read("descriptors").trim().split("\n"),
    pid: Number(read("pid")),
  };
}

/** On a terminal, with more environment for both sides. */
async function onTerminal(side: Side, args: string[], env: Record<string, string> = {}) {
  await using outer = side.outer(args, { env: { ...side.env, ...env } });
  const exit = await outer.exited;
  const { words, descriptors, pid } = told();
  expect(pid).toBe(outer.pid); // The same process: there is nobody between it and the terminal.
  return {
    exit,
    words,
    output: outer.text(),
    descriptors: descriptors.map((path) => path.replace(/\d+$/, "")),
  };
}

describe("on a terminal claude runs in our place, with exactly the given words:", () => {
  test.each([
    ["-p", ["-p", "say hello", ...WORDS]],
    ["--print at the end", [...WORDS, "--print"]],
    ["--version", ["--version"]],
    ["--help", ["--help"]],
    ["mcp list", ["mcp", "list"]],
    ["update", ["update"]],
  ])("%s", async (_, args) => {
    const seen = await rig.same((side) => onTerminal(side, args));
    expect(seen).toEqual({
      exit: { code: 6, signal: null },
      words: args,
      output: "out\r\nerr\r\n",
      descriptors: ["/dev/pts/", "/dev/pts/", "/dev/pts/"],
    });
  });

  test.each([
    ["CLAUDECODE=1", { CLAUDECODE: "1" }],
    ["CLAUDE_REMOTE_OFF=1", { CLAUDE_REMOTE_OFF: "1" }],
  ])("%s", async (_, env) => {
    expect((await rig.same((side) => onTerminal(side, WORDS, env))).words).toEqual(WORDS);
  });

  test("--private, which is our own word", async () => {
    const seen = await onTerminal(rig.wrapped, ["--private", ...WORDS]);
    expect(seen).toEqual(await onTerminal(rig.bare, WORDS));
  });
});

test("with none of the three a terminal, stdin, stdout and stderr are claude's own, and so are the words", async () => {
  const input = join(rig.folder, "input");
  writeFileSync(input, "typed\n");
  const seen = await rig.same(async (side) => {
    const [out, err] = ["out", "err"].map((name) => join(rig.folder, name));
    for (const path of [out, err]) rmSync(path ?? "", { force: true });
    const stdio = [openSync(input, "r"), openSync(out ?? "", "w"), openSync(err ?? "", "w")] as const;
    const child = Bun.spawn(side.command(...WORDS), { cwd: rig.cwd, env: side.env, stdio: [...stdio] });
    const code = await child.exited;
    const { words, descriptors, pid } = told();
    expect(pid).toBe(child.pid);
    return {
      code,
      words,
      descriptors,
      out: readFileSync(out ?? "", "utf8"),
      err: readFileSync(err ?? "", "utf8"),
    };
  });
  expect(seen).toEqual({
    ...{ code: 6, words: WORDS, out: "out\n", err: "err\n" },
    descriptors: [input, join(rig.folder, "out"), join(rig.folder, "err")],
  });
});

test.each([
  ["stdin", "< /dev/null", ["/dev/null", "/dev/pts/", "/dev/pts/"]],
  ["stdout", "> /dev/null", ["/dev/pts/", "/dev/null", "/dev/pts/"]],
] as const)("with %s alone no terminal, too", async (_, redirection, wanted) => {
  const seen = await rig.same(async (side) => {
    const script = `"$@" ${redirection}; echo "status $?"`;
    const words = ["sh", "-c", script, "sh", ...side.command(...WORDS)];
    await using outer = new Outer(words, { cwd: rig.cwd, env: side.env });
    await outer.exited;
    const { words: given, descriptors } = told();
    return { given, descriptors: descriptors.map((path) => path.replace(/\d+$/, "")), text: outer.text() };
  });
  expect(seen).toMatchObject({ given: WORDS, descriptors: wanted });
  expect(seen.text).toEndWith("status 6\r\n");
});

test("nothing of ours is made by any of that: no folder, no server", () => {
  expect(existsSync(rig.own)).toBe(false);
  expect(rig.processes()).toEqual([]);
});
