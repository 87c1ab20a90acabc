// Programs of others that devboxes need, the service, and whether claude's hooks reach the running sessions.
import { admin } from "../background.ts";
import { printable } from "../command.ts";
import type { Config } from "../config.ts";
import { enrolment } from "../enrolment.ts";
import type { Session } from "../protocol.ts";
import { type Manager, systemd } from "../service/manager.ts";
import { type Found, fail, ok, warn } from "./found.ts";

/** A program tells its version within milliseconds; a server its sessions. */
const ANSWER_MS = 8_000;
/** Below this `ssh` has no StreamLocalBindUnlink and no accept-new that works, and nobody tries it any more. */
const OLDEST_SSH = 8;

export function sshCheck(_: Config, path: string | null = Bun.which("ssh")): Found {
  const next = "install OpenSSH's client (apt install openssh-client)";
  if (path === null) return warn("there is no ssh: devboxes cannot be reached", next);
  const said = versionOf(path, "-V");
  const major = Number(/OpenSSH_(?:for_\w+_)?(\d+)/.exec(said)?.[1] ?? Number.NaN);
  if (Number.isNaN(major)) return warn(`${path} is not OpenSSH: devboxes were never tried with it`, next);
  const version = said.split(",")[0] ?? said;
  return major < OLDEST_SSH ? warn(`${version} is older than what was tried`, next) : ok(version);
}

export function rsyncCheck(_: Config, path: string | null = Bun.which("rsync")): Found {
  const without = "conversations of devboxes stay there without it";
  if (path === null)
    return warn(`there is no rsync: ${without}`, "install it (apt install rsync), here and on the devboxes");
  const version = /^rsync\s+version v?(\d\S*)/.exec(versionOf(path, "--version"))?.[1];
  if (version === undefined)
    return warn(
      `${path} does not tell its version: ${without}`,
      `see what \`${path} --version\` says; macOS' own is none`,
    );
  return ok(`rsync ${version}`);
}

/** What it says of itself, on whichever stream. */
function versionOf(path: string, flag: string): string {
  const { stdout, stderr } = Bun.spawnSync([path, flag], { stdin: "ignore", timeout: ANSWER_MS });
  return `${stdout}${stderr}`.trim().slice(0, 500);
}

export function serviceCheck({ paths }: Config, manager: Manager | null = known()): Found {
  const state = manager?.state();
  if (!manager || !state?.installed)
    return ok(
      enrolment(paths) ? "the server is elsewhere" : "none is installed: the server starts when it is needed",
    );
  const { active, enabled } = state;
  if (!active) return fail("it is installed and does not run", `see ${manager.logs}`);
  return enabled
    ? ok("the server runs as a service")
    : warn("it runs, and does not start by itself", "claude-remote service install");
}

const known = () => (process.platform === "linux" ? systemd(process.env) : null);

export async function hooksCheck({ paths }: Config): Promise<Found> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const asked = await admin(paths, "GET", "/sessions", undefined, signal).catch(() => null);
  if (asked === null) return ok("no server tells of sessions");
  const { sessions } = asked as { sessions: Session[] };
  const open = sessions.filter(({ ended_at, connected }) => ended_at === null && connected);
  const dead = open.filter(({ hooks }) => hooks === "dead");
  const [first] = dead;
  if (!first)
    return ok(open.length > 0 ? `claude's hooks reach ${open.length} open sessions` : "no session is open");
  return fail(
    `claude's hooks do not reach ${dead.length} of ${open.length} open sessions (${printable(first.cwd)}): no cards there`,
    "see that no setting turns hooks off (disableAllHooks, managed settings), and start that session anew",
  );
}
