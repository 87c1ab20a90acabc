// `claude-remote resume`: which conversations there are, here and on devboxes, and going on with one of them.
import { attach } from "./attach.ts";
import { admin, ownersServer } from "./background.ts";
import { CommandError, notBelowClaude, USAGE } from "./command.ts";
import { type Config, loadConfig } from "./config.ts";
import { Atlas, type FromServer, type How, NOTHING } from "./conversations/atlas.ts";
import type { Recorded } from "./conversations/recorded.ts";
import { connect } from "./devbox/connect.ts";
import { Connections } from "./devbox/connections.ts";
import { type Devbox, toDevbox } from "./devbox/devbox.ts";
import { knownDevboxes } from "./devbox/owner.ts";
import { sshSetup } from "./devbox/setup.ts";
import type { Ssh } from "./devbox/ssh.ts";
import { enrolment } from "./enrolment.ts";
import type { DeviceId, Session } from "./protocol.ts";
import { find, lastHere } from "./resume/find.ts";
import { list, say } from "./resume/list.ts";
import { prepared, startedOn } from "./resume/onward.ts";
import { run } from "./run.ts";

const USAGE_LINE =
  "claude-remote resume [<session or conversation> | --last] [--on <devbox>] [--here] [--json] [claude arguments]";

type Asked = {
  id: string | null;
  last: boolean;
  here: boolean;
  json: boolean;
  on: string | null;
  rest: string[];
};

/** Lists, or goes on with one; resolves with claude's own exit code then. */
export async function resume(args: string[]): Promise<number> {
  const asked = read(args);
  const named = asked.id !== null || asked.last;
  const { on, here, json, rest } = asked;
  if (named && json) throw usage("--json lists conversations");
  if (on !== null && here) throw usage("--here is for this machine");
  if (!named && (on !== null || here || rest.length > 0)) throw usage("which conversation?");
  if (named) notBelowClaude("conversations are gone on with by you");
  const config = loadConfig();
  const { server, problem } = await fromServer(config);
  await using connections = new Connections(sshSetup(config, false));
  const atlas = new Atlas(server, (devbox, how) => reach(connections, devbox, how));
  if (!named) return await list(atlas, json, problem); // What it asks over ends with this function.
  const { id } = asked.last ? await lastHere(atlas) : await find(atlas, asked.id ?? "");
  if (on !== null) {
    const session = await startedOn(on, { config, atlas, connections, id, args: rest });
    await connections[Symbol.asyncDispose](); // None stays open for as long as claude runs.
    return attach([session]);
  }
  process.chdir(await prepared(atlas, id, here || asked.last));
  await connections[Symbol.asyncDispose]();
  return run(["--resume", id, ...rest]);
}

/** As far as nobody has to be asked; then, where somebody sits here, by asking. Rejects with LaunchError. */
async function reach(connections: Connections, devbox: Devbox, { ask, signal }: How): Promise<Ssh> {
  if (!ask || devbox.kind !== "ssh") return connections.get(devbox, signal);
  const asked = { terminal: process.stdin.isTTY, fingerprint: null, say };
  const { ssh } = await connect(devbox, connections.setup, asked);
  connections.take(ssh);
  return ssh;
}

const usage = (why: string) => new CommandError(`${why}\nUsage: ${USAGE_LINE}`, USAGE);

/** Our own words stand before claude's; the first that is not ours ends them. */
function read(args: string[]): Asked {
  const asked: Asked = { id: null, last: false, here: false, json: false, on: null, rest: [] };
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--last") asked.last = true;
    else if (word === "--here") asked.here = true;
    else if (word === "--json") asked.json = true;
    else if (word === "--on") {
      const name = args[++at];
      if (!name) throw usage("--on needs a devbox");
      asked.on = name;
    } else if (word === "--") return { ...asked, rest: args.slice(at + 1) };
    else if (!word.startsWith("-") && asked.id === null && !asked.last) asked.id = word;
    else return { ...asked, rest: args.slice(at) };
  }
  return asked;
}

/** What the server knows; without one, this machine alone says what there is. */
async function fromServer(config: Config): Promise<{ server: FromServer; problem: string | null }> {
  try {
    await ownersServer(config);
    const ask = (path: string) => admin(config.paths, "GET", path);
    const { sessions } = (await ask("/sessions")) as { sessions: Session[] };
    const { conversations } = (await ask("/conversations")) as { conversations: Recorded[] };
    const devboxes = (await knownDevboxes(config)).filter(({ kind }) => kind === "ssh").map(toDevbox);
    const own = [enrolment(config.paths)?.device ?? ("local" as DeviceId)];
    return { server: { recorded: conversations, sessions, own, devboxes }, problem: null };
  } catch (error) {
    return { server: NOTHING, problem: error instanceof Error ? error.message : String(error) };
  }
}
