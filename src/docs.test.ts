// What exists is documented, and nothing is documented that does not exist.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS } from "./config.ts";

const root = join(import.meta.dir, "..");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const sorted = (words: Iterable<string>) => [...new Set(words)].sort();

/** Words that only this program itself uses. */
const INTERNAL = ["hook", "demo-claude"];

test("docs/commands.md has every command, and no other", () => {
  const table = /COMMANDS[^{]*\{([\s\S]*?)\n\};/.exec(read("src", "cli.ts"))?.[1] ?? "";
  const existing = [...table.matchAll(/^ {2}"?([\w-]+)"?: async/gm)].map(([, word]) => word ?? "");
  const documented = [...read("docs", "commands.md").matchAll(/`claude-remote ([a-z][\w-]*)/g)].map(
    ([, word]) => word ?? "",
  );
  expect(existing.length).toBeGreaterThan(4);
  expect(sorted(documented)).toEqual(sorted(existing.filter((word) => !INTERNAL.includes(word))));
});

test("docs/settings.md has every setting with its default, and no other", () => {
  const rows = [...read("docs", "settings.md").matchAll(/^\| `([a-z_]+)` \| [^|]+ \|/gm)];
  expect(sorted(rows.map(([, name]) => name ?? ""))).toEqual(sorted(Object.keys(SETTINGS)));
});

test("`help` has every command that is documented", () => {
  const help = read("src", "help.ts");
  for (const [, word] of read("docs", "commands.md").matchAll(/^## .*`claude-remote ([a-z]+)/gm)) {
    expect(help).toContain(`claude-remote ${word}`);
  }
});

test("links between the documents lead somewhere", () => {
  const documents = [
    "README.md",
    "CLAUDE.md",
    ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ];
  const broken: string[] = [];
  for (const document of documents.filter((name) => name.endsWith(".md"))) {
    for (const [, link = ""] of read(document).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const file = Bun.file(join(root, document, "..", link));
      if (file.size === 0) broken.push(`${document}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});
