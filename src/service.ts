// `claude-remote service`: the server as a service of this user's: started with the machine, started again when it fails.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaced, running, serverInfo, shutDown } from "./background.ts";
import {
  CommandError,
  flags,
  notBelowClaude,
  ourselves,
  REFUSED,
  UNREACHABLE,
  USAGE,
  userName,
} from "./command.ts";
import { type Config, type Flags, loadConfig } from "./config.ts";
import { enrolment } from "./enrolment.ts";
import { privateFolder } from "./paths.ts";
import { launchd, lingers, type Manager, put, systemd } from "./service/manager.ts";
import { keptEnv, SECRET } from "./service/units.ts";
import { VERSION } from "./version.ts";

const USAGE_LINE = "claude-remote service install [--print] [serve's flags] | status [--json] | uninstall";
/** A server is there within a tenth of a second; a busy machine takes longer. */
const START_MS = 30_000;
const LOOK_MS = 50;

const SERVE = {
  host: { type: "string" },
  port: { type: "string" },
  "public-url": { type: "string" },
  "insecure-http": { type: "boolean" },
  "log-level": { type: "string" },
} as const;
const OPTIONS = { ...SERVE, print: { type: "boolean" }, json: { type: "boolean" } } as const;

/** Installs, tells of, or takes away the service; the data are never touched. */
export async function service(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const { print, json, ...settings } = values;
  const [verb, more] = positionals;
  const alone = Object.keys(settings).length === 0 && !print;
  if (more === undefined && verb === "status" && alone) return status(json);
  if (more === undefined && verb === "uninstall" && alone && !json) return uninstall();
  if (more !== undefined || verb !== "install" || json) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  const named = Object.entries(settings).map(([name, value]) => [name.replaceAll("-", "_"), value]);
  const config = loadConfig(Object.fromEntries(named) as Flags); // Here, where somebody reads what is wrong with them.
  const words = Object.entries(settings).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  return install(config, words, print === true);
}

function managerOf({ paths }: Config): Manager {
  if (process.platform === "linux") return systemd(process.env);
  if (process.platform === "darwin")
    return launchd(join(privateFolder(join(paths.state, "logs")), "service.log"));
  throw new CommandError("services are known on Linux (systemd) and macOS (launchd)");
}

async function install(config: Config, words: string[], print: boolean): Promise<number> {
  const manager = managerOf(config);
  const text = manager.text({ command: [...ourselves(), "serve", ...words], env: keptEnv(process.env) });
  if (print) {
    console.log(text.trimEnd());
    return 0;
  }
  notBelowClaude("services are installed by you");
  if (enrolment(config.paths))
    console.error(
      "This machine reports to a server elsewhere; what is installed is one of its own beside it.",
    );
  manager.reach();
  const { active } = manager.state();
  await makeRoom(config, active);
  const gone = existsSync(manager.file) ? lost(readFileSync(manager.file, "utf8"), text) : [];
  const changed = put(manager.file, text);
  if (gone.length > 0)
    console.error(
      `It was installed with ${gone.join(", ")}, which this time nobody said: it goes without. Say it again, or write it ` +
        "into config.toml, where it stays.",
    );
  if (process.env[SECRET])
    console.error(`${SECRET} is not put into a unit: write metrics_token into config.toml (0600).`);
  const known = serverInfo(config.paths);
  const same = known?.version === VERSION && !replaced(known);
  if (active && same && !changed) console.error("It is installed and runs already, just so.");
  else manager.start();
  await answering(config, manager);
  const { url } = serverInfo(config.paths) ?? {};
  console.error(`${url ?? "The server"} runs as a service (${manager.file}). What it says: ${manager.logs}`);
  if (lingers() === false)
    console.error(`It ends when you log out, and begins when you log in. To change that: ${ENABLE_LINGER()}`);
  return 0;
}

/** Flags of `serve`, and settings, that stand in the one text and not in the other. */
function lost(before: string, now: string): string[] {
  const named = (text: string): string[] => text.match(SAID) ?? [];
  return [...new Set(named(before))].filter((one) => !named(now).includes(one));
}

const SAID = new RegExp(`--(?:${Object.keys(SERVE).join("|")})\\b|CLAUDE_REMOTE_[A-Z_]+`, "g");

const ENABLE_LINGER = () => `sudo loginctl enable-linger ${userName()}`;

/** A server that a wrapper started gives way; one that you started does not. */
async function makeRoom({ paths }: Config, active: boolean) {
  if (active || !(await running(paths))) return;
  const known = serverInfo(paths);
  if (!known?.auto)
    throw new CommandError(
      `a server of yours runs already (process ${known?.pid ?? "?"}) that you started yourself; end it first`,
      REFUSED,
    );
  await shutDown(paths);
}

async function answering({ paths }: Config, manager: Manager) {
  const deadline = Date.now() + START_MS;
  while (!(await running(paths))) {
    if (Date.now() > deadline)
      throw new CommandError(`it was started and does not answer; see ${manager.logs}`, UNREACHABLE);
    await Bun.sleep(LOOK_MS);
  }
}

/** 0 where it runs, else 1. */
async function status(json: boolean | undefined): Promise<number> {
  const config = loadConfig();
  const manager = managerOf(config);
  const state = manager.state();
  const linger = lingers();
  const answers = await running(config.paths);
  const url = answers ? (serverInfo(config.paths)?.url ?? null) : null;
  if (json) console.log(JSON.stringify({ ...state, linger, url, file: manager.file, logs: manager.logs }));
  else for (const line of told(state, linger, url, manager)) console.log(line);
  return state.active ? 0 : 1;
}

function told(
  { installed, active, enabled }: ReturnType<Manager["state"]>,
  linger: boolean | null,
  url: string | null,
  { file, logs }: Manager,
): string[] {
  if (!installed) {
    const other = url ? `; a server that is no service answers at ${url}` : "";
    return [`not installed${other} (claude-remote service install)`];
  }
  const lines = [
    active ? `runs${url ? `, at ${url}` : ""}` : `does not run; see ${logs}`,
    enabled ? "starts by itself" : "does not start by itself (claude-remote service install)",
    file,
  ];
  if (linger === false) lines.splice(2, 0, `ends when you log out (${ENABLE_LINGER()})`);
  return lines;
}

async function uninstall(): Promise<number> {
  notBelowClaude("services are taken away by you");
  const config = loadConfig();
  const manager = managerOf(config);
  if (!manager.state().installed) {
    console.error("It is not installed.");
    return 0;
  }
  manager.reach();
  manager.stop();
  console.error(`Taken away. Everything the server keeps is still there: ${config.paths.data}`);
  return 0;
}
