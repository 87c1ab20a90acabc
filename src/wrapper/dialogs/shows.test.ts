import { expect, test } from "bun:test";
import { detect } from "./detect.ts";
import { isText, shows } from "./shows.ts";
import { recorded } from "./testing/recorded.ts";

const VERSIONS = ["2.1.197", "2.1.329"];
const cwd = "/home/developer/wk/proj";
const agent = { agent_id: "a1", agent_type: "general-purpose" };
type Asked = {
  tool_name: string;
  tool_input: Record<string, unknown>;
  agent_id?: string;
  agent_type?: string;
};

async function isShown(version: string, name: string, asked: Asked, size = "100x40") {
  const dialog = detect(await recorded(version, name, size));
  if (!dialog) throw new Error(`${version} ${name} is no dialog`);
  return shows(dialog, { cwd, ...asked });
}

const long =
  'for i in 1 2 3; do echo "a rather long command line number $i which wraps on a phone" >> log.txt; done; cat log.txt | sort | uniq -c | tee out.txt';
const lines = "cat > a.txt <<EOF\n  one\ttab\n\n   three — ünï 漢字 🎉\nEOF\ntouch b  c";

/** A recording, the call that made it, and calls that are not it. */
const CASES: [name: string, size: string, call: Asked, others: Asked["tool_input"][]][] = [
  [
    "agent",
    "100x40",
    { tool_name: "Bash", tool_input: { command: "touch sub.txt" }, ...agent },
    [
      { command: "touch sub.tx" },
      { command: "touch sub.txt; rm x" },
      { command: "touchsub.txt" },
      { command: "" },
    ],
  ],
  [
    "agent",
    "40x30",
    { tool_name: "Bash", tool_input: { command: "touch sub.txt" }, ...agent },
    [{ command: "sub.txt" }],
  ],
  [
    "bash-long",
    "40x30",
    { tool_name: "Bash", tool_input: { command: long } },
    [{ command: long.replace("sort", "sor t") }, { command: `${long} ; true` }, { command: long.slice(1) }],
  ],
  [
    "bash-lines",
    "100x40",
    { tool_name: "Bash", tool_input: { command: lines } },
    [
      { command: lines.replace("touch b  c", "touch b\u200b  c") },
      { command: lines.replace("EOF\ntouch", "EOF\nrm x\ntouch") },
    ],
  ],
  [
    "agent-write",
    "40x30",
    { tool_name: "Write", tool_input: { file_path: "new.txt", content: "hello\nsecond line\n" }, ...agent },
    [
      { file_path: "new.txt", content: "hello\nsecond line\nthird\n" },
      { file_path: "other.txt", content: "hello\nsecond line\n" },
    ],
  ],
  [
    "write-outside",
    "100x40",
    {
      tool_name: "Write",
      tool_input: { file_path: "/var/tmp/run-outside.txt", content: "hello\nsecond line\n" },
    },
    [{ file_path: "/var/run-outside.txt", content: "hello\nsecond line\n" }],
  ],
  [
    "overwrite",
    "40x30",
    { tool_name: "Write", tool_input: { file_path: `${cwd}/a.txt`, content: "other\nsecond line\n" } },
    [{ file_path: `${cwd}/a.txt`, content: "another\n" }],
  ],
  [
    "agent-edit",
    "100x40",
    {
      tool_name: "Edit",
      tool_input: { file_path: "a.txt", old_string: "beta", new_string: "BETA two" },
      ...agent,
    },
    [
      { file_path: "a.txt", old_string: "beta", new_string: "BETA three" },
      { file_path: "b.txt", old_string: "beta", new_string: "BETA two" },
      { file_path: "a.txt", old_string: "delta", new_string: "BETA two" },
    ],
  ],
  [
    "agent-read",
    "100x40",
    { tool_name: "Read", tool_input: { file_path: "/etc/hostname" }, ...agent },
    [{ file_path: "/etc/shadow" }],
  ],
  [
    "agent-fetch",
    "100x40",
    {
      tool_name: "WebFetch",
      tool_input: { url: "http://example.com/page?x=1", prompt: "Summarise the page" },
      ...agent,
    },
    [
      { url: "http://example.com/page?x=2", prompt: "Summarise the page" },
      { url: "http://example.com/page?x=1", prompt: "Something else" },
    ],
  ],
  ["websearch", "40x30", { tool_name: "WebSearch", tool_input: { query: "claude" } }, [{ query: "claud" }]],
  ["mcp", "100x40", { tool_name: "mcp__rig__echo", tool_input: { text: "hi" } }, [{ text: "ho" }]],
  [
    "notebook",
    "100x40",
    {
      tool_name: "NotebookEdit",
      tool_input: { notebook_path: `${cwd}/n.ipynb`, cell_id: "c1", new_source: 'print("edited")' },
    },
    [
      { notebook_path: `${cwd}/n.ipynb`, cell_id: "c2", new_source: 'print("edited")' },
      { notebook_path: `${cwd}/n.ipynb`, cell_id: "c1", new_source: 'print("other")' },
    ],
  ],
  [
    "skill",
    "100x40",
    { tool_name: "Skill", tool_input: { skill: "greet", args: "a b" } },
    [{ skill: "great" }],
  ],
  [
    "agent-tool",
    "100x40",
    { tool_name: "Agent", tool_input: { description: "A helper", prompt: "SAY: hi" } },
    [{ description: "Another" }],
  ],
];

test("a dialog shows the call it asks about, and no other", async () => {
  for (const version of VERSIONS)
    for (const [name, size, call, others] of CASES) {
      expect([version, name, await isShown(version, name, call, size)]).toEqual([version, name, true]);
      for (const tool_input of others)
        expect([name, tool_input, await isShown(version, name, { ...call, tool_input }, size)]).toEqual([
          name,
          tool_input,
          false,
        ]);
    }
});

test("another tool's call, or another agent's, is not what the dialog shows", async () => {
  const input = { tool_input: { command: "touch sub.txt" } };
  for (const version of VERSIONS) {
    const asked = (change: object) =>
      isShown(version, "agent", { tool_name: "Bash", ...input, ...agent, ...change });
    expect(await asked({})).toBe(true);
    expect(await asked({ tool_name: "Read" })).toBe(false);
    expect(await asked({ tool_name: "mcp__bash__run" })).toBe(false);
    expect(await asked({ agent_type: "explorer" })).toBe(false);
    expect(await isShown(version, "agent", { tool_name: "Bash", ...input })).toBe(false);
    expect(
      await isShown(version, "bash", {
        tool_name: "Bash",
        tool_input: { command: "touch foo.txt && echo hi" },
        ...agent,
      }),
    ).toBe(false);
  }
});

test("a text is its rows: blanks may go between two rows only", () => {
  expect(isText("one two\nthree", "one two three")).toBe(true);
  expect(isText("one two\nthree", "one twothree")).toBe(true);
  expect(isText("one two\n\n three ", "one  two\n\tthree\n")).toBe(true);
  expect(isText("one two three", "one twothree")).toBe(false);
  expect(isText("onetwo", "one two")).toBe(false);
  expect(isText("one", "one two")).toBe(false);
  expect(isText("one two", "one")).toBe(false);
  expect(isText("", "")).toBe(false);
});
