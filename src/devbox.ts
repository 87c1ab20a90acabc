// `claude-remote devbox`: the machines on which sessions can be started.
import * as v from "valibot";
import { agree, CommandError, day, flags, notBelowClaude, printable, USAGE } from "./command.ts";
import { type Config, loadConfig } from "./config.ts";
import { connect } from "./devbox/connect.ts";
import { type SshDevbox, sshDevbox, toDevbox } from "./devbox/devbox.ts";
import { examine } from "./devbox/examine.ts";
import { addDevbox, knownDevboxes, noteTried, removeDevbox, toCommandError } from "./devbox/owner.ts";
import { ownKey, sshSetup } from "./devbox/setup.ts";
import { LaunchError } from "./devbox/ssh-errors.ts";
import { enrolment } from "./enrolment.ts";
import type { DevboxState } from "./protocol.ts";
import { VERSION } from "./version.ts";

const USAGE_LINE =
  "claude-remote devbox add <name> [<ssh host>] [--user U] [--port N] [--key FILE] [--dir FOLDER] [--host-key SHA256:…] | " +
  "list | status [<name>] | remove <name> [--yes]; each with --json";
const OPTIONS = {
  user: { type: "string" },
  port: { type: "string" },
  key: { type: "string" },
  dir: { type: "string" },
  "host-key": { type: "string" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
} as const;
type Options = {
  -readonly [Name in keyof typeof OPTIONS]?: (Name extends "yes" | "json" ? boolean : string) | undefined;
};

/** What a look at a devbox came to. */
type Look = {
  name: string;
  state: "active" | "unreachable";
  claude: string | null;
  platform: string | null;
  error: { class: string; message: string; next: string } | null;
};

/** Looked at side by side: sshd drops logins where ten have begun at once, and many devboxes may be behind one host. */
const LOOKS = 6;

const say = (line: string) => console.error(line);

/** Adds a devbox, lists them, looks how they are, or forgets one. Resolves with 1 where one is out of reach. */
export async function devbox(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const [verb, name, host, more] = positionals;
  const config = loadConfig();
  if (verb === "list" && name === undefined) return list(config, values);
  notBelowClaude("devboxes are looked after by you");
  if (verb === "add" && name && more === undefined) return add(config, name, host ?? name, values);
  if (verb === "status" && host === undefined) return status(config, name, values);
  if (verb === "remove" && name && host === undefined) return remove(config, name, values);
  throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
}

/** Checked by our own lists before any program hears of it. */
function described(name: string, host: string, { user, port, key, dir }: Options): SshDevbox {
  const given = { kind: "ssh", name, host, user, port: port === undefined ? null : Number(port), key, dir };
  const parsed = v.safeParse(sshDevbox, given);
  if (parsed.success) return parsed.output;
  const [{ message, path }] = parsed.issues;
  throw new CommandError(`${path?.map(({ key: field }) => field).join(".")} ${message}`, USAGE);
}

async function add(config: Config, name: string, host: string, options: Options): Promise<number> {
  const wanted = described(name, host, options);
  const known = await knownDevboxes(config);
  if (known.some((one) => one.name === name)) throw new CommandError(`there is a devbox "${name}" already`);
  const { devbox, look, fingerprint } = await added(config, wanted, options);
  await noteTried(config, name, null, fingerprint);
  if (options.json) console.log(JSON.stringify({ devbox, fingerprint, ...look }));
  else say(`Added ${name}: ${look.claude} on ${look.platform}. Start a session: claude-remote ssh ${name}`);
  return 0;
}

/** Looks first, so that nothing is added that does not work. */
async function added(config: Config, wanted: SshDevbox, options: Options) {
  const setup = sshSetup(config, false);
  if (setup.folder) say(`Let this key in there (~/.ssh/authorized_keys):\n    ${await ownKey(setup.folder)}`);
  const asked = {
    terminal: process.stdin.isTTY && !options.json,
    fingerprint: options["host-key"] ?? null,
    say,
  };
  try {
    const { ssh, fingerprint } = await connect(wanted, setup, asked);
    await using open = ssh;
    const { platform, version } = await examine(open, VERSION);
    const devbox = await addDevbox(config, wanted);
    return { devbox, look: { ...lookOf(wanted.name, null), claude: version, platform }, fingerprint };
  } catch (error) {
    throw error instanceof LaunchError ? toCommandError(error) : error;
  }
}

function lookOf(name: string, error: LaunchError | null): Look {
  const told = error && { class: error.class, message: error.message, next: error.next };
  return { name, state: error ? "unreachable" : "active", claude: null, platform: null, error: told };
}

async function list(config: Config, { json }: Options): Promise<number> {
  const known = await knownDevboxes(config);
  if (json) {
    console.log(JSON.stringify({ devboxes: known }));
    return 0;
  }
  if (known.length === 0)
    say("There are no devboxes yet; claude-remote devbox add <name> <ssh host> adds one.");
  const own = enrolment(config.paths)?.operator ? "the server's machine" : "this machine";
  for (const one of known) console.log(rowOf(one, own));
  return 0;
}

function rowOf({ name, kind, host, user, port, dir, state, last_used }: DevboxState, own: string): string {
  const place = kind === "local" ? own : `${user ? `${user}@` : ""}${host}${port ? `:${port}` : ""}`;
  const used = last_used === null ? "never used" : `used ${day(last_used)}`;
  return [name.padEnd(16), state.padEnd(12), used.padEnd(22), printable(`${place} ${dir ?? ""}`).trim()].join(
    "  ",
  );
}

/** Looks now, at one or at all of them, and tells the server. */
async function status(config: Config, name: string | undefined, { json }: Options): Promise<number> {
  const known = (await knownDevboxes(config)).filter((one) => name === undefined || one.name === name);
  if (name !== undefined && known.length === 0)
    throw new CommandError(`there is no devbox "${printable(name)}"`);
  const looks: Look[] = [];
  for (let at = 0; at < known.length; at += LOOKS)
    looks.push(...(await Promise.all(known.slice(at, at + LOOKS).map((one) => looked(config, one)))));
  if (json) console.log(JSON.stringify({ devboxes: looks }));
  else for (const look of looks) console.log(lineOf(look));
  return looks.every(({ error }) => error === null) ? 0 : 1;
}

async function looked(config: Config, state: DevboxState): Promise<Look> {
  const devbox = toDevbox(state);
  if (devbox.kind === "local") return lookOf(state.name, null);
  try {
    const asked = { terminal: false, fingerprint: null, say };
    const { ssh } = await connect(devbox, sshSetup(config, false), asked);
    await using open = ssh;
    const { platform, version } = await examine(open, VERSION);
    await noteTried(config, state.name, null);
    return { ...lookOf(state.name, null), claude: version, platform };
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    await noteTried(config, state.name, error);
    return lookOf(state.name, error);
  }
}

function lineOf({ name, state, claude, platform, error }: Look): string {
  if (!error)
    return `${name.padEnd(16)}  ${state.padEnd(12)}  ${printable(`${claude ?? ""} ${platform ?? ""}`).trim()}`;
  return `${name.padEnd(16)}  ${error.class.padEnd(12)}  ${printable(error.message)}\n${" ".repeat(18)}${error.next}`;
}

/** What runs there goes on, but reports to nobody any more. */
async function remove(config: Config, name: string, { yes, json }: Options): Promise<number> {
  const known = await knownDevboxes(config);
  if (!known.some((one) => one.name === name))
    throw new CommandError(`there is no devbox "${printable(name)}"`);
  await agree(`Forget ${name}? What runs there is out of reach then.`, yes, "not removed");
  await removeDevbox(config, name);
  if (json) console.log(JSON.stringify({ removed: name }));
  else say(`${name} is forgotten. Our program is still there: ~/.local/share/claude-remote`);
  return 0;
}
