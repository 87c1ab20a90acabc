// `claude-remote attach [<session>]`: a full terminal on a session that outlived its own, or beside it.
import { type Parting, attach as stay } from "./attach/attached.ts";
import { detachKey } from "./attach/detach-key.ts";
import { admin, ownersSocket } from "./background.ts";
import { CommandError, flags, printable, REFUSED, USAGE } from "./command.ts";
import { type Config, ConfigError, loadConfig } from "./config.ts";
import type { LogLine, Session } from "./protocol.ts";
import type { Screen } from "./screen.ts";
import { findSession, isOpen, listSessions, shortId } from "./sessions.ts";
import { restoreSignals } from "./wrapper/libc.ts";

const USAGE_LINE = "claude-remote attach [<session>] [--lines N] [--detach-key KEYS]";
const OPTIONS = { lines: { type: "string" }, "detach-key": { type: "string" } } as const;
/** Lines of log above a session that draws on the main screen; one that fills the screen would hide them. */
const LINES_ABOVE = 200;
/** The most that the server gives at once. */
const MOST_LINES = 500;

/** Attaches; resolves with 0 when one leaves, and with claude's own code when the session ends. */
export async function attach(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  if (positionals.length > 1 || (values.lines !== undefined && !/^\d+$/.test(values.lines)))
    throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (process.env.CLAUDECODE === "1")
    throw new CommandError("one attaches from a terminal of one's own, not below a running claude", REFUSED);
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CommandError("attach needs a terminal on stdin and stdout", USAGE);
  const key = values["detach-key"];
  const config = loadConfig(key === undefined ? {} : { detach_key: key });
  const detach = detachKey(config.detach_key);
  if (!detach)
    throw new ConfigError(`"${config.detach_key}" names no keys to leave with; see docs/attach.md`);
  const { sessions } = await listSessions(config);
  const session = chosen(sessions, positionals[0]);
  const name = shortId(session.id, sessions);
  if (!isOpen(session)) throw new CommandError(`${name} has ended already`);
  await printLog(config, session, values.lines);
  process.stderr.write(
    `claude-remote: attached to ${name} in ${printable(session.cwd)}; ${detach.name} leaves it running\n`,
  );
  const socket = ownersSocket(config.paths, "/attach");
  return said(await stay({ session: session.id, ...socket, detach }), name);
}

/** The one that is named; without a name the only one there is, or the only one that nobody sits before. */
function chosen(all: readonly Session[], wanted: string | undefined): Session {
  if (wanted !== undefined) return findSession(all, wanted);
  const open = all.filter(isOpen);
  const alone = open.filter(({ terminal }) => !terminal);
  const [session, another] = alone.length > 0 ? alone : open;
  if (!session) throw new CommandError("no session is open");
  if (another) throw new CommandError("several sessions are open; claude-remote sessions lists them", USAGE);
  return session;
}

async function printLog({ paths }: Config, { id }: Session, wanted: string | undefined) {
  const { screen } = (await admin(paths, "GET", `/sessions/${id}`)) as { screen: Screen | null };
  const above = screen && !screen.modes.alternate ? LINES_ABOVE : 0;
  const limit = Math.min(MOST_LINES, wanted === undefined ? above : Number(wanted));
  if (limit === 0) return;
  const path = `/sessions/${id}/lines?limit=${limit}`;
  const { lines } = (await admin(paths, "GET", path)) as { lines: LogLine[] };
  for (const line of lines) process.stdout.write(`${textOf(line)}\n`);
}

const textOf = ({ source, text, count }: LogLine) =>
  source === "gap"
    ? `… ${count} lines are missing …`
    : text.replaceAll("\t", "    ").replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "?");

/** What it came to, and the exit code. */
function said(parting: Parting, name: string): number {
  const say = (text: string) => process.stderr.write(`claude-remote: ${text}\n`);
  switch (parting.how) {
    case "detached":
      say(`${name} goes on; back with: claude-remote attach ${name}`);
      return 0;
    case "ended":
      say(`${name} has ended (${endOf(parting.session)})`);
      return parting.session.exit_code ?? 1;
    case "hangup":
      return 1;
    case "refused":
      throw new CommandError(parting.message);
    case "signal":
      process.removeAllListeners(parting.signal);
      restoreSignals();
      process.kill(process.pid, parting.signal);
      return 1;
  }
}

function endOf({ end_reason, exit_code, signal }: Session): string {
  if (end_reason === "exit") return `exit code ${exit_code}`;
  return signal === null ? `${end_reason}` : `${end_reason}, ${signal}`;
}
