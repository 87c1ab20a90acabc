// A home for claude in which it sees nothing of the user's, and reaches nothing but a stand-in's API.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Any key will do for the stand-in; claude asks about it unless its last 20 characters are approved. */
const KEY = "sk-ant-api03-a-key-for-tests-0123456789";
const APPROVED_LENGTH = 20;
/** Nothing listens on the discard port, so npm in a command of claude's reaches no registry. */
const NOWHERE = "http://127.0.0.1:9";

/** A child of claude's may outlive it for a moment and write once more: the folder is gone when it stays gone so long. */
const STAYS_GONE_MS = 50;
const REMOVALS = 20;

export type ClaudeHome = AsyncDisposable & {
  /** Its HOME. */
  home: string;
  /** An empty folder that claude trusts, to run it in. */
  project: string;
  /** The whole environment for claude, or for a wrapper around it: nothing of ours but PATH. */
  env: Record<string, string>;
};

/**
 * Makes a home for claude in a temporary folder: onboarding done, the key approved, `project` and `projects` trusted,
 * every request sent to `api` and nothing else. No process is started. Disposing removes the folder: end claude first.
 */
export async function claudeHome(options: {
  api: { url: string };
  projects?: string[];
}): Promise<ClaudeHome> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "claude-remote-home-")));
  const [home, project, temporary] = [join(root, "home"), join(root, "project"), join(root, "tmp")];
  for (const folder of [join(home, ".claude"), project, temporary]) await mkdir(folder, { recursive: true });
  const trusted = await Promise.all([project, ...(options.projects ?? [])].map((path) => realpath(path)));
  const state = {
    hasCompletedOnboarding: true,
    theme: "dark",
    numStartups: 5,
    customApiKeyResponses: { approved: [KEY.slice(-APPROVED_LENGTH)], rejected: [] },
    projects: Object.fromEntries(trusted.map((path) => [path, { hasTrustDialogAccepted: true }])),
  };
  await writeFile(join(home, ".claude.json"), JSON.stringify(state, null, 2));
  // Else a fetch asks a host of Anthropic's first, whatever the API's address is.
  await writeFile(join(home, ".claude", "settings.json"), JSON.stringify({ skipWebFetchPreflight: true }));
  await writeFile(
    join(home, ".gitconfig"),
    "[user]\n\tname = A Tester\n\temail = tester@example.invalid\n[init]\n\tdefaultBranch = main\n",
  );
  return {
    home,
    project,
    env: environment(home, temporary, options.api.url),
    [Symbol.asyncDispose]: () => removed(root),
  };
}

async function removed(root: string) {
  for (let time = 0; time < REMOVALS; time++) {
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
    await Bun.sleep(STAYS_GONE_MS);
    if (!existsSync(root)) return;
  }
}

function environment(home: string, temporary: string, url: string): Record<string, string> {
  return {
    HOME: home,
    TMPDIR: temporary,
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    SHELL: "/bin/bash",
    USER: userInfo().username,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: KEY,
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    npm_config_registry: NOWHERE,
    npm_config_offline: "true",
  };
}
