// `claude-remote doctor`: is everything here as it should be? With --claude: can everything that the installed claude asks
// be answered from a phone?
import { CommandError, flags, ourselves, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { checkAll, checksText, healthy } from "./doctor/checks.ts";
import { asServed } from "./doctor/checks-server.ts";
import { briefly, examine, expectedOf, scenesFor } from "./doctor/examine.ts";
import { jsonOf, rowsOf, textOf } from "./doctor/report.ts";
import { findClaude } from "./run.ts";
import { VERSION } from "./version.ts";

const USAGE_LINE = "claude-remote doctor [--json] | doctor --claude [--all] [--json]";
/** claude's first start of a day reads some 300 MB from disk. */
const VERSION_MS = 60_000;
/** What claude does within milliseconds is not waited for any longer: it never comes. Per dialog. */
const PATIENCE_MS = 20_000;
/** Some 25 starts of claude take a minute, with `--all` 50 take two; where much fails, each failure costs the time above. */
const TOTAL_MS = 15 * 60_000;
/** A claude needs 300 MB and a processor while it starts. */
const AT_ONCE = 3;

const ASKED = { type: "boolean", default: false } as const;

/** Examines; ends with 0 where everything can be answered, else 1. */
export async function doctor(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, { claude: ASKED, all: ASKED, json: ASKED }, USAGE_LINE);
  if (positionals.length > 0 || (values.all && !values.claude))
    throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  if (!values.claude) return checkup(values.json);
  const path = findClaude(loadConfig().claude);
  const version = await versionOf(path);
  const known = scenesFor(version, ourselves());
  const scenes = values.all ? known : briefly(known);
  const all = expectedOf(scenes).length;
  let done = 0;
  const stop = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const end = () => stop.abort();
  for (const signal of signals) process.once(signal, end);
  const findings = await examine({
    examined: { path, version, ourselves: ourselves(), patience: PATIENCE_MS },
    scenes,
    atOnce: AT_ONCE,
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(TOTAL_MS)]),
    onFinding: () => progress(++done, all),
  });
  for (const signal of signals) process.off(signal, end);
  if (stop.signal.aborted) {
    await Bun.write(Bun.stderr, "claude-remote: the examination was interrupted; nothing of it is left\n");
    process.exit(1);
  }
  const rows = rowsOf(findings);
  const report = jsonOf(path, version, rows);
  const text = values.json ? JSON.stringify(report, null, 2) : `${path}\n\n${textOf(version, rows)}`;
  await Bun.write(Bun.stdout, `${text}\n`);
  process.exit(report.ok ? 0 : 1); // What the examined claudes were still waited for is nobody's any more.
}

/** Looks at this machine; 0 where nothing has failed, else 1. */
async function checkup(json: boolean): Promise<number> {
  const checks = await checkAll(await asServed(loadConfig()));
  const ok = healthy(checks);
  console.log(json ? JSON.stringify({ ok, version: VERSION, checks }, null, 2) : checksText(checks));
  return ok ? 0 : 1;
}

/** "2.1.329". Rejects where the program is no claude. */
async function versionOf(path: string): Promise<string> {
  const child = Bun.spawn([path, "--version"], { stdin: "ignore", stderr: "ignore", timeout: VERSION_MS });
  const version = /^(\d+\.\d+\.\d+)\b/.exec(await new Response(child.stdout).text())?.[1];
  if (version) return version;
  throw new CommandError(
    `${path} does not tell its version (${path} --version); install Claude Code anew, or name another (CLAUDE_REMOTE_CLAUDE)`,
  );
}

/** A line that writes over itself, where somebody watches. */
function progress(done: number, all: number) {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done < all ? `\rexamining claude: ${done} of ${all} answers` : "\r\x1b[K");
}
