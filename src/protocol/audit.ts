// The audit log, as it is read.
import type { SessionId } from "./ids.ts";
import type { Json } from "./json.ts";
import type { Prompt } from "./prompt.ts";

/** One row of the audit log. */
export type AuditEntry = {
  /** Grows with each row; where a page of them goes on from. */
  id: number;
  at: number;
  /** `viewer <id>`, `token <id>`, `session <id>` (its wrapper), `device <id>`, `desk`, `claude`, `owner`, `nobody`, `unknown`. */
  actor: string;
  /** The viewer's or the machine's. */
  name: string | null;
  /** The other end of the viewer's or the device's socket. */
  address: string | null;
  session: SessionId | null;
  action: string;
  /** The id of what it was done to. */
  subject: string;
  detail: { [key: string]: Json };
  /** What the prompt asked at that moment. */
  asked: Asked | null;
};

export type Asked = Omit<Prompt, "id" | "age_ms" | "diff" | "questions">;
