// The demo in a real terminal with real hooks: it must behave towards a wrapper as claude does.
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal } from "@xterm/headless";

/**
 * Every hook: notes its input and claude's state. Stop, an async one, first waits until claude is idle; PermissionRequest
 * waits for a file `answer`, and notes a SIGTERM.
 */
const HOOK = `trap 'echo "{\\"ended\\":\\"TERM\\"}" >> "$CLAUDE_PLUGIN_ROOT/log"; exit 143' TERM
input=$(cat)
alive() { [ -d "$CLAUDE_PLUGIN_ROOT" ] && sleep 0.02 || exit 1; }
case "$input" in *'"hook_event_name":"Stop"'*) until grep -q '"idle"' "$CLAUDE_CONFIG_DIR"/sessions/*.json; do alive; done ;; esac
state=$(cat "$CLAUDE_CONFIG_DIR"/sessions/*.json 2>/dev/null)
printf '{"input":%s,"state":%s,"env":"%s"}\\n' "$input" "\${state:-null}" "$CLAUDECODE" >> "$CLAUDE_PLUGIN_ROOT/log"
case "$input" in *'"hook_event_name":"PermissionRequest"'*) ;; *) exit 0 ;; esac
until [ -e "$CLAUDE_PLUGIN_ROOT/answer" ]; do alive; done
cat "$CLAUDE_PLUGIN_ROOT/answer"; rm "$CLAUDE_PLUGIN_ROOT/answer"
echo '{"ended":"answered"}' >> "$CLAUDE_PLUGIN_ROOT/log"
`;
const WATCHED = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "Stop",
  "SessionEnd",
];
/** Longer than anything here takes on a busy machine; a test that waits so long has failed. */
const LIMIT_MS = 20_000;
/** Each waits for several such things. */
setDefaultTimeout(120_000);
/** A watch tells at once, but of two changes to one file within a millisecond Bun's tells only the first. */
const LOOK_MS = 50;

type Logged = {
  ended?: string;
  env?: string;
  input?: Record<string, unknown> & { hook_event_name: string };
  state?: { status: string; waitingFor?: string } | null;
};

