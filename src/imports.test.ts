// Holds the import picture of docs/architecture.md: which room may import which, and no cycles.
import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "..");

/** Every room, and the rooms it may import besides itself. A file at the top of src is a room of its own. */
const ROOMS: Record<string, string[]> = {
  screen: [],
  frame: ["screen"],
  protocol: ["screen"],
  digest: ["protocol"],
  seal: ["protocol", "digest"],
  paths: [],
  config: ["paths"],
  command: [],
  version: [],
  hook: [],
  transcript: ["protocol"],
  // Conversations of this machine and of devboxes, and their files.
  conversations: ["protocol", "transcript", "devbox", "server"],
  demo: [],
  public: ["protocol", "screen", "frame"],
  wrapper: ["protocol", "screen", "frame", "digest", "seal", "paths", "hook"],
  server: ["protocol", "screen", "frame", "digest", "seal", "paths", "public"],
  // Runs beside the server's core, which never imports it.
  push: ["protocol", "server"],
  // The commands: each joins what it needs.
  help: ["config"],
  completion: ["config", "command", "devbox"],
  background: ["config", "paths", "command", "version", "protocol", "server", "enrolment", "operator"],
  operator: ["config", "paths", "command", "enrolment", "server"],
  pair: ["config", "command", "background", "protocol", "enrolment"],
  enrolment: ["paths", "protocol"],
  device: ["config", "command", "background", "protocol", "enrolment", "operator", "revoke"],
  viewer: ["config", "command", "background", "protocol", "revoke"],
  token: ["config", "command", "background", "protocol", "enrolment", "server", "revoke"],
  revoke: ["paths", "command", "background"],
  join: ["config", "command", "enrolment", "wrapper", "operator", "server"],
  healthcheck: ["config", "command", "background"],
  sessions: ["config", "command", "background", "protocol", "enrolment", "devbox"],
  // The room src/attach/ and its command.
  attach: ["config", "command", "background", "protocol", "screen", "sessions", "wrapper"],
  stop: ["config", "command", "background", "protocol", "sessions"],
  serve: [
    ...[
      "config",
      "paths",
      "command",
      "version",
      "server",
      "push",
      "devbox",
      "conversations",
      "background",
      "page",
    ],
  ],
  page: ["page-bundle", "server"],
  "page-bundle": [],
  run: [
    "config",
    "paths",
    "command",
    "background",
    "protocol",
    "seal",
    "server",
    "wrapper",
    "transcript",
    "enrolment",
  ],
  // The examination of this machine and of a real claude, and the command for it.
  doctor: [
    ...["config", "command", "run", "protocol", "screen", "wrapper"],
    ...["background", "enrolment", "server", "push", "version", "service"],
  ],
  // Conversations gone on with: the command, and what it does.
  resume: [
    ...[
      "attach",
      "background",
      "command",
      "config",
      "conversations",
      "devbox",
      "enrolment",
      "protocol",
      "run",
    ],
    ...["sessions", "ssh"],
  ],
  // Sessions on other machines, and the commands for it; the core never imports it.
  devbox: [
    ...["config", "paths", "command", "background", "version", "protocol", "seal", "server", "enrolment"],
    ...["wrapper", "transcript"],
  ],
  ssh: ["config", "command", "background", "protocol", "enrolment", "devbox", "attach", "run"],
  hosted: ["command", "devbox"],
  tunnel: ["devbox"],
  // Copies of the data; the core never imports it.
  backup: ["config", "command", "version", "server", "protocol"],
  restore: ["config", "paths", "command", "server", "backup"],
  // The room src/service/ and its command.
  service: ["config", "paths", "command", "background", "enrolment", "version"],
  build: [],
  release: [],
  start: ["command", "run"],
  cli: [
    "backup",
    "restore",
    "doctor",
    "command",
    "config",
    "hook",
    "run",
    "serve",
    "pair",
    "device",
    "viewer",
    "token",
    "service",
    "join",
    ...["devbox", "ssh", "hosted", "tunnel"],
    "healthcheck",
    "sessions",
    "attach",
    "resume",
    "stop",
    "help",
    "completion",
    "version",
    "demo",
  ],
};

const isTest = (file: string) => /\.test\.tsx?$|(^|\/)testing\/|testdata/.test(file);
const everything = ["src", "public", "bench"]
  .flatMap((folder) => [...new Bun.Glob(`${folder}/**/*.ts`).scanSync(root)])
  .sort();
const files = everything.filter((file) => !isTest(file) && !file.startsWith("bench/"));

function roomOf(file: string): string {
  if (file.startsWith("src/server/push/")) return "push";
  const [top = "", second = ""] = file.split("/");
  return top === "public" ? "public" : second.replace(/\.ts$/, "");
}

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(join(root, file)).text();
  const named = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  return named.map((name) => relative(root, join(root, dirname(file), name)));
}

test("every file stands in a room of the picture", () => {
  expect(files.filter((file) => !(roomOf(file) in ROOMS))).toEqual([]);
});

test("rooms import only what the picture allows", async () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const target of await importsOf(file)) {
      if (!/^(src|public)\//.test(target)) continue;
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from !== to && !ROOMS[from]?.includes(to)) wrong.push(`${file} → ${target}`);
      if (isTest(target)) wrong.push(`${file} → ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("the protocol is imported by its door", async () => {
  const past: string[] = [];
  for (const file of files.filter((name) => roomOf(name) !== "protocol"))
    for (const target of await importsOf(file))
      if (target.startsWith("src/protocol/")) past.push(`${file} → ${target}`);
  expect(past).toEqual([]);
});

test("no file imports itself through others", async () => {
  const graph = new Map<string, string[]>();
  for (const file of everything) graph.set(file, await importsOf(file));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: string[]) => {
    if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of everything) walk(file, []);
  expect(cycles).toEqual([]);
});
