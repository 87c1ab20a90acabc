// The files claude keeps of a session and others read: its state, ~/.claude/sessions/<pid>.json, and the transcript.
import { appendFileSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** claude cuts longer folder names and adds a hash of the path. */
const MAX_NAME = 200;

export type Status = "idle" | "busy" | "waiting";
type Content = string | Record<string, unknown>[];

/** The files of session `sessionId` in `cwd`. The transcript appears with the first record, the state with the first status. */
export function records(cwd: string, sessionId: string) {
  const config = process.env.CLAUDE_CONFIG_DIR ?? join(process.env.HOME ?? homedir(), ".claude");
  const state = join(config, "sessions", `${process.pid}.json`);
  const transcript = join(config, "projects", folderName(realpathSync(cwd)), `${sessionId}.jsonl`);
  const startedAt = Date.now();
  let parentUuid: string | null = null;
  let ended = false;

  function append(type: "user" | "assistant" | "attachment", more: object) {
    const uuid = crypto.randomUUID();
    const timestamp = new Date().toISOString();
    const common = { userType: "external", entrypoint: "cli", cwd, sessionId, version: "demo" };
    const record = { parentUuid, isSidechain: false, type, uuid, timestamp, ...common, ...more };
    mkdirSync(dirname(transcript), { recursive: true });
    appendFileSync(transcript, `${JSON.stringify(record)}\n`);
    parentUuid = uuid;
  }

  return {
    transcript,
    /** What the user said, or a tool's result. */
    user: (content: Content, more: object = {}) =>
      append("user", { message: { role: "user", content }, ...more }),
    /** One block of the answer: text or tool_use. */
    assistant(block: Record<string, unknown>) {
      const id = `msg_demo_${crypto.randomUUID()}`;
      const usage = { input_tokens: 0, output_tokens: 0 };
      const stop_reason = block.type === "tool_use" ? "tool_use" : "end_turn";
      const model = "claude-remote-demo";
      append("assistant", {
        message: { id, type: "message", role: "assistant", model, content: [block], stop_reason, usage },
      });
    },
    /** A PermissionRequest hook decided about a call. */
    hookDecided(toolUseID: string, decision: "allow" | "deny") {
      const attachment = {
        type: "hook_permission_decision",
        decision,
        toolUseID,
        hookEvent: "PermissionRequest",
      };
      append("attachment", { attachment });
    },
    /** Written whole or not at all: a reader never sees half of it. */
    status(status: Status, waitingFor?: string) {
      if (ended) return;
      const known = { pid: process.pid, sessionId, cwd, startedAt, version: "demo", kind: "interactive" };
      mkdirSync(dirname(state), { recursive: true });
      writeFileSync(`${state}.new`, JSON.stringify({ ...known, status, waitingFor, updatedAt: Date.now() }));
      renameSync(`${state}.new`, state);
    },
    /** The state file goes; nothing brings it back. */
    end() {
      ended = true;
      rmSync(state, { force: true });
    },
  };
}

export type Records = ReturnType<typeof records>;

/** claude's rule: every UTF-16 code unit outside A-Z, a-z, 0-9 becomes a dash. */
function folderName(path: string): string {
  const name = path.replace(/[^A-Za-z0-9]/g, "-");
  if (name.length <= MAX_NAME) return name;
  return `${name.slice(0, MAX_NAME)}-${Bun.hash(path).toString(36).slice(0, 6)}`;
}
