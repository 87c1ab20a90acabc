// Sessions, prompts and screens as the server would tell them, for tests of the page.
import type {
  Digest,
  Json,
  Option,
  OptionId,
  PromptId,
  PromptState,
  Session,
  SessionId,
  ViewerEvents,
  ViewerId,
} from "../../src/protocol.ts";
import type { Frame, Row, Run } from "../../src/screen.ts";

const MINUTE = 60_000;
/** A page is behind the server by as long as the server's last word was on its way. */
const BEHIND_MS = 20_000;

/** When that was which a page calls `ms` ago; a whole number of minutes, hours or days. */
export const ago = (ms: number) => Date.now() - ms - BEHIND_MS;

/** A session that works; `id` also names its project. */
export function session(id: string, more: Partial<Session> = {}): Session {
  const now = Date.now();
  return {
    id: id as SessionId,
    device_id: "device-1" as Session["device_id"],
    device_name: "laptop",
    devbox: null,
    cwd: `/home/ada/${id}`,
    command: ["claude"],
    claude_version: "2.1.329",
    started_at: now - 50 * MINUTE,
    ended_at: null,
    end_reason: null,
    exit_code: null,
    signal: null,
    connected: true,
    heard_at: now,
    status: "working",
    waiting_for: null,
    hooks: "alive",
    terminal: true,
    title: "",
    cols: 100,
    rows: 40,
    permission_mode: "default",
    conversation: null,
    ...more,
  };
}

const option = (id: string, label: string, effect: Option["effect"], more: Partial<Option> = {}): Option => ({
  id: id as OptionId,
  label,
  effect,
  ...more,
});

export const OPTIONS: Option[] = [
  option("approve", "Approve", "approve"),
  option("always-a1b2c3", "Always allow", "approve_always", {
    scope: "allow Bash(npm test *) in this project's .claude/settings.local.json",
  }),
  option("reject", "Deny", "reject", { text: "optional" }),
];
export const PLAN_OPTIONS: Option[] = [
  option("approve", "Approve, ask before edits", "approve"),
  option("mode-acceptEdits", "Approve, accept edits", "approve"),
  option("mode-auto", "Approve, auto mode", "approve"),
  option("reject", "Keep planning", "reject", { text: "optional" }),
];
export const QUESTION_OPTIONS: Option[] = [
  option("answer", "Answer", "answer"),
  option("reject", "Skip", "reject", { text: "optional" }),
];

/** An open prompt of a session, asked a minute ago. */
export function prompt(id: string, of: Session, more: Partial<PromptState> = {}): PromptState {
  return {
    id: id as PromptId,
    session_id: of.id,
    kind: "permission",
    tool: "Bash",
    input: { command: "npm test", description: "Run the tests" },
    prompt_text: "npm test",
    cwd: of.cwd,
    agent: null,
    diff: null,
    questions: null,
    options: OPTIONS,
    digest: digestLike(id) as Digest,
    created_at: Date.now() - MINUTE,
    stage: "open",
    response: null,
    answer_id: null,
    responded_at: null,
    responded_by: null,
    delivered_at: null,
    withdrawn_at: null,
    withdrawn_by: null,
    outcome: null,
    outcome_at: null,
    ...more,
  };
}

/** A prompt about one command. */
export function bash(
  id: string,
  of: Session,
  command: string,
  description = "Does what it says",
): PromptState {
  return prompt(id, of, { input: { command, description }, prompt_text: command });
}

/** A prompt about one file, with the file before and after. */
export function fileEdit(id: string, of: Session, path: string, before: string, after: string): PromptState {
  const input: Json = { file_path: path, old_string: before, new_string: after, replace_all: false };
  return prompt(id, of, { tool: "Edit", input, prompt_text: path, diff: { path, before, after } });
}

const digestLike = (id: string) => Bun.hash(id).toString(16).padStart(16, "0").repeat(4);

/** The first event of a connection. */
export function state(sessions: Session[], prompts: PromptState[] = []): ViewerEvents["state"] {
  const viewer = { id: "viewer-1" as ViewerId, name: "Pixel 8 (Chrome)" };
  return { now: Date.now(), protocol: 1, version: "0.1.0", viewer, insecure: false, sessions, prompts };
}

export const run = (text: string, style?: Run["style"], wide?: true): Run => ({
  text,
  ...(style && { style }),
  ...(wide && { wide }),
});

/** A whole screen as its first frame. */
export function firstFrame(rows: Row[], cols = 100, height = rows.length): Frame {
  const lines = rows.map((row, y) => ({ y, row })).filter(({ row }) => row.length > 0);
  return { size: { cols, rows: height }, lines, cursor: { x: 2, y: rows.length - 1, visible: true } };
}

/** The session and the question that most tests of the page begin with. */
export const shop = session("webshop", { status: "waiting", title: "Fix the cart total" });
export const ask = bash("p1", shop, "npm test && git push", "Run the tests and push");
export const working = { ...shop, status: "working" } as const;
export const inSession = { path: "/s/webshop", sessions: [working] };
/** A screen with every look that a terminal has. */
export const screenRows: Row[] = [
  [
    run("● ", { fg: "#d77757" }),
    run("bold", { bold: true }),
    run(" 196", { fg: 196 }),
    run(" bg", { bg: 25 }),
  ],
  [run("a"), run("価", { fg: 3 }, true), run("格", undefined, true), run("b|")],
  [],
  [run("inverse", { inverse: true }), run(" ", {}), run("struck", { strike: true, underline: true })],
  [run("<img src=x onerror=alert(1)>"), run("─│⎿✻")],
];
