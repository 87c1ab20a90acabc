// `claude-remote device`: other machines that may report their sessions to this server.
import { admin, startServer } from "./background.ts";
import { askYes, CommandError, flags, printable, REFUSED, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { linkOf } from "./enrolment.ts";
import type { Paths } from "./paths.ts";
import type { DeviceId } from "./protocol.ts";

const USAGE_LINE =
  "claude-remote device add <name> [--url URL] [--yes] [--json] | list [--json] | revoke <id or name>";
const OPTIONS = { url: { type: "string" }, yes: { type: "boolean" }, json: { type: "boolean" } } as const;
type Options = { url?: string | undefined; yes?: boolean | undefined; json?: boolean | undefined };

type Device = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};

/** Lets a machine in, lists them, or ends one's right for ever. */
export async function device(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, OPTIONS, USAGE_LINE);
  const [verb, name, more] = positionals;
  if (verb === "list" && name === undefined) return list(values);
  if (process.env.CLAUDECODE === "1")
    throw new CommandError("machines are let in and out by you, not below a running claude", REFUSED);
  if (verb === "add" && name && more === undefined) return add(name, values);
  if (verb === "revoke" && name && more === undefined) return revoke(name);
  throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
}

/** The link on stdout, for a pipe or a paste; what to do with it on stderr. */
async function add(name: string, { url: wanted, yes, json }: Options): Promise<number> {
  const config = loadConfig();
  if (wanted !== undefined && !isOrigin(wanted))
    throw new CommandError("--url must be an http(s) address without a path", USAGE);
  if (!yes && !process.stdin.isTTY) {
    throw new CommandError("this asks for a yes at a terminal; for scripts: --yes", REFUSED);
  }
  await startServer(config);
  const status = (await admin(config.paths, "GET", "/status")) as { url: string };
  const url = new URL(wanted ?? status.url).origin;
  if (!yes && !(await askYes(`Let "${printable(name)}" report its sessions to ${url}?`)))
    throw new CommandError("not let in", REFUSED);
  const { id, secret } = (await admin(config.paths, "POST", "/devices", { name })) as {
    id: DeviceId;
    secret: string;
  };
  const link = linkOf({ url, device: id, secret });
  if (json) {
    console.log(JSON.stringify({ id, name, url, link }));
    return 0;
  }
  console.error(
    `On "${printable(name)}", run \`claude-remote join\` and paste this line when it asks. It is shown once, and is that ` +
      "machine's secret:\n",
  );
  console.log(link);
  if (isLoopback(url)) console.error(`\n${tunnelTo(url)}`);
  return 0;
}

const isOrigin = (text: string) => /^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text);
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
  const devices = await devicesOf(loadConfig().paths);
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

const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");

async function devicesOf(paths: Paths): Promise<Device[]> {
  return ((await admin(paths, "GET", "/devices")) as { devices: Device[] }).devices;
}

async function revoke(wanted: string): Promise<number> {
  const { paths } = loadConfig();
  const inForce = (await devicesOf(paths)).filter(({ revoked_at }) => revoked_at === null);
  const found = inForce.find(({ id }) => id === wanted) ?? inForce.find(({ name }) => name === wanted);
  if (!found)
    throw new CommandError(`there is no machine "${printable(wanted)}"; see claude-remote device list`);
  await admin(paths, "DELETE", `/devices/${found.id}`);
  console.error(`${printable(found.name)} is cut off, and its secret is worth nothing any more.`);
  return 0;
}
