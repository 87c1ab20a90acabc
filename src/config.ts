// Every setting: flags > environment > config.toml > defaults, one table for all.
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import * as v from "valibot";
import { type Paths, pathsFor } from "./paths.ts";

/** A setting that cannot be used. Exit code 3; the message says what, why and what to do. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const WEB_URL = "must be an http(s) URL without a path, as https://claude.example.com";
const webUrl = v.pipe(
  v.string(WEB_URL),
  v.check(isOrigin, WEB_URL),
  v.transform((text) => text.replace(/\/+$/, "")),
);
const port = numberWithin(0, 65_535);
const truth = v.union(
  [
    v.boolean(),
    v.pipe(
      v.picklist(["1", "0", "true", "false"]),
      v.transform((text) => text === "1" || text === "true"),
    ),
  ],
  "must be true or false",
);
const word = <const T extends string[]>(...words: T) =>
  v.picklist(words, `must be one of ${words.join(", ")}`);
const text = v.pipe(v.string("must be text"), v.minLength(1, "must not be empty"));
const folderThere = v.pipe(text, v.regex(/^(\/|~$|~\/)/, "must begin with / or ~/"));
const contact = v.pipe(
  text,
  v.regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "must be https://… or mailto:somebody@…"),
);
const hosts = v.pipe(
  text,
  v.regex(/^\.?[a-z0-9.-]+(, *\.?[a-z0-9.-]+)*$/i, "must be host names with commas between them"),
);

/** Addresses and networks, as 127.0.0.1, 10.0.0.0/8 and fd00::/8. */
const proxies = v.pipe(
  v.union([text, v.array(text)], "must be addresses"),
  v.transform((given) => (typeof given === "string" ? given.split(",") : given).map((one) => one.trim())),
  v.check(
    (all) => all.every(isNetwork),
    "must be addresses, or networks as 10.0.0.0/8, with commas between them",
  ),
);
/** A thousand times what anybody has; each costs memory. */
const many = numberWithin(1, 10_000);

/** Ten years; a hundred gigabytes. */
const days = numberWithin(1, 3_650);
const megabytes = numberWithin(1, 100_000);

function numberWithin(least: number, most: number) {
  const words = `must be a whole number from ${least} to ${most}`;
  return v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/, words), v.transform(Number))], words),
    v.integer(words),
    v.minValue(least, words),
    v.maxValue(most, words),
  );
}

