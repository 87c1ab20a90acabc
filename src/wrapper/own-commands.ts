// The user's own slash commands: what stands in the commands, skills and plugins folders that claude reads. Only names
// and descriptions are taken, from the head of each file, and never more than so many.
import type { Dirent } from "node:fs";
import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { Command } from "../protocol.ts";
import { pluginSkill } from "./claude-commands.ts";

/** Files looked into, and folders below each other; people have some dozens. */
const MAX_FILES = 300;
const MAX_DEPTH = 4;
/** Folders above the current one in which a project may have its own. */
const MAX_ABOVE = 20;
/** The head of a file: names and descriptions stand there. */
const HEAD_BYTES = 4 * 1024;
/** The list of installed plugins is a few kB. */
const MAX_LIST_BYTES = 256 * 1024;
const MAX_ABOUT_CHARS = 160;
/** What can be typed after a slash. */
const NAME = /^[\p{L}\p{N}_.:-]{1,80}$/u;

export type OwnCommandsOptions = {
  cwd: string;
  /** Where claude keeps its files. */
  folder: string;
  version: string | null;
  /** Folders of plugins that were named on the command line. */
  plugins: readonly string[];
};

type From = Command["from"];
type Search = { left: number };

/** Every command of the user's own, the first of a name only. Never rejects: what cannot be read is not there. */
export async function ownCommands({ cwd, folder, version, plugins }: OwnCommandsOptions): Promise<Command[]> {
  const search = { left: MAX_FILES };
  const found: Command[] = [...(await below(search, folder, "user", null))];
  for (const root of await projectsAbove(cwd)) {
    const own = join(root, ".claude");
    if (own !== folder) found.push(...(await below(search, own, "project", root)));
  }
  for (const plugin of [...plugins, ...(await installed(folder))])
    found.push(...(await ofPlugin(search, plugin, version)));
  const seen = new Set<string>();
  return found.filter(({ name }) => !seen.has(name) && seen.add(name));
}

/** The current folder and those above it, up to the one that a repository begins in. */
async function projectsAbove(cwd: string): Promise<string[]> {
  const folders: string[] = [];
  for (let folder = cwd; folders.length < MAX_ABOVE; folder = dirname(folder)) {
    folders.push(folder);
    const begins = await stat(join(folder, ".git")).catch(() => null);
    if (begins || dirname(folder) === folder) break;
  }
  return folders;
}

/** `within`: what a link leads out of there to is not read. */
async function below(search: Search, folder: string, from: From, within: string | null): Promise<Command[]> {
  const commands = await commandFiles(search, join(folder, "commands"), [], within);
  const skills = await skillFiles(search, join(folder, "skills"), within);
  const named = [
    ...commands.map((file) => command(file.name, file.head, from)),
    ...skills.map((file) => command(field(file.head, "name") ?? file.name, file.head, from)),
  ];
  return named.filter((one) => one !== null);
}

async function ofPlugin(search: Search, folder: string, version: string | null): Promise<Command[]> {
  const about = await head(join(folder, ".claude-plugin", "plugin.json"), null);
  const plugin = /"name"\s*:\s*"([\w.-]{1,60})"/.exec(about ?? "")?.[1] ?? basename(folder);
  const commands = await commandFiles(search, join(folder, "commands"), [], null);
  const skills = await skillFiles(search, join(folder, "skills"), null);
  const named = [
    ...commands.map((file) => command(`${plugin}:${file.name}`, file.head, "plugin")),
    ...skills.map((file) => {
      const name = field(file.head, "name") ?? file.name;
      return command(pluginSkill(version, plugin, name), file.head, "plugin");
    }),
  ];
  return named.filter((one) => one !== null);
}

type Found = { name: string; head: string };

/** `sub/inner.md` is `sub:inner`. */
async function commandFiles(
  search: Search,
  folder: string,
  path: string[],
  within: string | null,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const entry of await entries(folder)) {
    if (search.left <= 0) break;
    const at = join(folder, entry.name);
    if (entry.name.endsWith(".md")) {
      search.left--;
      const text = await head(at, within);
      if (text !== null) found.push({ name: [...path, entry.name.slice(0, -3)].join(":"), head: text });
    } else if (entry.isDirectory() && path.length < MAX_DEPTH)
      found.push(...(await commandFiles(search, at, [...path, entry.name], within)));
  }
  return found;
}

async function skillFiles(search: Search, folder: string, within: string | null): Promise<Found[]> {
  const found: Found[] = [];
  for (const entry of await entries(folder)) {
    if (search.left-- <= 0) break;
    const text = await head(join(folder, entry.name, "SKILL.md"), within);
    if (text !== null) found.push({ name: entry.name, head: text });
  }
  return found;
}

async function entries(folder: string): Promise<Dirent[]> {
  const all = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return all.filter(({ name }) => !name.startsWith(".")).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where the plugins are that claude installed; those that are switched off among them. */
async function installed(folder: string): Promise<string[]> {
  const file = join(folder, "plugins", "installed_plugins.json");
  try {
    if ((await stat(file)).size > MAX_LIST_BYTES) return [];
    const text = await readFile(file, "utf8");
    const paths = [...text.matchAll(/"installPath"\s*:\s*("(?:[^"\\]|\\.)*")/g)].map(([, path]) => path);
    return [...new Set(paths.map((path) => String(JSON.parse(path ?? '""'))))].filter((path) => path !== "");
  } catch {
    return [];
  }
}

/** The first bytes of a plain file, or null; null too where it leads out of `within`. */
async function head(path: string, within: string | null): Promise<string | null> {
  try {
    if (!(await stat(path)).isFile()) return null; // A pipe would keep us waiting.
    if (within !== null && !(await realpath(path)).startsWith((await realpath(within)) + sep)) return null;
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead).toString("utf8");
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

function command(name: string, text: string, from: From): Command | null {
  if (!NAME.test(name) || field(text, "user-invocable") === "false") return null;
  const hint = field(text, "argument-hint");
  const about = field(text, "description") ?? firstLine(text);
  return { name, about: cut(about), ...(hint ? { hint: cut(hint) } : {}), from };
}

const cut = (text: string) => {
  const plain = text.replaceAll(/[\p{C}\s]+/gu, " ").trim();
  return plain.length > MAX_ABOUT_CHARS ? `${plain.slice(0, MAX_ABOUT_CHARS - 1).trimEnd()}…` : plain;
};

const FRONT = /^---\r?\n([\s\S]*?)(?:\r?\n---|$)/;

/** A field of the front matter, its lines joined. As much of YAML as people write there. */
function field(text: string, name: string): string | null {
  const front = FRONT.exec(text)?.[1] ?? "";
  const lines = front.split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  if (at < 0) return null;
  const first = (lines[at] ?? "").slice(name.length + 1).trim();
  if (!/^[>|][+-]?$/.test(first)) return first.replace(/^(["'])(.*)\1$/, "$2") || null;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => line.trim() !== "" && !/^\s/.test(line));
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => line.trim()).join(" ");
}

function firstLine(text: string): string {
  const body = text.replace(FRONT, "");
  return (
    body
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.replace(/^#+\s*/, "") ?? ""
  );
}
