// `claude-remote stop <session>`: ends a session, and says when it has ended.
import { admin } from "./background.ts";
import { CommandError, flags, REFUSED, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import type { Session } from "./protocol.ts";
import { findSession, isOpen, listSessions, shortId } from "./sessions.ts";

const USAGE_LINE = "claude-remote stop <session>";
/** claude ends within a second; after this it is said that it has not. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 50;

/** SIGTERM to its claude. 0 once it has ended, 1 if it still runs after five seconds. */
export async function stop(args: string[]): Promise<number> {
  const { positionals } = flags(args, {}, USAGE_LINE);
  const [wanted, more] = positionals;
  if (!wanted || more !== undefined) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (process.env.CLAUDECODE === "1")
    throw new CommandError("sessions are stopped by you, not below a running claude", REFUSED);
  const config = loadConfig();
  const { sessions } = await listSessions(config);
  const session = findSession(sessions, wanted);
  const name = shortId(session.id, sessions);
  if (!isOpen(session)) throw new CommandError(`${name} has ended already`);
  const path = `/sessions/${session.id}`;
  const look = async () =>
    ((await admin(config.paths, "GET", path)) as { session: Session }).session.ended_at !== null;
  await admin(config.paths, "POST", `${path}/stop`, {});
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await look())) {
    if (Date.now() > deadline)
      throw new CommandError(`${name} was told to end and still runs after ${PATIENCE_MS / 1_000} s`);
    await Bun.sleep(LOOK_MS);
  }
  console.error(`${name} has ended.`);
  return 0;
}