/** An address and nothing after it: whoever wrote a path, a password or a query would get less than that. */
export function isOrigin(text: string): boolean {
  return /^https?:\/\/[^/?#@\s]+\/*$/i.test(text) && URL.canParse(text);
}

function isNetwork(given: string): boolean {
  const [address = "", bits, ...more] = given.split("/");
  const most = { 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return (
    most > 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
  );
}

/** As long as a random one, of what a header can hold. */
const token = v.pipe(
  v.string("must be text"),
  v.regex(/^[\w-]{20,100}$/, "must be 20 to 100 letters, digits, - or _"),
);

const TOOL = /^[A-Za-z0-9_*-]{1,100}$/;
const tools = v.pipe(
  v.union([v.string(), v.array(v.string())], "must be names of tools"),
  v.transform((given) => (typeof given === "string" ? given.split(",") : given).map((name) => name.trim())),
  v.transform((names) => names.filter((name) => name !== "")),
  v.check(
    (names) => names.every((name) => TOOL.test(name)),
    'must be names of tools as claude has them, parted by commas, like "Bash,Write,mcp__github__*"',
  ),
);

/** Those that still ask somebody, or let claude itself judge; what asks nobody is typed at a terminal, or not at all. */
const MODES = ["default", "plan", "acceptEdits", "auto"] as const;
const modes = v.pipe(
  v.union([v.string(), v.array(v.string())], "must be names of permission modes"),
  v.transform((given) => (typeof given === "string" ? given.split(",") : given).map((name) => name.trim())),
  v.array(word(...MODES)),
  v.minLength(1, "must name at least one"),
);

/** Every setting by its name in config.toml; the flag is --name with dashes, the variable CLAUDE_REMOTE_NAME. */
export const SETTINGS = {
  host: { schema: v.optional(text, "127.0.0.1"), about: "the address the server listens on" },
  port: { schema: v.optional(port, 7200), about: "the port of the page" },
  public_url: { schema: v.optional(webUrl), about: "the https address under which phones reach the server" },
  insecure_http: {
    schema: v.optional(truth, false),
    about: "log phones in over plain http (red on the page)",
  },
  trusted_proxies: {
    schema: v.optional(proxies),
    about: "proxies whose X-Forwarded-For is believed: addresses or networks, with commas",
  },
  max_streams: { schema: v.optional(many), about: "event streams at once, all together" },
  max_wrappers: { schema: v.optional(many), about: "wrapped claudes connected at once" },
  keep_days: {
    schema: v.optional(days, 30),
    about: "days for which what has ended is kept",
  },
  keep_megabytes: {
    schema: v.optional(megabytes, 200),
    about: "megabytes of log, and of each conversation, kept of one session",
  },
  url: {
    schema: v.optional(webUrl),
    about: "another address of the server that this machine joined",
  },
  claude: { schema: v.optional(text), about: "which claude to run; default: the one on PATH" },
  pty: { schema: v.optional(word("bun", "bun-pty"), "bun"), about: "the terminal engine" },
  ask: {
    schema: v.optional(tools, []),
    about: "tools that ask whatever claude's mode, by name, parted by commas",
  },
  on_hangup: {
    schema: v.optional(word("detach", "end"), "detach"),
    about: "what a closed terminal does to the session",
  },
  detach_key: {
    schema: v.optional(text, "ctrl-\\ ctrl-\\"),
    about: "the keys with which `attach` leaves a session",
  },
  launch: {
    schema: v.optional(truth, true),
    about: "let paired phones start sessions here and on devboxes",
  },
  launch_modes: {
    schema: v.optional(modes, ["default", "plan", "acceptEdits"]),
    about: "claude's permission modes that a phone may start a session in, parted by commas",
  },
  ssh_folder: {
    schema: v.optional(v.pipe(text, v.regex(/^\//, "must be the whole path of a folder"))),
    about: "ssh's key, config and known_hosts for devboxes; default: the user's own ~/.ssh",
  },
  devbox_dir: {
    schema: v.optional(folderThere),
    about: "the folder of a devbox that is added without one; default: the home folder there",
  },
  binaries: {
    schema: v.optional(v.pipe(text, v.regex(/^\//, "must be the whole path of a folder"))),
    about: "a folder with claude-remote-<platform> for devboxes of another platform",
  },
  keep_awake: { schema: v.optional(truth, true), about: "keep the machine awake while claude works" },
  push_contact: {
    schema: v.optional(contact),
    about: "whom push services may write to: an https or mailto: address; default: public_url",
  },
  push_hosts: {
    schema: v.optional(hosts),
    about:
      "push services besides the browsers' own: host names with commas; a leading dot stands for all below",
  },
  dangerously_push_to_any_address: {
    schema: v.optional(truth, false),
    about: "for tests: push wherever a phone says, this machine and clear text too; logged at each start",
  },
  metrics_token: {
    schema: v.optional(token),
    about: "whoever sends it reads GET /metrics, as with a token of that scope",
  },
  log_level: {
    schema: v.optional(word("debug", "info", "warn", "error"), "info"),
    about: "how much is logged",
  },
} as const;

const schema = v.object({
  host: SETTINGS.host.schema,
  port: SETTINGS.port.schema,
  public_url: SETTINGS.public_url.schema,
  insecure_http: SETTINGS.insecure_http.schema,
  trusted_proxies: SETTINGS.trusted_proxies.schema,
  max_streams: SETTINGS.max_streams.schema,
  max_wrappers: SETTINGS.max_wrappers.schema,
  keep_days: SETTINGS.keep_days.schema,
  keep_megabytes: SETTINGS.keep_megabytes.schema,
  url: SETTINGS.url.schema,
  claude: SETTINGS.claude.schema,
  pty: SETTINGS.pty.schema,
  ask: SETTINGS.ask.schema,
  on_hangup: SETTINGS.on_hangup.schema,
  detach_key: SETTINGS.detach_key.schema,
  launch: SETTINGS.launch.schema,
  launch_modes: SETTINGS.launch_modes.schema,
  ssh_folder: SETTINGS.ssh_folder.schema,
  devbox_dir: SETTINGS.devbox_dir.schema,
  binaries: SETTINGS.binaries.schema,
  keep_awake: SETTINGS.keep_awake.schema,
  push_contact: SETTINGS.push_contact.schema,
  push_hosts: SETTINGS.push_hosts.schema,
  dangerously_push_to_any_address: SETTINGS.dangerously_push_to_any_address.schema,
  metrics_token: SETTINGS.metrics_token.schema,
  log_level: SETTINGS.log_level.schema,
});

export type SettingName = keyof typeof SETTINGS;
export type Config = v.InferOutput<typeof schema> & { paths: Paths };
export type Flags = Partial<Record<SettingName, string | boolean>>;

/** The settings in force. Throws ConfigError naming the setting, where it came from and what is wrong. */
export function loadConfig(flags: Flags = {}, env: Record<string, string | undefined> = process.env): Config {
  const paths = pathsFor(env);
  const file = join(paths.config, "config.toml");
  const layers = [
    { values: fileSettings(file), source: (name: string) => `${name} in ${file}` },
    { values: envSettings(env), source: (name: string) => `CLAUDE_REMOTE_${name.toUpperCase()}` },
    { values: flags, source: (name: string) => `--${name.replaceAll("_", "-")}` },
  ];
  const merged: Record<string, unknown> = {};
  for (const { values, source } of layers) Object.assign(merged, checked(values, source));
  return { ...v.parse(schema, merged), paths };
}

function checked(values: Record<string, unknown>, source: (name: string) => string): Record<string, unknown> {
  for (const [name, value] of Object.entries(values)) {
    if (!(name in SETTINGS))
      throw new ConfigError(`${source(name)}: there is no such setting; see docs/settings.md`);
    const parsed = v.safeParse(SETTINGS[name as SettingName].schema, value);
    if (!parsed.success)
      throw new ConfigError(
        `${source(name)}: ${parsed.issues[0].message}${secret(name, value) ? "" : ` (it is ${JSON.stringify(value)})`}`,
      );
  }
  return values;
}

/** Not to be said again where others read it: a token, and an address with a password in it. */
const secret = (name: string, value: unknown) =>
  name.endsWith("_token") || (name.endsWith("url") && String(value).includes("@"));

function fileSettings(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  try {
    return Bun.TOML.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

function envSettings(env: Record<string, string | undefined>): Record<string, unknown> {
  const found = Object.keys(SETTINGS).map(
    (name) => [name, env[`CLAUDE_REMOTE_${name.toUpperCase()}`]] as const,
  );
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== ""));
}
