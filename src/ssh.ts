// `claude-remote ssh <devbox> [claude arguments]`: claude on another machine, in this terminal and on the phone.
import * as v from "valibot";
import { attach } from "./attach.ts";
import { askYes, CommandError, notBelowClaude, printable, REFUSED, USAGE } from "./command.ts";
import { type Config, loadConfig } from "./config.ts";
import { connect } from "./devbox/connect.ts";
import { Connections } from "./devbox/connections.ts";
import { type Devbox, type SshDevbox, sshDevbox, toDevbox } from "./devbox/devbox.ts";
import { type LaunchStep, launch } from "./devbox/launch.ts";
import { addDevbox, knownDevboxes, noteTried, ownersContext, toCommandError } from "./devbox/owner.ts";
import { sshSetup } from "./devbox/setup.ts";
import { LaunchError } from "./devbox/ssh-errors.ts";
import type { ConversationId, SessionId } from "./protocol.ts";
import { needsTerminal } from "./run.ts";

const USAGE_LINE = "claude-remote ssh [--dir FOLDER] [--detach] <devbox or ssh host> [claude arguments]";

type Asked = { name: string; dir: string | null; detach: boolean; claudeArgs: string[] };

/** Starts a session there and attaches to it; resolves as `attach` does. `--detach` prints its id instead. */
export async function ssh(args: string[]): Promise<number> {
  const asked = parsed(args);
  notBelowClaude("sessions elsewhere are started by you");
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  if (!asked.detach && !terminal)
    throw new CommandError("ssh needs a terminal on stdin and stdout, or --detach", USAGE);
  if (!needsTerminal(asked.claudeArgs))
    throw new CommandError(
      `that asks nothing: ssh ${asked.name} claude ${asked.claudeArgs.join(" ")}`,
      USAGE,
    );
  const config = loadConfig();
  const devbox = await named(config, asked.name, terminal);
  const session = await started(config, devbox, asked, terminal);
  if (asked.detach) {
    console.log(session);
    return 0;
  }
  return attach([session]);
}

function parsed(args: string[]): Asked {
  let rest = args;
  let dir: string | null = null;
  let detach = false;
  for (;;) {
    const [word, value] = rest;
    if (word === "--detach") detach = true;
    else if (word === "--dir" && value !== undefined) {
      dir = value;
      rest = rest.slice(1);
    } else if (word === undefined || word.startsWith("-"))
      throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
    else return { name: word, dir, detach, claudeArgs: rest.slice(1) };
    rest = rest.slice(1);
  }
}

/** The devbox of that name; a host that is none yet becomes one with a yes. */
async function named(config: Config, name: string, terminal: boolean): Promise<Devbox> {
  const found = (await knownDevboxes(config)).find((one) => one.name === name);
  if (found) return toDevbox(found);
  const host = v.safeParse(sshDevbox, { kind: "ssh", name, host: name });
  const how = `claude-remote devbox add ${printable(name)} <ssh host>`;
  if (!host.success)
    throw new CommandError(`there is no devbox "${printable(name)}"; ${how} adds one`, USAGE);
  if (!terminal) throw new CommandError(`there is no devbox "${name}" yet; ${how} adds it`, REFUSED);
  if (!(await askYes(`${name} is no devbox yet. Add it, as ssh knows it?`)))
    throw new CommandError("not started", REFUSED);
  return host.output;
}

async function started(config: Config, devbox: Devbox, asked: Asked, terminal: boolean) {
  await using connections = new Connections(sshSetup(config, terminal));
  await reached(config, devbox, connections, terminal);
  return await startOver(config, connections, devbox, { ...asked, resume: null });
}

type Start = Pick<Asked, "dir" | "claudeArgs"> & { resume: ConversationId | null };

/** Starts a session over a connection that stands, telling each step on stderr. Throws CommandError. */
export async function startOver(
  config: Config,
  connections: Connections,
  devbox: Devbox,
  { dir, claudeArgs: args, resume }: Start,
): Promise<SessionId> {
  const steps = progress();
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  try {
    const { columns: cols, rows } = process.stdout;
    const size = terminal && cols && rows ? { size: { cols, rows } } : {};
    const request = { devbox, dir, args, prompt: null, mode: null, resume, ...size };
    const { session } = await launch(request, ownersContext(config, connections), steps.show);
    return session;
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    await noteTried(config, devbox.name, error);
    throw toCommandError(error);
  } finally {
    steps.end();
  }
}

/** Connects, asking whoever sits here; what it is not yet, it becomes a devbox once that worked. Throws CommandError. */
export async function reached(config: Config, devbox: Devbox, connections: Connections, terminal: boolean) {
  if (devbox.kind !== "ssh") return;
  try {
    await connected(config, devbox, connections, terminal);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    await noteTried(config, devbox.name, error);
    throw toCommandError(error);
  }
}

async function connected(config: Config, devbox: SshDevbox, connections: Connections, terminal: boolean) {
  const say = (line: string) => console.error(line);
  const asked = { terminal, fingerprint: null, say };
  const { ssh: open, fingerprint } = await connect(devbox, connections.setup, asked);
  connections.take(open);
  const known = await knownDevboxes(config);
  if (!known.some(({ name }) => name === devbox.name)) await addDevbox(config, devbox);
  await noteTried(config, devbox.name, null, fingerprint);
}

const WORDS: Record<LaunchStep["step"], string> = {
  connecting: "connecting",
  checking: "looking for claude",
  copying: "putting claude-remote there",
  tunnel: "opening a way back",
  starting: "starting claude",
};

/** Each step on stderr: on a terminal one line that changes, else a line each. */
function progress() {
  let last = "";
  const terminal = process.stderr.isTTY;
  return {
    show({ step, percent, note }: LaunchStep) {
      if (note) process.stderr.write(`${terminal ? "\r\x1b[K" : ""}claude-remote: ${printable(note)}\n`);
      const text = `claude-remote: ${WORDS[step]}${percent === undefined ? "" : ` ${percent} %`} …`;
      if (text === last || (!terminal && WORDS[step] === last)) return;
      last = terminal ? text : WORDS[step];
      process.stderr.write(terminal ? `\r\x1b[K${text}` : `claude-remote: ${WORDS[step]}\n`);
    },
    end() {
      if (terminal && last) process.stderr.write("\r\x1b[K");
      last = "";
    },
  };
}
