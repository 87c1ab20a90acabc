// What is true of this run now: told whole to the server, at once on each change and again after each reconnect.
import type {
  ConversationId,
  PromptId,
  SessionId,
  SessionState,
  SessionStatement,
  SessionStatus,
  WrapperMessage,
} from "../protocol.ts";

/** claude writes its state file within a second; no hook by that long after it means that they do not reach us. */
const HOOKS_DUE_MS = 10_000;

export type SessionStart = {
  id: SessionId;
  cwd: string;
  command: string[];
  cols: number;
  rows: number;
  terminal: boolean;
  /** The launch that began it. */
  launch?: string | undefined;
};

/** claude's title begins with a glyph that turns while it works; the rest is the name worth showing. */
const withoutSpinner = (title: string) => title.replace(/^[^\p{L}\p{N}]+\s*/u, "");

/** The session's facts. `tell` may lose a message; `statement` says everything for a new connection. */
export function session(start: SessionStart, tell: (message: WrapperMessage) => void) {
  const begunAt = Date.now();
  let version: string | null = null;
  let suspended = false;
  let claudeStatus: SessionStatus = "starting";
  let state: SessionState = {
    status: "starting",
    waiting_for: null,
    hooks: "unknown",
    terminal: start.terminal,
    title: "",
    cols: start.cols,
    rows: start.rows,
    permission_mode: null,
    conversation: null,
  };

  function update(change: Partial<SessionState>) {
    const next = { ...state, ...change, status: suspended ? ("suspended" as const) : claudeStatus };
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    state = next;
    tell({ type: "status", state });
  }

  return {
    get state() {
      return state;
    },
    /** Ms since the run began. */
    age: () => Date.now() - begunAt,
    update,
    /** claude's own word. True: its version was not known before. */
    claude(
      status: "idle" | "busy" | "waiting",
      waitingFor: string | null,
      claudeVersion: string | null,
    ): boolean {
      claudeStatus = status === "busy" ? "working" : status;
      const news = version === null && claudeVersion !== null;
      version = claudeVersion ?? version;
      const late = state.hooks === "unknown" && Date.now() - begunAt > HOOKS_DUE_MS;
      update({ waiting_for: waitingFor, ...(late ? { hooks: "dead" as const } : {}) });
      return news;
    },
    suspend(now: boolean) {
      suspended = now;
      update({});
    },
    hook(conversation: string, permissionMode: string | undefined) {
      const mode = permissionMode ?? state.permission_mode;
      update({ hooks: "alive", conversation: conversation as ConversationId, permission_mode: mode });
    },
    titled: (title: string) => update({ title: withoutSpinner(title) }),
    statement(open: PromptId[]): SessionStatement {
      const { id, cwd, command, launch } = start;
      const launched = launch === undefined ? {} : { launch };
      return {
        ...{ ...state, id, cwd, command, claude_version: version, age_ms: Date.now() - begunAt, open },
        ...launched,
      };
    },
  };
}

export type SessionFacts = ReturnType<typeof session>;
