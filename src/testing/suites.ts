// The tests, suite by suite, each with its time; ends with "N passed, N failed". `--all` adds what takes long.
import { join } from "node:path";

const root = join(import.meta.dir, "..", "..");
const bun = process.execPath;
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const all = process.argv.includes("--all");

/** `first`: the others need what it makes. */
type Suite = { name: string; command: string[]; first?: true };
/** Most suites wait for a claude or a browser half of their time: two side by side take two thirds of it. */
const AT_ONCE = 2;

/** Debian packages that the tests drive, by one of the programs that they bring: a browser, and what runs inside the wrapped
 * terminal. */
const PACKAGES: Record<string, string> = {
  chromium: "chromium",
  less: "less",
  "vim|vim.tiny": "vim-tiny",
  tmux: "tmux",
  git: "git",
  zsh: "zsh",
  fish: "fish",
  tcsh: "tcsh",
  ssh: "openssh-client",
  "firefox-esr": "firefox-esr",
  rsync: "rsync",
  sshd: "openssh-server",
  "systemd-analyze": "systemd",
};

/** Those that only what takes long needs: WebKit, the engine of iPhones, and a display for it; an emulator of arm64, and the
 * C library for it. */
const PACKAGES_OF_ALL: Record<string, string> = {
  WebKitWebDriver: "webkit2gtk-driver",
  Xvfb: "xvfb",
  "qemu-aarch64-static": "qemu-user-static",
  "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1": "libc6-arm64-cross",
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

/** The longest begin first, so that no lane ends long after the other. */
const SUITES: Suite[] = [
  { name: "the binary", command: [bun, "src/build.ts"], first: true },
  { name: "format and lint", command: [bin("biome"), "check", "--error-on-warnings", "."] },
  { name: "types", command: [bin("tsc"), "-p", "."] },
  ...(all ? [{ name: "Firefox and WebKit", command: [...test, "./src/testing/engines"] }] : []),
  ...(all ? [{ name: "the binary for arm64", command: [...test, "./src/testing/release"] }] : []),
  { name: "claude's dialogs", command: [...test, "./src/testing/dialogs"] },
  { name: "page", command: [...test, "./public"] },
  { name: "the whole story", command: [...test, "./src/testing/story"] },
  { name: "attached terminals", command: [...test, "./src/attach", "./src/testing/attach"] },
  { name: "the wrapped terminal", command: [...test, "./src/testing/transparency"] },
  {
    name: "core",
    command: [
      ...test,
      ...testsIn("src"),
      "./src/transcript",
      "./src/wrapper",
      "./src/service",
      "./src/release",
    ],
  },
  { name: "conversations", command: [...test, "./src/conversations", "./src/testing/resume"] },
  { name: "devboxes", command: [...test, "./src/devbox", "./src/testing/ssh"] },
  { name: "chaos", command: [...test, "./src/testing/chaos"] },
  { name: "server", command: [...test, "./src/server", "./src/backup"] },
  { name: "the simulation", command: [...test, "./src/testing/simulation", "./src/testing/mutations"] },
  ...(all ? [{ name: "the mutations", command: [bun, "src/testing/mutations/run.ts"] }] : []),
  { name: "the locked door", command: [...test, "./src/testing/security", "./src/testing/guards"] },
  ...(all ? [{ name: "the guards", command: [bun, "src/testing/guards/run.ts"] }] : []),
  { name: "notifications", command: [...test, "./src/testing/push"] },
  {
    name: "demo and test support",
    command: [...test, "./src/demo", "./src/doctor", ...testsIn("src/testing")],
  },
  { name: "containers", command: [engine, ...test, "./src/testing/containers"] },
  // Their figures are told, and judge nothing: what else runs here is in them.
  ...(all ? [{ name: "a thousand pages", command: [bun, "bench/load.ts"] }] : []),
  ...(all ? [{ name: "days of output", command: [bun, "bench/soak.ts"] }] : []),
];

/** A plain user's PATH lacks where daemons are. */
const found = (program: string) =>
  Bun.which(program, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }) !== null;

/** Installs what is missing, as root or by sudo. Says what to install where neither works. */
async function installPackages() {
  const missing = Object.entries({ ...PACKAGES, ...(all ? PACKAGES_OF_ALL : {}) }).filter(
    ([programs, name]) => ![...programs.split("|"), name].some(found),
  );
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (sudo.length > 0 && (!Bun.which("sudo") || Bun.spawnSync([...sudo, "true"]).exitCode !== 0)) {
    console.error(
      `The tests need Debian packages that are not here, and installing them needs root or sudo. As root, once:\n\n    ` +
        `apt-get update && apt-get install -y --no-install-recommends ${names.join(" ")}\n`,
    );
    process.exit(1);
  }
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

const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

type Result = { name: string; passed: number; failed: number; why: string };

/** Runs it and shows what it said once it has ended, so that two do not speak at once. */
async function run({ name, command }: Suite): Promise<Result> {
  const begunAt = Date.now();
  console.log(`── ${name} …`);
  const env = { ...process.env, ...(all ? { CLAUDE_REMOTE_TEST_ALL: "1" } : {}) };
  const child = Bun.spawn(command, { cwd: root, env, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]);
  const text = `${out}\n${err}`;
  process.stdout.write(text);
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

/** Runs these in their order, so many at once. */
async function runAll(suites: readonly Suite[]): Promise<Result[]> {
  const waiting = [...suites];
  const results: Result[] = [];
  const lane = async () => {
    for (let suite = waiting.shift(); suite; suite = waiting.shift()) results.push(await run(suite));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}

await installPackages();
const fetched = await run({
  name: "claude's pinned versions",
  command: [bun, "src/testing/fetch-claude.ts"],
});
const results = [fetched];
for (const suite of SUITES.filter(({ first }) => first)) results.push(await run(suite));
results.push(...(await runAll(SUITES.filter(({ first }) => !first))));
for (const { name, failed, why } of results) {
  if (failed > 0) console.log(`\n── failed in ${name}\n${why}`);
}
const sum = (key: "passed" | "failed") => results.reduce((total, result) => total + result[key], 0);
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
