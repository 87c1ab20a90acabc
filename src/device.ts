// `claude-remote device`: other machines that may report their sessions to this server.
import { admin, ownersServer } from "./background.ts";
import {
  agree,
  askable,
  CommandError,
  day,
  flags,
  notBelowClaude,
  printable,
  REFUSED,
  USAGE,
} from "./command.ts";
import { type Config, isOrigin, loadConfig } from "./config.ts";
import { enrolment, linkOf } from "./enrolment.ts";
import { isClear } from "./operator.ts";
import type { DeviceId } from "./protocol.ts";
import { revoke } from "./revoke.ts";

const USAGE_LINE =
  "claude-remote device add <name> [--operate] [--url URL] [--yes] [--json] | list [--json] | revoke <id or name> | " +
  "revoke --all [--yes]";
const OPTIONS = {
  url: { type: "string" },
  operate: { type: "boolean" },
  all: { type: "boolean" },
  yes: { type: "boolean" },
  json: { type: "boolean" },
} as const;
type Options = {
  url?: string | undefined;
  operate?: boolean | undefined;
  yes?: boolean | undefined;
  json?: boolean | undefined;
};

type Device = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};

/** Lets a machine in, lists them, or ends one's right, or everyone's, for ever. */
export async function device(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const [verb, name, more] = positionals;
  if (verb === "list" && name === undefined) return list(values);
  notBelowClaude("machines are let in and out by you");
  if (verb === "add" && name && more === undefined) return add(name, values);
  if (verb !== "revoke" || more !== undefined || (name === undefined) !== (values.all === true))
    throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  const { paths } = loadConfig();
  const own = enrolment(paths)?.device;
  const all = (await devicesOf(loadConfig()))
    .filter(({ id, revoked_at }) => revoked_at === null && (id !== LOCAL || name !== undefined))
    .sort((a, b) => Number(a.id === own) - Number(b.id === own)); // The one that we speak from comes last.
  const ended = (one: Device) =>
    `${printable(one.name)} is cut off, and its secret is worth nothing any more.`;
  return revoke(paths, { word: "device", path: "/devices", all, ended }, { ...values, name });
}

/** The server's own machine, which holds the keys. */
const LOCAL = "local";

/** The link on stdout, for a pipe or a paste; what to do with it on stderr. */
async function add(name: string, { url: wanted, operate, yes, json }: Options): Promise<number> {
  const config = loadConfig();
  if (wanted !== undefined && !isOrigin(wanted))
    throw new CommandError("--url must be an http(s) address without a path", USAGE);
  askable(yes);
  await ownersServer(config);
  const status = (await admin(config.paths, "GET", "/status")) as { url: string };
  const url = new URL(wanted ?? status.url).origin;
  if (operate && isClear(url) && !config.insecure_http)
    throw new CommandError(
      `${url} is plain http, where whoever is on the way could operate this server as well: give it https ` +
        "(docs/https.md), or name another way with --url",
      REFUSED,
    );
  const may = operate ? "report its sessions to, and operate, " : "report its sessions to ";
  await agree(`Let "${printable(name)}" ${may}${url}?`, yes, "not let in");
  const made = (await admin(config.paths, "POST", "/devices", { name, ...(operate && { operate }) })) as {
    id: DeviceId;
    secret: string;
    token?: string;
    expires_at?: number;
  };
  const link = linkOf({ url, device: made.id, secret: made.secret, operator: made.token });
  if (json) {
    const { id, expires_at } = made;
    console.log(JSON.stringify({ id, name, url, link, ...(expires_at && { expires_at }) }));
    return 0;
  }
  console.error(
    `On "${printable(name)}", run \`claude-remote join\` and paste this line when it asks. It is shown once, and is that ` +
      "machine's secret:\n",
  );
  console.log(link);
  if (made.expires_at) console.error(`\nWhat it may operate ends ${day(made.expires_at)} UTC.`);
  if (isLoopback(url)) console.error(`\n${tunnelTo(url)}`);
  return 0;
}

const isLoopback = (url: string) => /^(127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname);

function tunnelTo(url: string): string {
  const { port } = new URL(url);
  return (
    `${url} leads to this machine only. From another one, either open a tunnel there first:\n` +
    `    ssh -N -L ${port}:127.0.0.1:${port} <this machine>\n` +
    "or give the server an address of its own (docs/https.md) and add the machine again."
  );
}

async function list({ json }: Options): Promise<number> {
  const devices = await devicesOf(loadConfig());
  if (json) {
    console.log(JSON.stringify({ devices }));
    return 0;
  }
  for (const { id, name, last_seen, revoked_at } of devices) {
    const state = revoked_at === null ? `last connected ${day(last_seen)}` : `revoked ${day(revoked_at)}`;
    console.log(`${id.padEnd(36)}  ${printable(name)}  (${state})`);
  }
  return 0;
}

async function devicesOf(config: Config): Promise<Device[]> {
  await ownersServer(config);
  return ((await admin(config.paths, "GET", "/devices")) as { devices: Device[] }).devices;
}
