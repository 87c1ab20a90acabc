// `claude-remote join`: from now on this machine's wrappers report to a server elsewhere.
import { CommandError, flags, REFUSED, UNREACHABLE, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import {
  channelOf,
  dropEnrolment,
  type Enrolment,
  keepEnrolment,
  LINK_CHARS,
  parseLink,
  secretOf,
} from "./enrolment.ts";
import { isClear, operate } from "./operator.ts";
import { OPERATED } from "./server/owner.ts";
import { Link } from "./wrapper/link.ts";
import { webSocket } from "./wrapper/socket.ts";

const USAGE_LINE = "claude-remote join [- | <link>] | join --leave";
/** Another network may lie between, with its names to be looked up. */
const WITHIN_MS = 10_000;

/** Checks that the server lets this machine in, and keeps the link; nothing changes where it does not. */
export async function join(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, { leave: { type: "boolean" } }, USAGE_LINE);
  const [given, more] = positionals;
  if (process.env.CLAUDECODE === "1")
    throw new CommandError("where sessions are shown is not changed below a running claude", REFUSED);
  if (more !== undefined || (values.leave && given)) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  const { paths } = loadConfig();
  if (values.leave) {
    if (!dropEnrolment(paths)) throw new CommandError("this machine has joined no server");
    console.error("Left. Sessions that run now stay with that server until they end.");
    return 0;
  }
  const joined = parseLink(await linkFrom(given));
  if (!joined) {
    throw new CommandError(
      "that is no link; `claude-remote device add <name>` prints one on the server",
      USAGE,
    );
  }
  await reach(joined.url);
  await shakeHands(joined);
  if (joined.operator) await mayOperate(joined.url, joined.operator);
  keepEnrolment(paths, joined);
  const besides = joined.operator
    ? ", and pair, sessions, attach and the other owner's commands are for it"
    : "";
  console.error(
    `Joined ${joined.url}: what claude-remote runs here appears there${besides}. Undo: claude-remote join --leave`,
  );
  return 0;
}

/** Sees that the operator's token is taken there, and that it does not travel in clear text. */
async function mayOperate(url: string, token: string) {
  if (isClear(url) && !loadConfig().insecure_http)
    throw new CommandError(
      `${url} is plain http: the right to operate it does not travel there (docs/tokens.md)`,
      REFUSED,
    );
  const there = { url: `${url}${OPERATED}`, token };
  await operate(there, "GET", "/status", undefined, AbortSignal.timeout(WITHIN_MS));
}

async function linkFrom(given: string | undefined): Promise<string> {
  if (given !== undefined && given !== "-") {
    console.error(
      "`ps` showed that secret, and your shell may remember it; `claude-remote join` alone asks for it.",
    );
    return given;
  }
  if (given === undefined && process.stdin.isTTY) return hidden("Link: ");
  if (given === undefined) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  let text = "";
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.length > LINK_CHARS || text.includes("\n")) break;
  }
  return text.split("\n", 1)[0] ?? "";
}

/** A line typed or pasted at the terminal, unseen. */
async function hidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  let line = "";
  try {
    for await (const chunk of stdin) {
      for (const key of String(chunk)) {
        if (key === "\r" || key === "\n") return line;
        if (key === "\x03" || key === "\x04") throw new CommandError("not joined", REFUSED);
        line = key === "\x7f" ? line.slice(0, -1) : (line + key).slice(0, LINK_CHARS);
      }
    }
    return line;
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}

/** Says what is wrong on the way, which a WebSocket does not. */
async function reach(url: string) {
  const init = { signal: AbortSignal.timeout(WITHIN_MS), redirect: "manual" as const };
  const answer = await fetch(`${url}/health`, init).catch((error: Error) => {
    throw new CommandError(`${url} cannot be reached: ${error.message}`, UNREACHABLE);
  });
  if (answer.status === 421) {
    throw new CommandError(
      `the server at ${url} does not know itself by that name; start it with --public-url ${url}`,
      UNREACHABLE,
    );
  }
  if (!answer.ok)
    throw new CommandError(
      `what answers at ${url} is no claude-remote server (${answer.status})`,
      UNREACHABLE,
    );
}

/** Resolves once both ends have proved that they know the secret. */
async function shakeHands(joined: Enrolment) {
  const up = Promise.withResolvers<void>();
  const failed = (why: string, code: number) => up.reject(new CommandError(why, code));
  using link = new Link({
    device: joined.device,
    secret: () => secretOf(joined),
    connect: webSocket(() => channelOf(joined.url)),
    onUp: up.resolve,
    onMessage: () => {},
    onDown: (why) =>
      link.refused ? failed(why, REFUSED) : failed(`${joined.url} does not let us in: ${why}`, UNREACHABLE),
  });
  const late = setTimeout(() => failed(`${joined.url} does not answer`, UNREACHABLE), WITHIN_MS);
  await up.promise.finally(() => clearTimeout(late));
}
