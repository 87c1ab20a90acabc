// Sessions and prompts as the server tells its rooms of them, for tests of what is made of them.
import type { Digest, OptionId, PromptId, PromptState, Session } from "../protocol.ts";

/** A session that works on a connected laptop. */
export function session(change: Partial<Session> = {}): Session {
  return {
    id: "s1" as Session["id"],
    device_id: "d1" as Session["device_id"],
    ...{ device_name: "laptop", devbox: null, cwd: "/home/ada/webshop", command: ["claude"] },
    ...{ claude_version: "2.1.329", started_at: 0, ended_at: null, end_reason: null, exit_code: null },
    ...{ signal: null, connected: true, heard_at: 0, status: "working", waiting_for: null, hooks: "alive" },
    ...{ terminal: true, title: "", cols: 100, rows: 40, permission_mode: "default", conversation: null },
    ...change,
  };
}

/** An open `Bash npm test` of that session. */
export function openPrompt(of: Session, change: Partial<PromptState> = {}): PromptState {
  return {
    id: "p1" as PromptId,
    ...{ session_id: of.id, kind: "permission", tool: "Bash", prompt_text: "npm test" },
    input: { command: "npm test", description: "Lists some files" },
    ...{ cwd: of.cwd, agent: null, diff: null, questions: null },
    options: [
      { id: "approve" as OptionId, label: "Yes", effect: "approve" },
      { id: "always-1" as OptionId, label: "Always", effect: "approve_always", scope: "npm test" },
      { id: "reject" as OptionId, label: "No", effect: "reject", text: "optional" },
    ],
    digest: "a".repeat(64) as Digest,
    ...{
      created_at: 0,
      stage: "open",
      response: null,
      answer_id: null,
      responded_at: null,
      responded_by: null,
    },
    ...{ delivered_at: null, withdrawn_at: null, withdrawn_by: null, outcome: null, outcome_at: null },
    ...change,
  };
}
