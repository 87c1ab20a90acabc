// Whether the server runs, can be reached from where it should be, can push, and goes on when you log out.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { admin, older } from "../background.ts";
import { CommandError, UNREACHABLE, userName } from "../command.ts";
import type { Config } from "../config.ts";
import { enrolment } from "../enrolment.ts";
import type { PushPhone, Viewer } from "../protocol.ts";
import { isPublicKey } from "../server/push/keys.ts";
import { VERSION } from "../version.ts";
import { type Found, fail, ok, warn } from "./found.ts";

/** A server answers within milliseconds, a far one within a second; a name that does not resolve takes a few. */
const ANSWER_MS = 8_000;

/** With the address that the running server was given by a flag of its own, where no setting names one. */
export async function asServed(config: Config): Promise<Config> {
  if (config.public_url !== undefined || enrolment(config.paths)) return config;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const status = (await admin(config.paths, "GET", "/status", undefined, signal).catch(() => null)) as {
    url?: string;
  } | null;
  const url = status?.url;
  const named = url !== undefined && URL.canParse(url) && !LOOPBACK.test(new URL(url).hostname);
  return named ? { ...config, public_url: url } : config;
}

export async function serverCheck({ paths }: Config, within = ANSWER_MS): Promise<Found> {
  const joined = enrolment(paths);
  const signal = AbortSignal.timeout(within);
  try {
    const { version, url } = (await admin(paths, "GET", "/status", undefined, signal)) as {
      version: string;
      url: string;
    };
    if (version === VERSION) return ok(`${version} at ${url}`);
    const next = older(version, VERSION) ? "stop it and start it anew" : "update this claude-remote";
    return warn(`it is ${version}, this is ${VERSION}`, next);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (joined?.operator)
      return fail(error.message, "docs/tokens.md says how a machine is let operate a server");
    if (joined) return healthOf(joined.url);
    if (signal.aborted) return fail("one runs and does not answer", "end it, and start it anew");
    if (error.exitCode !== UNREACHABLE)
      return fail(error.message, "see its log (docs/settings.md says where)");
    return warn("none runs", "the next `claude-remote` starts one, or `claude-remote serve`");
  }
}

/** What a server says of itself to anybody. */
async function healthOf(url: string): Promise<Found> {
  try {
    const init = { signal: AbortSignal.timeout(ANSWER_MS), redirect: "manual" } as const;
    const response = await fetch(`${url}/health`, init);
    if (response.status === 421)
      return fail(`${url} does not answer to that name`, "set public_url to it where the server runs");
    const said = (await response.json().catch(() => null)) as { ok?: boolean; version?: string } | null;
    if (said?.ok === true && typeof said.version === "string")
      return ok(`${said.version.slice(0, 50)} at ${url}`);
    return fail(
      `${url} answers with ${response.status}, and not as a claude-remote`,
      "see what stands in front of it (docs/https.md)",
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      `${url} cannot be reached: ${why}`,
      "see that the server runs and that its address leads there (docs/https.md)",
    );
  }
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export async function publicUrlCheck({ public_url: url, paths }: Config): Promise<Found> {
  if (url === undefined) {
    if (enrolment(paths)) return ok("the server is elsewhere");
    return warn(
      "there is none: the page opens on this machine alone",
      "give the server an https address (docs/https.md)",
    );
  }
  const found = await healthOf(url);
  if (found.status !== "ok" || url.startsWith("https:")) return found;
  if (LOOPBACK.test(new URL(url).hostname))
    return warn(`${url} leads to this machine alone`, "name an https address");
  return warn(
    `${url} is in clear text: no login without --insecure-http, no notifications`,
    "put https in front of it (docs/https.md)",
  );
}

export function pushCheck({ paths, public_url: url, push_contact: contact }: Config): Found {
  const file = join(paths.data, "push.key");
  if (existsSync(file) && !isKey(file))
    return fail(
      `${file} is damaged`,
      "restore it from a backup, or remove it: phones then turn notifications on anew",
    );
  if (!url?.startsWith("https:"))
    return warn("none without an https address", "give the server one (docs/https.md)");
  const host = new URL(url).hostname;
  if (contact === undefined && (LOOPBACK.test(host) || !host.includes(".")))
    return warn(
      `push services are told to write to ${url}, which Apple refuses`,
      "set push_contact to an address of yours: mailto:you@example.com",
    );
  return ok(`keys are there, and push services can write to ${contact ?? url}`);
}

/** A phone that nothing reaches any more looks like one for which nothing happens. */
export async function phonesCheck({ paths }: Config): Promise<Found> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const asked = ["/push", "/viewers"].map((path) => admin(paths, "GET", path, undefined, signal));
  const said = await Promise.all(asked).catch(() => null);
  if (said === null) return ok("no server tells of phones");
  const [{ phones = [] }, { viewers = [] }] = said as [{ phones?: PushPhone[] }, { viewers?: Viewer[] }];
  const on = phones.filter(({ state }) => state === "works" || state === "untested");
  const lost = phones.filter(
    ({ state, reason }) => state === "refused" || (state === "off" && reason !== null),
  );
  const [first] = lost;
  if (!first)
    return ok(on.length > 0 ? `on for ${on.length} of ${viewers.length}` : "none has notifications on");
  const name = viewers.find(({ id }) => id === first.viewer)?.name ?? "a phone";
  const more = lost.length > 1 ? `, and ${lost.length - 1} more` : "";
  return warn(
    `no notification reaches ${name}: ${first.reason ?? "its push service refuses them"}${more}`,
    "turn them on again on that phone, or see docs/notifications.md",
  );
}

function isKey(file: string): boolean {
  try {
    const { public: known } = JSON.parse(readFileSync(file, "utf8")) as { public?: unknown };
    return typeof known === "string" && isPublicKey(known);
  } catch {
    return false;
  }
}

export function logoutCheck(_: Config, loginctl: string | null = Bun.which("loginctl")): Found {
  if (process.platform !== "linux" || loginctl === null)
    return ok("no login manager ends what runs in the background");
  const username = userName();
  const words = [loginctl, "show-user", username, "--property=Linger", "--value"];
  const { stdout, success } = Bun.spawnSync(words, { stdin: "ignore", stderr: "ignore", timeout: ANSWER_MS });
  const said = success ? stdout.toString().trim() : "";
  if (said === "yes") return ok("what runs in the background goes on after you log out");
  if (said !== "no") return ok("no login manager looks after this user");
  return warn(
    "what runs in the background, and the sockets of running sessions, may end when you log out",
    `loginctl enable-linger ${username}`,
  );
}
