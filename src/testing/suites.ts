// The tests, suite by suite, each with its time; ends with "N passed, N failed". `--all` adds what takes long.
import { join } from "node:path";

const root = join(import.meta.dir, "..", "..");
const bun = process.execPath;
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const all = process.argv.includes("--all");

type Suite = { name: string; command: string[] };

/** Debian packages that the tests drive: a browser, and programs that run inside the wrapped terminal. */
const PACKAGES: Record<string, string> = {
  chromium: "chromium",
  less: "less",
  vim: "vim-tiny",
  tmux: "tmux",
  git: "git",
  zsh: "zsh",
  fish: "fish",
  "firefox-esr": "firefox-esr",
};

/** The tests that stand in this folder itself. */
const testsIn = (folder: string) =>
  [...new Bun.Glob(`${folder}/*.test.ts`).scanSync(root)].map((file) => `./${file}`);

/** A test waits for what must come; how long a busy machine takes for it is no verdict. */
const TEST_TIMEOUT_MS = 30_000;
/** Of a failure's output the end tells why. */
const FAILURE_CHARS = 4_000;
/** Runs its words where a Docker engine answers, if one does; with --all it brings one. */
const engine = join(root, "src", "testing", "containers", "engine.sh");
const test = [bun, "test", `--timeout=${TEST_TIMEOUT_MS}`];

const SUITES: Suite[] = [
  { name: "format and lint", command: [bin("biome"), "check", "--error-on-warnings", "."] },
  { name: "types", command: [bin("tsc"), "-p", "."] },
  { name: "the binary", command: [bun, "src/build.ts"] },
  { name: "core", command: [...test, ...testsIn("src"), "./src/transcript", "./src/wrapper"] },
  { name: "server", command: [...test, "./src/server", "./src/backup"] },
  { name: "the simulation", command: [...test, "./src/testing/simulation", "./src/testing/mutations"] },
  {
    name: "demo and test support",
    command: [...test, "./src/demo", "./src/doctor", ...testsIn("src/testing")],
  },
  { name: "page", command: [...test, "./public"] },
  { name: "notifications", command: [...test, "./src/testing/push"] },
  { name: "claude's dialogs", command: [...test, "./src/testing/dialogs"] },
  { name: "attached terminals", command: [...test, "./src/attach", "./src/testing/attach"] },
  { name: "the wrapped terminal", command: [...test, "./src/testing/transparency"] },
  { name: "containers", command: [engine, ...test, "./src/testing/containers"] },
  ...(all ? [{ name: "the mutations", command: [bun, "src/testing/mutations/run.ts"] }] : []),
  { name: "the whole story", command: [...test, "./src/testing/story"] },
  { name: "chaos", command: [...test, "./src/testing/chaos"] },
];

/** Installs what is missing, as root or by sudo. Says what to install where neither works. */
async function installPackages() {
  const missing = Object.entries(PACKAGES).filter(
    ([program, name]) => !Bun.which(program) && !Bun.which(name),
  );
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  console.log(`installing ${names.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const step of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", ...names],
  ]) {
    const child = Bun.spawn([...sudo, "apt-get", ...step], { env, stdout: "ignore", stderr: "inherit" });
    if ((await child.exited) !== 0)
      throw new Error(`apt-get ${step[0]} failed; install ${names.join(" ")} by hand`);
  }
}

type Result = { name: string; passed: number; failed: number; why: string };

async function run({ name, command }: Suite): Promise<Result> {
  const begunAt = Date.now();
  const env = { ...process.env, ...(all ? { CLAUDE_REMOTE_TEST_ALL: "1" } : {}) };
  const child = Bun.spawn(command, { cwd: root, env, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([tee(child.stdout), tee(child.stderr), child.exited]);
  const text = `${out}\n${err}`;
  const count = (word: string) =>
    [...text.matchAll(new RegExp(`^\\s*(\\d+) ${word}$`, "gm"))].reduce((sum, [, n]) => sum + Number(n), 0);
  const counted = command.includes("test");
  const passed = counted ? count("pass") : Number(code === 0);
  const failed = counted ? Math.max(count("fail"), Number(code !== 0)) : Number(code !== 0);
  console.log(
    `── ${name}: ${passed} passed, ${failed} failed, ${((Date.now() - begunAt) / 1_000).toFixed(1)} s`,
  );
  return { name, passed, failed, why: failed > 0 ? failures(text, counted) : "" };
}

/** What is said of each failed test: the lines up to its `(fail)` since the test before it. Of other suites, their end. */
function failures(text: string, counted: boolean): string {
  if (!counted) return text.slice(-FAILURE_CHARS);
  const parts = text.split(/^\((?:pass|fail)\) .*$/m);
  const verdicts = [...text.matchAll(/^\((pass|fail)\) .*$/gm)];
  const said = verdicts.flatMap(([line, verdict], index) =>
    verdict === "fail" ? [`${(parts[index] ?? "").slice(-FAILURE_CHARS)}${line}`] : [],
  );
  return said.join("\n") || text.slice(-FAILURE_CHARS);
}

/** Shows a stream while it is kept. */
async function tee(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    const piece = decoder.decode(bytes, { stream: true });
    process.stdout.write(piece);
    text += piece;
  }
  return text;
}

await installPackages();
const fetched = await run({
  name: "claude's pinned versions",
  command: [bun, "src/testing/fetch-claude.ts"],
});
const results = [fetched];
for (const suite of SUITES) results.push(await run(suite));
for (const { name, failed, why } of results) {
  if (failed > 0) console.log(`\n── failed in ${name}\n${why}`);
}
const sum = (key: "passed" | "failed") => results.reduce((total, result) => total + result[key], 0);
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
