// `claude-remote token`: credentials for programs that use the API.
import { admin, ownersServer } from "./background.ts";
import { agree, askable, CommandError, day, flags, notBelowClaude, printable, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { enrolment } from "./enrolment.ts";
import type { ApiToken } from "./protocol.ts";
import { revoke } from "./revoke.ts";
import { SCOPES } from "./server/tokens.ts";

const USAGE_LINE =
  "claude-remote token create <name> --scope read,input,metrics [--days N] [--yes] [--json] | list [--json] | " +
  "revoke <id or name> | revoke --all [--yes]";
const OPTIONS = {
  scope: { type: "string", multiple: true },
  days: { type: "string" },
  all: { type: "boolean" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
} as const;

type Options = { yes?: boolean | undefined; json?: boolean | undefined };
type Made = Pick<ApiToken, "id" | "name" | "scopes" | "expires_at"> & { token: string };

/** What a scope lets a program do, for whoever says yes to it. */
const MEANING: Record<string, string> = {
  read: "read every session, conversation and question",
  input: "type to claude, which then acts on this machine",
  metrics: "read the server's numbers",
};

/** Makes one, lists them, or ends the right of one or of all. */
export async function token(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const [verb, name, more] = positionals;
  const usage = () => new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (more !== undefined) throw usage();
  if (verb === "list" && name === undefined) return list(await known(), values.json);
  if (verb === "create" && name) {
    const scopes = (values.scope ?? []).flatMap((given) => given.split(",")).filter(Boolean);
    const days = values.days === undefined ? undefined : Number(values.days);
    if (days !== undefined && !/^[1-9]\d{0,3}$/.test(values.days ?? "")) throw usage();
    return create({ name, scopes: [...new Set(scopes)], ...(days === undefined ? {} : { days }) }, values);
  }
  if (verb !== "revoke" || (name === undefined) !== (values.all === true)) throw usage();
  notBelowClaude("tokens are made and ended by you");
  const { paths } = loadConfig();
  const own = enrolment(paths)?.device;
  // The one that this very command uses comes last.
  const all = (await known()).sort((a, b) => Number(a.device_id === own) - Number(b.device_id === own));
  const ended = (one: ApiToken) => `${printable(one.name)} is worth nothing any more.`;
  return revoke(paths, { word: "token", path: "/tokens", all, ended }, { ...values, name });
}

async function known(): Promise<ApiToken[]> {
  const config = loadConfig();
  await ownersServer(config);
  return ((await admin(config.paths, "GET", "/tokens")) as { tokens: ApiToken[] }).tokens;
}

/** The token alone on stdout, for a file or a pipe. */
async function create(
  wanted: { name: string; scopes: string[]; days?: number },
  { yes, json }: Options,
): Promise<number> {
  notBelowClaude("tokens are made and ended by you");
  const { name, scopes } = wanted;
  if (scopes.includes("operate"))
    throw new CommandError("to operate from another machine: device add <name> --operate", USAGE);
  const odd = scopes.find((scope) => !SCOPES.some((one) => one === scope));
  if (scopes.length === 0 || odd !== undefined)
    throw new CommandError(
      odd === undefined
        ? `--scope says what it may: ${SCOPES.join(", ")}`
        : `there is no scope "${printable(odd)}": ${SCOPES.join(", ")}`,
      USAGE,
    );
  askable(yes);
  const config = loadConfig();
  await ownersServer(config);
  const what = scopes.map((scope) => MEANING[scope]).join("; ");
  await agree(`Let whoever has "${printable(name)}" ${what}?`, yes, "no token was made");
  const made = (await admin(config.paths, "POST", "/tokens", wanted)) as Made;
  if (json) {
    console.log(JSON.stringify(made));
    return 0;
  }
  console.error(`Shown once; it is good until ${day(made.expires_at)} UTC (docs/tokens.md):\n`);
  console.log(made.token);
  return 0;
}

function list(tokens: readonly ApiToken[], json: boolean | undefined): number {
  if (json) console.log(JSON.stringify({ tokens }));
  else
    for (const { id, name, scopes, expires_at, last_used } of tokens) {
      const used = last_used === null ? "never used" : `used ${day(last_used)}`;
      console.log(`${id}  ${printable(name)}  ${scopes.join(",")}  (until ${day(expires_at)}, ${used})`);
    }
  if (tokens.length === 0 && !json) console.error("There are no tokens.");
  return 0;
}
