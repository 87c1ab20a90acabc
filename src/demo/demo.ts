// A small program that stands in for claude: same hooks, same files, same keys, no model. For who has no claude, and for tests.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { desk } from "./desk.ts";
import { hooks } from "./hooks.ts";
import { dim, laid, sgr } from "./painter.ts";
import { records } from "./records.ts";
import { STORY_FILE, STORY_PROMPT, story } from "./script.ts";
import { conversation } from "./turn.ts";

/** What each signal makes claude exit with. */
const SIGNALS = { SIGTERM: 143, SIGHUP: 129, SIGINT: 0 } as const;
/** Bracketed paste on, cursor hidden (we draw our own); and back, with an empty title. */
const BEGIN = "\x1b[?2004h\x1b[?25l";
const RESET = "\x1b[?2004l\x1b[?25h\x1b[0m\x1b]0;\x07\r\n";
/** claude's own words: wrappers look for them. */
const SUSPENDED = "Claude Code has been suspended. Run `fg` to bring Claude Code back.\r\n";

/**
 * Runs in place of claude, in a terminal, until the user or a signal ends it; resolves with the exit code. Of claude's
 * arguments only `--plugin-dir=FOLDER` counts. `--demo-script=FILE` plays FILE, one prompt a line, instead of the story,
 * and carries tools out, as does CLAUDE_REMOTE_DEMO_TOOLS=real; else nothing is executed.
 */
export async function demoClaude(args: string[]): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    process.stderr.write("demo-claude runs in a terminal only; `claude-remote demo` starts it in one.\n");
    return 2;
  }
  const script = flag(args, "demo-script");
  const prompts = script ? readFileSync(script, "utf8").split("\n").filter(Boolean) : null;
  const real = prompts !== null || process.env.CLAUDE_REMOTE_DEMO_TOOLS === "real";
  const folder = real ? null : mkdtempSync(join(process.env.CLAUDE_CONFIG_DIR ?? tmpdir(), "demo-"));
  const end = Promise.withResolvers<End>();
  const { talk, screen, begin, finish } = claude(flag(args, "plugin-dir") ?? "", real, end);
  const restore = takeTerminal(screen, end.resolve);
  const alive = setInterval(() => {}, 60_000); // A closed terminal alone would end the process before its last words.
  try {
    begin()
      .then(() => play(talk, prompts, folder))
      .catch(end.reject);
    const { code, reason } = await end.promise;
    await finish(reason);
    return code;
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true });
    restore();
    clearInterval(alive);
  }
}

type End = { code: number; reason: string };

/** Everything but the terminal. */
function claude(plugin: string, real: boolean, { resolve: exit, reject }: PromiseWithResolvers<End>) {
  const { stdout } = process;
  const cwd = process.cwd();
  const sessionId = crypto.randomUUID();
  const env = { ...process.env, CLAUDECODE: "1", CLAUDE_CODE_SESSION_ID: sessionId };
  const files = records(cwd, sessionId);
  const calls = hooks(plugin, cwd, { ...env, CLAUDE_PLUGIN_ROOT: plugin, CLAUDE_PROJECT_DIR: cwd });
  let ended = false;
  const screen = desk({
    write: (text) => void (ended || stdout.write(text)),
    size: () => ({ cols: Math.max(20, stdout.columns || 80), rows: Math.max(4, stdout.rows || 24) }),
    onPrompt: (text) => void talk.said(text).catch(reject),
    onInterrupt: () => talk.interrupt(),
    onExit: () => exit({ code: 0, reason: "prompt_input_exit" }),
    onSuspend: suspend,
  });
  const onExit = (code: number) => exit({ code, reason: "other" });
  const talk = conversation({
    desk: screen,
    hooks: calls,
    records: files,
    sessionId,
    cwd,
    env,
    real,
    onExit,
  });

  async function begin() {
    screen.say((cols) => header(cols, real));
    await talk.hook("SessionStart", { source: "startup", model: "claude-remote-demo" }).done;
    files.status("idle");
    screen.paint();
  }
  async function finish(reason: string) {
    ended = true;
    files.end();
    talk.end();
    calls.end();
    screen.end();
    await talk.hook("SessionEnd", { reason }).done;
  }
  return { talk, screen, begin, finish };
}

/** As claude's Ctrl-Z: stopped until SIGCONT. */
function suspend() {
  process.stdout.write(RESET + SUSPENDED);
  process.stdin.setRawMode(false);
  process.kill(process.pid, "SIGSTOP");
}

/** Raw mode, keys, sizes and signals to `screen` and `exit`; what comes back gives the terminal back. */
function takeTerminal(screen: ReturnType<typeof desk>, exit: (end: End) => void): () => void {
  const { stdin, stdout } = process;
  const resume = () => {
    stdin.setRawMode(true);
    stdout.write(BEGIN);
    screen.repaint();
  };
  for (const [signal, code] of Object.entries(SIGNALS))
    process.on(signal, () => exit({ code, reason: "other" }));
  const gone = () => exit({ code: SIGNALS.SIGHUP, reason: "other" });
  process.on("SIGCONT", resume);
  stdout.on("resize", screen.repaint).on("error", gone);
  stdin
    .on("data", (bytes: Uint8Array) => screen.typed(bytes))
    .on("end", gone)
    .on("error", gone);
  stdin.setRawMode(true);
  stdout.write(BEGIN);
  return () => {
    stdout.write(RESET);
    stdin.setRawMode(false);
    stdin.pause().unref();
  };
}

/** The script, or the newcomer's story about a file in `folder`. */
async function play(talk: ReturnType<typeof conversation>, prompts: string[] | null, folder: string | null) {
  for (const prompt of prompts ?? []) await talk.said(prompt);
  if (!folder) return;
  const path = join(folder, "greeting.ts");
  writeFileSync(path, STORY_FILE);
  await talk.play(STORY_PROMPT, story(path));
}

const flag = (args: string[], name: string) =>
  args.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);

/** Says plainly what this is. */
function header(cols: number, real: boolean): string[] {
  const width = Math.min(cols, 72) - 4;
  const fake = "This is not Claude: a small program plays its part. Nothing is sent to any model.";
  const tools = real ? "Tools are carried out." : "No command is run and no file of yours is touched.";
  const box = (text: string, style: (row: string) => string) =>
    laid("", text, width, (row) => `│ ${style(row)}${" ".repeat(width - Bun.stringWidth(row))} │`);
  return [
    `╭${"─".repeat(width + 2)}╮`,
    ...box("✻ claude-remote demo", (row) => sgr("1;38;5;174", row)),
    ...box(`${fake} ${tools} The rest is real: hooks, prompts, your phone.`, dim),
    `╰${"─".repeat(width + 2)}╯`,
  ];
}
