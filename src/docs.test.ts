// What exists is documented, and nothing is documented that does not exist.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS } from "./config.ts";

const root = join(import.meta.dir, "..");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const sorted = (words: Iterable<string>) => [...new Set(words)].sort();

/** Words that only this program itself uses. */
const INTERNAL = ["hook", "hosted", "tunnel", "demo-claude", "doctor-mcp"];

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

/** Without the owner's routes, which are the commands' own. */
const viewers = (source: string) => source.replace(/"[A-Z]+", "\/(?:devboxes|devices|launches|tokens)/g, "");

test("docs/api.md has every route, each with a curl line, and no other", () => {
  const inServer = (name: string) => read("src", "server", `${name}.ts`);
  const source =
    ["api", "history", "metrics", "pair-another", "usage"].map((name) => inServer(name)).join("") +
    ["audit", "composing", "prompt", "search", "session", "viewer"]
      .map((noun) => inServer(`${noun}-routes`))
      .join("") +
    read("src", "server", "push", "routes.ts") +
    viewers(read("src", "devbox", "annex.ts")) +
    viewers(inServer("token-routes")) +
    viewers(inServer("devices"));
  const named = [...source.matchAll(/(?:plain|route)\(\s*"([A-Z]+)",\s*"([^"]+)"/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  const looped = ["interrupt", "stop"].map((type) => `POST /api/sessions/:id/${type}`);
  const document = read("docs", "api.md");
  const sections = document.split(/^### /m).slice(1);
  const documented = sections.map(
    (section) => /^`([A-Z]+ [^`]+)`/.exec(section)?.[1] ?? section.slice(0, 40),
  );
  expect(named.length).toBeGreaterThan(12);
  expect(sorted(documented)).toEqual(sorted([...named, ...looped]));
  expect(sections.filter((section) => !section.includes("curl "))).toEqual([]);
});

test("docs/api.md has every event and every error code", () => {
  const protocol = (noun: string) => read("src", "protocol", `${noun}.ts`);
  const events = /export type ViewerEvents = \{([\s\S]*?)\n\};/.exec(protocol("events"))?.[1] ?? "";
  const codes = /export type ErrorCode =([\s\S]*?);/.exec(protocol("error"))?.[1] ?? "";
  const document = read("docs", "api.md");
  const rows = [...document.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, word]) => word ?? "");
  const names = [...events.matchAll(/^ {2}([a-z_]+):/gm), ...codes.matchAll(/"([a-z_]+)"/g)].map(
    ([, word]) => word ?? "",
  );
  expect(sorted(rows)).toEqual(sorted(names));
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
