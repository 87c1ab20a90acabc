// The wrapper that a launch starts on a devbox: without a terminal, in a session of its own, until its claude ends.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import * as v from "valibot";
import { executable, ourselves } from "../command.ts";
import { loadConfig } from "../config.ts";
import { privateFolder } from "../paths.ts";
import { logFile, logPath } from "../wrapper/log-file.ts";
import { Runs } from "../wrapper/runs.ts";
import { webSocket } from "../wrapper/socket.ts";
import { wrap } from "../wrapper/wrapper.ts";
import { channels } from "./channels.ts";
import { lineOf } from "./lines.ts";
import { loginEnvironment } from "./login.ts";
import { DEVBOX_DATA, hostedFolder, ORDER_CHARS, type Order, order, type Reply } from "./order.ts";

/** A claude's whole start, on a slow machine. */
const BEGINS_WITHIN_MS = 60_000;
/** Nobody waits at a terminal for our end, so a server that is away is waited for; longer, and the next wrapper tells it. */
const FAREWELL_MS = 60_000;
/** Where claude is installed although no PATH says so. */
const USUAL_PLACES = [".local/bin", ".claude/local", ".npm-global/bin", ".bun/bin", ".volta/bin", "bin"];
const USUAL_SYSTEM_PLACES = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/opt/claude-code/bin"];

/** Reads an order on stdin, starts the wrapper in a session of its own, and prints what became of that as one line. */
export async function beginHosted(): Promise<number> {
  const line = await lineOf(Bun.stdin.stream(), ORDER_CHARS);
  const env = await loginEnvironment();
  const folder = privateFolder(join(loadConfig().paths.state, "logs"));
  const log = openSync(join(folder, "hosted.log"), "w", 0o600);
  const child = Bun.spawn([...ourselves(), "hosted", "--run"], {
    ...{
      cwd: homedir(),
      env: { ...env, ...own() },
      stdin: "pipe",
      stdout: "pipe",
      stderr: log,
      detached: true,
    },
  });
  closeSync(log);
  child.stdin.write(`${line}\n`);
  await child.stdin.end();
  const late = setTimeout(() => child.kill(), BEGINS_WITHIN_MS);
  const reply = await lineOf(child.stdout);
  clearTimeout(late);
  child.unref();
  const silent: Reply = {
    error: { class: "failed", message: readFileSync(join(folder, "hosted.log"), "utf8").slice(-500) },
  };
  console.log(`\n${reply || JSON.stringify(silent)}`);
  return 0;
}

/** Where our own files are is no secret, and has to be the same in both. */
const own = () =>
  process.env.CLAUDE_REMOTE_HOME === undefined ? {} : { CLAUDE_REMOTE_HOME: process.env.CLAUDE_REMOTE_HOME };

/** The wrapper itself, by that order. Resolves when its claude has ended, with nothing left behind. */
export async function runHosted(): Promise<number> {
  const say = (reply: Reply) => void process.stdout.write(`${JSON.stringify(reply)}\n`);
  const parsed = v.safeParse(order, JSON.parse(await lineOf(Bun.stdin.stream(), ORDER_CHARS)));
  if (!parsed.success) {
    say({ error: { class: "failed", message: `the order makes no sense: ${parsed.issues[0].message}` } });
    return 1;
  }
  const { output: asked } = parsed;
  const dir = asked.dir === null ? homedir() : asked.dir.replace(/^~(?=\/|$)/, homedir());
  const wrong = wrongWith(dir);
  if (wrong) {
    say({ error: { class: "no_dir", message: `${wrong} ${JSON.stringify(asked.dir ?? dir)}` } });
    return 1;
  }
  const claude = asked.claude ?? claudeIn(process.env.PATH ?? "");
  if (!claude) {
    say({ error: { class: "claude_missing", message: "there is no claude on that user's PATH" } });
    return 1;
  }
  await runIn(asked, dir, claude, say);
  return 0;
}

async function runIn(asked: Order, dir: string, claude: string, say: (reply: Reply) => void) {
  const config = loadConfig();
  const { paths } = config;
  const local = asked.address.kind === "socket";
  const data = local ? paths.data : join(homedir(), DEVBOX_DATA, hostedFolder(asked.device));
  privateFolder(data);
  const logs = join(paths.state, "logs");
  const pidFile = join(data, `${asked.launch}.pid`);
  if (!local) writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  const { size, launch, prompt } = asked;
  try {
    await wrap({
      ...{ claude: [claude], args: argsOf(asked), cwd: dir, env: childEnv() },
      ...{ engine: config.pty, onHangup: "detach", keepAwake: config.keep_awake },
      ...{ device: asked.device, secret: () => new Uint8Array(Buffer.from(asked.secret, "base64url")) },
      connect: webSocket(channels(asked.address, data)),
      ...{ hookCommand: ourselves(), ask: config.ask, runFolder: paths.run, runs: new Runs(data) },
      log: (session) => logFile(logs, session),
      hosted: {
        ...{ size, launch, prompt, farewellMs: FAREWELL_MS },
        onBegun: (session) => say({ pid: process.pid, session, log: logPath(logs) }),
      },
      transcript: async (events) => (await import("../transcript/follow.ts")).follow(events),
    });
  } catch (error) {
    say({ error: { class: "failed", message: error instanceof Error ? error.message : String(error) } });
  } finally {
    if (!local) tidy(data, pidFile);
  }
}

/** What is ours is a flag of ours; what a phone said is typed, never a word of claude's (SEC-064). */
function argsOf({ mode, resume, args }: Pick<Order, "mode" | "resume" | "args">): string[] {
  return [...(mode ? ["--permission-mode", mode] : []), ...(resume ? ["--resume", resume] : []), ...args];
}

/** What only a wrapper needed goes with it. What says how runs ended stays for the next one; the way back is its keeper's. */
function tidy(data: string, pidFile: string) {
  rmSync(pidFile, { force: true });
  const others = readdirSync(data).filter((name) => name.endsWith(".pid"));
  if (others.some((name) => runs(join(data, name)))) return;
  for (const killed of others) rmSync(join(data, killed), { force: true });
  for (const folder of [join(data, "runs"), data]) {
    try {
      rmdirSync(folder);
    } catch {
      // Something is in it that is still needed.
    }
  }
}

/** Whether the process that such a file names is there; one that was killed left its file behind. */
function runs(file: string): boolean {
  try {
    return process.kill(Number(readFileSync(file, "utf8")), 0);
  } catch {
    return false;
  }
}

/** The first claude on that PATH, or in a usual place, that is not ourselves. */
function claudeIn(path: string): string | null {
  const self = realpathSync(executable());
  const folders = [
    ...path.split(delimiter),
    ...USUAL_PLACES.map((place) => join(homedir(), place)),
    ...USUAL_SYSTEM_PLACES,
  ];
  const files = folders.filter((folder) => folder.startsWith("/")).map((folder) => join(folder, "claude"));
  return files.find((file) => existsSync(file) && realpathSync(file) !== self) ?? null;
}

/** Why nothing can start in that folder, its name left out; null: it can. */
function wrongWith(path: string): string | null {
  try {
    if (!statSync(path).isDirectory()) return "there is no folder";
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" ? "that user may not enter" : "there is no folder";
  }
}

function childEnv(): Record<string, string> {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_"));
  return Object.fromEntries(env.map(([name, value]) => [name, value ?? ""]));
}