/** One run of the demo. `script` null is a newcomer's run. */
class Run implements AsyncDisposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "demo-test-")));
  readonly plugin = join(this.root, "plugin");
  readonly cwd = join(this.root, "project");
  readonly config = join(this.root, "config");
  output = "";
  #terminal = new Terminal({ cols: 100, rows: 40, allowProposedApi: true });
  #watchers: FSWatcher[] = [];
  #looks = new Set<() => void>();
  #timer = setInterval(() => this.#look(), LOOK_MS);
  #process: Bun.Subprocess;

  constructor(script: string | null) {
    for (const folder of [join(this.plugin, "hooks"), this.cwd, join(this.config, "sessions")])
      mkdirSync(folder, { recursive: true });
    writeFileSync(join(this.plugin, "hook.sh"), `#!/bin/sh\n${HOOK}`);
    chmodSync(join(this.plugin, "hook.sh"), 0o755);
    const program = { command: join(this.plugin, "hook.sh"), args: [] };
    const line = { command: '"$CLAUDE_PLUGIN_ROOT"/hook.sh', timeout: 86_400 };
    const watched = WATCHED.map((event) => [event, [{ hooks: [{ ...program, async: event === "Stop" }] }]]);
    const events = { ...Object.fromEntries(watched), PermissionRequest: [{ hooks: [line] }] };
    writeFileSync(join(this.plugin, "hooks", "hooks.json"), JSON.stringify({ hooks: events }));
    const flags = [`--plugin-dir=${this.plugin}`, "--model", "opus"];
    if (script !== null) {
      writeFileSync(join(this.root, "script"), script);
      flags.push(`--demo-script=${join(this.root, "script")}`);
    }
    for (const folder of [this.plugin, join(this.config, "sessions"), this.cwd])
      this.#watchers.push(watch(folder, () => this.#look()));
    const { CLAUDE_REMOTE_DEMO_TOOLS: _, ...env } = process.env;
    this.#process = Bun.spawn(
      [process.execPath, join(import.meta.dir, "..", "cli.ts"), "demo-claude", ...flags],
      {
        cwd: this.cwd,
        env: { ...env, CLAUDE_CONFIG_DIR: this.config, TERM: "xterm-256color" },
        terminal: { cols: 100, rows: 40, data: (_terminal, bytes) => this.#printed(bytes) },
      },
    );
  }

  #printed(bytes: Uint8Array) {
    this.output += Buffer.from(bytes).toString();
    this.#terminal.write(bytes, () => this.#look());
  }

  #look() {
    for (const look of [...this.#looks]) look();
  }

  /** Resolves once `check` is true: it is asked at each output and each change of a file. */
  until(what: string, check: () => boolean): Promise<void> {
    return new Promise((ok, fail) => {
      const timer = setTimeout(
        () => fail(new Error(`never: ${what}\n${this.screen()}\n${this.events()}`)),
        LIMIT_MS,
      );
      const look = () => {
        if (!check()) return;
        clearTimeout(timer);
        this.#looks.delete(look);
        ok();
      };
      this.#looks.add(look);
      look();
    });
  }

  shows = (text: string) => this.until(`the screen shows ${text}`, () => this.screen().includes(text));
  asks = (text: string) =>
    this.until(
      `the screen and a hook ask ${text}`,
      () => this.screen().includes(text) && this.events().at(-1) === "PermissionRequest",
    );
  idle = () =>
    this.until("idle", () => this.state()?.status === "idle" && this.screen().includes("/exit to leave"));

  screen(): string {
    const { active } = this.#terminal.buffer;
    const rows = Array.from({ length: this.#terminal.rows }, (_, y) => active.getLine(active.baseY + y));
    return rows
      .map((row) => row?.translateToString(true) ?? "")
      .join("\n")
      .trimEnd();
  }

  state(): { status: string; pid: number } | null {
    const file = join(this.config, "sessions", `${this.pid}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
  }

  log(): Logged[] {
    const file = join(this.plugin, "log");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** Names of the hooks so far, and how those of PermissionRequest ended. */
  events = () => this.log().map(({ input, ended }) => input?.hook_event_name ?? ended ?? "");
  input = (event: string): Record<string, unknown> =>
    this.log().findLast(({ input }) => input?.hook_event_name === event)?.input ?? {};

  transcript(): {
    type: string;
    uuid: string;
    parentUuid: string | null;
    message?: { content: unknown };
    attachment?: { decision: string };
  }[] {
    const folder = join(this.config, "projects", this.cwd.replace(/[^A-Za-z0-9]/g, "-"));
    const [name = ""] = readdirSync(folder);
    return readFileSync(join(folder, name), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  /** The tool_result parts so far. */
  results(): { content: string; is_error: boolean }[] {
    const parts = this.transcript().flatMap(({ message }) =>
      Array.isArray(message?.content) ? message.content : [],
    );
    return parts.filter(({ type }) => type === "tool_result");
  }

  answer(decision: object) {
    const text = JSON.stringify({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } });
    // By a move: a hook that sees the file reads the whole of it.
    writeFileSync(join(this.plugin, "answer.new"), text);
    renameSync(join(this.plugin, "answer.new"), join(this.plugin, "answer"));
  }

  type(text: string) {
    this.#process.terminal?.write(text);
  }

  resize(cols: number, rows: number) {
    this.#terminal.resize(cols, rows);
    this.#process.terminal?.resize(cols, rows);
  }

  kill = (signal: NodeJS.Signals) => this.#process.kill(signal);
  hangUp = () => this.#process.terminal?.close();

  get pid() {
    return this.#process.pid;
  }

  get exited() {
    return this.#process.exited;
  }

  async [Symbol.asyncDispose]() {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#process.kill("SIGTERM"); // It ends its hooks; one that is left ends with the folder.
    const exited = await Promise.race([this.#process.exited, Bun.sleep(LIMIT_MS)]);
    if (exited === undefined) this.#process.kill("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }
}

test("a dialog is on the screen while the hook asks, and the hook's yes closes it and runs the tool", async () => {
  await using run = new Run("RUN: echo made > made.txt; echo out");
  await run.asks("Do you want to proceed?");
  expect(run.screen()).toContain(" Bash command\n Run a command\n");
  expect(run.screen()).toContain(
    " ❯ 1. Yes\n   2. Yes, and don’t ask again for: echo made > made.txt; echo out\n   3. No",
  );
  const { cwd, transcript_path, tool_name, tool_input, permission_mode, permission_suggestions } =
    run.input("PermissionRequest");
  expect({ cwd, tool_name, permission_mode }).toEqual({
    cwd: run.cwd,
    tool_name: "Bash",
    permission_mode: "default",
  });
  expect(tool_input).toEqual({ command: "echo made > made.txt; echo out", description: "Run a command" });
  expect(permission_suggestions).toHaveLength(1);
  expect(existsSync(String(transcript_path))).toBe(true);
  run.answer({ behavior: "allow" });
  await run.idle();
  expect(run.screen()).toContain("Allowed by PermissionRequest hook\n  ⎿  out");
  expect(readFileSync(join(run.cwd, "made.txt"), "utf8")).toBe("made\n");
  expect(run.input("PostToolUse").tool_use_id).toBe(run.input("PreToolUse").tool_use_id);
  expect(run.log()[0]?.env).toBe("1");
});

test("the state file goes idle, busy, waiting, busy, idle", async () => {
  await using run = new Run("");
  await run.idle();
  expect(run.state()?.pid).toBe(run.pid);
  run.type("RUN: true\r");
  await run.asks("Do you want to proceed?");
  run.answer({ behavior: "allow" });
  await run.until("the turn ends", () => run.events().includes("Stop"));
  await run.idle();
  const seen = run
    .log()
    .map(({ input, state }) => input && [input.hook_event_name, state?.status, state?.waitingFor]);
  expect(seen).toEqual([
    ["SessionStart", undefined, undefined],
    ["UserPromptSubmit", "idle", undefined],
    ["PreToolUse", "busy", undefined],
    ["PermissionRequest", "waiting", "permission prompt"],
    undefined,
    ["PostToolUse", "busy", undefined],
    ["Stop", "idle", undefined],
  ]);
});

test("a deny's message is the tool's result, and the turn goes on", async () => {
  await using run = new Run("RUN: touch never ;; SAY: going on");
  await run.asks("Do you want to proceed?");
  run.answer({ behavior: "deny", message: "not on a Friday" });
  await run.shows("● going on");
  expect(run.results()).toEqual([expect.objectContaining({ content: "not on a Friday", is_error: true })]);
  expect(run.screen()).toContain("⎿  not on a Friday");
  expect(existsSync(join(run.cwd, "never"))).toBe(false);
});

test("what a hook decided stands in the transcript, ahead of the result; what the desk decided does not", async () => {
  await using run = new Run("RUN: touch one\nRUN: touch two\nRUN: touch three");
  await run.asks("touch one");
  run.answer({ behavior: "allow" });
  await run.asks("touch two");
  run.answer({ behavior: "deny", message: "no" });
  await run.asks("touch three");
  run.type("1");
  await run.idle();
  const told = run.transcript().flatMap(({ attachment, message }) => {
    const parts = Array.isArray(message?.content) ? message.content : [];
    return attachment ? [attachment.decision] : parts.flatMap((part) => part.content ?? []);
  });
  const done = "(Bash completed with no output)";
  expect(told).toEqual(["allow", done, "deny", "no", done]);
});

test("a yes at the desk is told to no hook, and its late answer is ignored", async () => {
  await using run = new Run("RUN: touch made");
  await run.asks("Do you want to proceed?");
  run.type("1");
  await run.idle();
  expect(existsSync(join(run.cwd, "made"))).toBe(true);
  expect(run.events()).not.toContain("TERM");
  run.answer({ behavior: "deny", message: "too late" });
  await run.until("the hook ends by itself", () => run.events().includes("answered"));
  run.type("SAY: still here\r");
  await run.shows("● still here");
  expect(run.screen()).not.toContain("too late");
});

test.each([
  ["Esc", "\x1b"],
  ["a plain No", "3"],
  ["No by arrow keys", "\x1b[A\r"],
])("%s at the desk ends the hook by SIGTERM, and the turn without Stop", async (_name, key) => {
  await using run = new Run("RUN: touch never ;; SAY: never said");
  await run.asks("Do you want to proceed?");
  run.type(key);
  await run.until("the hook got SIGTERM", () => run.events().includes("TERM")); // Else it would wait for ten minutes.
  await run.idle();
  expect(run.screen()).toContain("Interrupted · What should Claude do instead?");
  expect(run.events()).not.toContain("Stop");
  expect(run.results()[0]?.content).toContain("The user doesn't want to proceed");
});

test("always, from a hook, lets the same command run without asking and others not", async () => {
  await using run = new Run("RUN: echo one ;; RUN: echo one ;; RUN: echo two");
  await run.asks("echo one");
  run.answer({
    behavior: "allow",
    updatedPermissions: run.input("PermissionRequest").permission_suggestions,
  });
  await run.asks("don’t ask again for: echo two");
  expect(run.events().filter((event) => event === "PostToolUse")).toHaveLength(2);
  expect(run.results().map(({ content }) => content)).toEqual(["one", "one"]);
});

test("a changed input is what runs, and a failing command is told as a failure", async () => {
  await using run = new Run("RUN: echo one");
  await run.asks("echo one");
  run.answer({ behavior: "allow", updatedInput: { command: "echo other; exit 3" } });
  await run.idle();
  expect(run.input("PostToolUseFailure").error).toBe("Exit code 3\nother");
});

test("edits show their change, and accepted edits are not asked for again", async () => {
  await using run = new Run("WRITE: a.txt alpha beta ;; EDIT: a.txt|beta|gamma");
  await run.asks("Do you want to create a.txt?");
  run.type("1");
  await run.asks("Do you want to make this edit to a.txt?");
  expect(run.screen()).toContain(" - beta\n + gamma\n");
  run.type("2");
  await run.idle();
  run.type("EDIT: a.txt|gamma|delta\r");
  await run.until(
    "the third edit is made",
    () => readFileSync(join(run.cwd, "a.txt"), "utf8") === "alpha delta\n",
  );
  expect(run.events().filter((event) => event === "PermissionRequest")).toHaveLength(2);
});

test("a question takes no bare yes, and is answered by a changed input or at the desk", async () => {
  await using run = new Run("ASK ;; ASK");
  await run.asks("Which color should the button be?");
  expect(run.log().at(-1)?.state?.waitingFor).toBe("input needed");
  run.answer({ behavior: "allow" });
  await run.until("the hook has answered", () => run.events().includes("answered"));
  run.type("2");
  await run.asks("Which color");
  const input = run.input("PermissionRequest").tool_input as object;
  run.answer({ behavior: "allow", updatedInput: { ...input, answers: { Color: "teal" } } });
  await run.idle();
  expect(run.results().map(({ content }) => content)).toEqual([
    expect.stringContaining('"Which color should the button be?"="Blue"'),
    expect.stringContaining('"Color"="teal"'),
  ]);
});

test("several reads of one message are asked for at once, the oldest on the screen", async () => {
  await using run = new Run("MULTI ;; READ: /etc/passwd ;; READ: /etc/hosts");
  const asked = () => run.events().filter((event) => event === "PermissionRequest").length;
  await run.until("both hooks ask", () => asked() === 2 && run.screen().includes("(1 of 2)"));
  run.type("1");
  await run.until("one is left", () => !run.screen().includes("(1 of 2)"));
  expect(run.screen()).toContain("Read file");
  run.type("\x1b");
  await run.idle();
});

test("the transcript is a chain of whole records, from the prompt to the answer", async () => {
  await using run = new Run("RUN: echo hi ;; SAY: all done");
  await run.asks("echo hi");
  run.type("\r");
  await run.idle();
  const records = run.transcript();
  const types = records.map(({ type, message }) => [
    type,
    Array.isArray(message?.content) ? message.content[0].type : message?.content,
  ]);
  expect(types).toEqual([
    ["user", "RUN: echo hi ;; SAY: all done"],
    ["assistant", "text"],
    ["assistant", "tool_use"],
    ["user", "tool_result"],
    ["assistant", "text"],
  ]);
  expect(records.map(({ parentUuid }) => parentUuid)).toEqual([
    null,
    ...records.slice(0, -1).map(({ uuid }) => uuid),
  ]);
});

test("lines typed with Ctrl-J, a paste and a queued prompt arrive whole", async () => {
  await using run = new Run("");
  await run.idle();
  run.type("SLOW: 150\nTEXT: 2\r");
  await run.shows("Playing…");
  run.type("\x1b[200~SAY: pästed\rSAY: twø\x1b[201~");
  run.type("\r");
  await run.shows("Queued");
  await run.shows("● twø");
  await run.idle();
  const prompts = run
    .log()
    .flatMap(({ input }) => (input?.hook_event_name === "UserPromptSubmit" ? [input.prompt] : []));
  await run.until("both turns are over", () => run.events().filter((event) => event === "Stop").length === 2);
  const ids = (event: string) =>
    run.log().flatMap(({ input }) => (input?.hook_event_name === event ? [input.prompt_id] : []));
  expect(ids("Stop").sort()).toEqual(ids("UserPromptSubmit").sort());
  expect(prompts).toEqual(["SLOW: 150\nTEXT: 2", "SAY: pästed\nSAY: twø"]);
});

const leave: [string, number, string, (run: Run) => void][] = [
  ["/exit", 0, "prompt_input_exit", (run) => run.type("/exit\r")],
  ["Ctrl-C twice", 0, "prompt_input_exit", (run) => run.type("\x03\x03")],
  ["a script", 7, "other", (run) => run.type("EXIT: 7\r")],
  ["SIGINT", 0, "other", (run) => run.kill("SIGINT")],
  ["SIGTERM", 143, "other", (run) => run.kill("SIGTERM")],
  ["SIGHUP", 129, "other", (run) => run.kill("SIGHUP")],
  ["a closed terminal", 129, "other", (run) => run.hangUp()],
];
test.each(leave)("%s ends it with %d", async (_name, code, reason, go) => {
  await using run = new Run("");
  await run.idle();
  go(run);
  expect(await run.exited).toBe(code);
  expect(run.input("SessionEnd").reason).toBe(reason);
  expect(run.state()).toBeNull();
  if (code !== 129)
    expect(run.output.replaceAll("\r", "")).toEndWith("\x1b[?2004l\x1b[?25h\x1b[0m\x1b]0;\x07\n");
});

test("one Ctrl-C clears what was typed and says how to leave", async () => {
  await using run = new Run("");
  await run.idle();
  run.type("half a thought\x03");
  await run.shows("Press Ctrl-C again to exit");
  expect(run.screen()).not.toContain("half a thought");
});

test("a signal ends it at once in the middle of a dialog, with the hook", async () => {
  await using run = new Run("RUN: sleep 30");
  await run.asks("sleep 30");
  run.kill("SIGTERM");
  expect(await run.exited).toBe(143);
  await run.until("the hook got SIGTERM", () => run.events().includes("TERM"));
  expect(run.state()).toBeNull();
});

test("/exit ends it at once in the middle of a command, whatever was still to come", async () => {
  await using run = new Run("RUN: touch begun; sleep 30 ;; SLOW: 30000\nSLOW: 30000");
  await run.asks("sleep 30");
  run.type("1");
  await run.until("the command runs", () => existsSync(join(run.cwd, "begun")));
  run.type("SLOW: 30000\r");
  await run.shows("Queued");
  run.type("/exit\r");
  expect(await run.exited).toBe(0);
});

test("Ctrl-Z stops it with claude's notice, and SIGCONT brings it back", async () => {
  await using run = new Run("");
  await run.idle();
  run.type("\x1a");
  await run.shows("Claude Code has been suspended. Run `fg` to bring Claude Code back.");
  const stopped = () =>
    Bun.spawnSync(["ps", "-o", "stat=", "-p", String(run.pid)])
      .stdout.toString()
      .startsWith("T");
  while (!stopped()) await Bun.sleep(5);
  run.kill("SIGCONT");
  await run.until("it is drawn again", () => !run.screen().includes("suspended"));
  run.type("SAY: back\r");
  await run.shows("● back");
});

test("a new size draws everything anew, within it", async () => {
  await using run = new Run("RUN: echo hello");
  await run.asks("Do you want to proceed?");
  run.resize(40, 20);
  await run.until("it fits", () => run.screen().includes(`\n${"─".repeat(40)}\n Bash command`));
  expect(run.screen()).toContain("● Bash(echo hello)");
});

test("a newcomer is told what this is, sees the story, and nothing is executed", async () => {
  await using run = new Run(null);
  await run.asks("npm test");
  expect(run.screen()).toContain("This is not Claude");
  expect(run.screen()).toMatch(/Nothing is sent .*\n.*to any model. No command is run/);
  run.answer({ behavior: "deny", message: "not now" });
  await run.asks("Do you want to make this edit to greeting.ts?");
  expect(run.screen()).toContain("You said: “not now”");
  const { file_path } = run.input("PermissionRequest").tool_input as { file_path: string };
  const before = readFileSync(file_path, "utf8");
  run.type("1");
  await run.shows("That was the story");
  expect(readFileSync(file_path, "utf8")).toBe(before);
  run.type("RUN: touch never\r");
  await run.asks("touch never");
  run.type("1");
  await run.shows("● Done: (demo) Nothing was run");
  expect(readdirSync(run.cwd)).toEqual([]);
  run.type("/exit\r");
  expect(await run.exited).toBe(0);
  expect(existsSync(file_path)).toBe(false);
});
