// `claude-remote [claude arguments]`: claude, reachable from the phone; or claude directly where that makes no sense.
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensureServer, noteForUnpaired } from "./background.ts";
import { CommandError, executable, ourselves, USAGE } from "./command.ts";
import { type Config, type Flags, loadConfig, type SettingName } from "./config.ts";
import { channelOf, enrolment, secretOf } from "./enrolment.ts";
import type { DeviceId } from "./protocol.ts";
import { deviceSecret } from "./seal.ts";
import { masterKey } from "./server/private-file.ts";
import { restoreSignals } from "./wrapper/libc.ts";
import { logFile } from "./wrapper/log-file.ts";
import { passThrough } from "./wrapper/passthrough.ts";
import type { PtyExit } from "./wrapper/pty.ts";
import { Runs } from "./wrapper/runs.ts";
import { webSocket } from "./wrapper/socket.ts";
import { wrap } from "./wrapper/wrapper.ts";

/** This user's own wrappers on this user's own server. */
const LOCAL = "local" as DeviceId;

/** claude's own subcommands, which ask nothing: `claude --help` of 2.1.197 and 2.1.329. */
const SUBCOMMANDS =
  "agents attach auth auto-mode config doctor gateway import install kill logs mcp migrate-installer plugin plugins " +
  "project purge respawn rm server setup-token stop ultrareview update upgrade";
const NOT_INTERACTIVE = new Set([
  ...SUBCOMMANDS.split(" "),
  ...["-p", "--print", "-v", "--version", "-h", "--help", "--bg", "--background"],
]);

/** Runs claude with these arguments; resolves with claude's own exit code. */
export async function run(argv: string[]): Promise<number> {
  const { own, claudeArgs } = ownFlags(argv);
  const config = loadConfig(own.settings);
  const claude = findClaude(config.claude);
  if (own.private || !interactive(claudeArgs)) return finish(await passThrough([claude, ...claudeArgs]));
  return finish(await wrapped(config, [claude], claudeArgs, childEnv()));
}

/** The same with a small program in claude's place, for who has no claude here. */
export async function demo(args: string[]): Promise<number> {
  if (!process.stdin.isTTY) throw new CommandError("the demo needs a terminal to run in", USAGE);
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-demo-"));
  const env = { ...childEnv(), CLAUDE_CONFIG_DIR: folder };
  const ended = wrapped(loadConfig(), [...ourselves(), "demo-claude"], args, env);
  return finish(await ended.finally(() => rmSync(folder, { recursive: true, force: true })));
}

/** Those of our settings that are flags here. */
const OWN: Record<string, SettingName> = { "--pty": "pty", "--on-hangup": "on_hangup", "--ask": "ask" };

/** Our own flags stand before claude's; the first word that is not ours ends them. */
function ownFlags(argv: string[]) {
  const settings: Flags = {};
  let rest = argv;
  let direct = process.env.CLAUDE_REMOTE_OFF === "1" || process.env.CLAUDECODE === "1";
  for (;;) {
    const [word, value] = rest;
    if (word === "--private") direct = true;
    else if (word !== undefined && Object.hasOwn(OWN, word)) {
      if (value === undefined) throw new CommandError(`${word} needs a value`, USAGE);
      settings[OWN[word] ?? "pty"] = value;
      rest = rest.slice(1);
    } else return { own: { private: direct, settings }, claudeArgs: rest };
    rest = rest.slice(1);
  }
}

const interactive = (args: string[]) => process.stdin.isTTY && process.stdout.isTTY && needsTerminal(args);

/** Whether claude is talked to with these arguments; else it prints something and ends. */
export const needsTerminal = (args: readonly string[]) =>
  !args.some((arg, i) => NOT_INTERACTIVE.has(arg) && (i === 0 || arg.startsWith("-")));

/** The claude to run: the setting, or the first on PATH that is not ourselves. */
export function findClaude(setting: string | undefined): string {
  if (setting) {
    const found = setting.includes("/") ? existsSync(setting) && setting : Bun.which(setting);
    if (found) return found;
    throw new CommandError(`there is no claude at ${setting} (CLAUDE_REMOTE_CLAUDE); name the right path`, 3);
  }
  const self = realpathSync(executable());
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "claude"));
  const found = places.find((place) => existsSync(place) && realpathSync(place) !== self);
  if (found) return found;
  throw new CommandError(
    "there is no `claude` on your PATH. Install it (npm install -g @anthropic-ai/claude-code), or name it with " +
      "CLAUDE_REMOTE_CLAUDE=/path/to/claude. To see how this works without one: claude-remote demo",
  );
}

/** claude's environment is the user's own, less what is ours alone. */
function childEnv(): Record<string, string> {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_"));
  return Object.fromEntries(env.map(([name, value]) => [name, value ?? ""]));
}

async function wrapped(
  config: Config,
  claude: string[],
  args: string[],
  env: Record<string, string>,
): Promise<PtyExit> {
  const { paths } = config;
  return wrap({
    claude,
    args,
    cwd: process.cwd(),
    env,
    engine: config.pty,
    onHangup: config.on_hangup,
    keepAwake: config.keep_awake,
    ...serverFor(config),
    hookCommand: ourselves(),
    ask: config.ask,
    runFolder: paths.run,
    runs: new Runs(paths.data),
    log: (session) => logFile(join(paths.state, "logs"), session),
    transcript: async (events) => (await import("./transcript/follow.ts")).follow(events),
  });
}

/** Who we are to which server: the one this machine joined, or this user's own, started if there is none. */
function serverFor(config: Config) {
  const { paths } = config;
  try {
    const joined = enrolment(paths);
    if (!joined && config.url)
      throw new Error(`this machine has not joined ${config.url} (claude-remote join)`);
    if (joined) {
      const channel = channelOf(config.url ?? joined.url);
      return { device: joined.device, secret: () => secretOf(joined), connect: webSocket(() => channel) };
    }
  } catch (error) {
    process.stderr.write(`claude-remote: no phone will reach this session: ${(error as Error).message}\n`);
    const secret = (): never => {
      throw error;
    };
    return { device: LOCAL, secret, connect: webSocket(() => "") };
  }
  if (ensureServer(config)) noteForUnpaired(config);
  noteForAlone(new Runs(paths.data).aloneIn(process.cwd()));
  const local = `ws+unix://${join(paths.data, "server.sock")}:/ws`;
  const secret = () => deviceSecret(masterKey(join(paths.data, "master.key")), LOCAL);
  return { device: LOCAL, secret, connect: webSocket(() => local) };
}

/** So much of an id tells two sessions apart that began in the same second. */
const ID_CHARS = 13;

/** Before claude takes the terminal: which sessions of this folder go on although their terminal was closed. */
function noteForAlone(ids: readonly string[]) {
  const newest = ids.at(-1);
  if (newest === undefined) return;
  const many = ids.length > 1 ? ` (one of ${ids.length}; claude-remote sessions lists them)` : "";
  process.stderr.write(
    `claude-remote: a session of this folder goes on without a terminal: claude-remote attach ${newest.slice(0, ID_CHARS)}${many}\n`,
  );
}

/** claude's end as our own, at once, whatever of ours is still under way: its code, or the same signal on ourselves. */
function finish({ code, signal }: PtyExit): never {
  if (signal) {
    process.removeAllListeners(signal);
    restoreSignals();
    process.kill(process.pid, signal as NodeJS.Signals);
  }
  process.exit(code ?? 1);
}
