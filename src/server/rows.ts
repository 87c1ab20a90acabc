// Rows of the database to the types of the protocol. Names are the same on both sides; only JSON and truth are unpacked.
import type {
  ApiToken,
  DeviceId,
  EndReason,
  LogLine,
  Message,
  PromptStage,
  PromptState,
  Session,
  Viewer,
  WrapperMessage,
} from "../protocol.ts";

export type Named = Record<string, string | number | null>;
export type Row = { [column: string]: string | number | null };
export type Device = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};
/** A token that is sent with a request. */
export type Token = { id: string; name: string; scopes: readonly string[] };
/** Where a viewer stands in the log and in the conversations: row ids, which only grow. */
export type Cursor = { line: number; message: number };
/** Where a page of ended sessions goes on: before one of them. */
export type Ended = { before: number; id: string };
export type CostMessage = Omit<Extract<WrapperMessage, { type: "cost" }>, "type">;
export type Page = { after?: number | undefined; before?: number | undefined; limit: number };
export type PromptFactMessage = Extract<
  WrapperMessage,
  { type: "withdrawn" | "delivered" | "accepted" | "too_late" | "not_applied" }
>;
export type Exit = { code: number | null; signal: string | null; reason: EndReason };

/** `keepMs`: how long an ended one is kept. */
export function toSession(row: Row, keepMs: number): Session {
  const command = JSON.parse(String(row.command));
  const kept_until = typeof row.ended_at === "number" ? row.ended_at + keepMs : null;
  return { ...row, command, kept_until, terminal: row.terminal === 1, connected: false } as Session;
}

export function toPrompt(row: Row): PromptState {
  const { detail, options, response, ...rest } = row;
  const parsed = { options: JSON.parse(String(options)), response: JSON.parse(String(response)) };
  const prompt = { ...rest, ...JSON.parse(String(detail)), ...parsed } as PromptState;
  return { ...prompt, stage: stageOf(prompt) };
}

/** What the times say; never stored. */
function stageOf(prompt: Omit<PromptState, "stage">): PromptStage {
  if (prompt.withdrawn_at !== null) return "withdrawn";
  if (prompt.responded_at === null) return "open";
  if (prompt.outcome === "accepted") return "accepted";
  if (prompt.outcome !== null) return "too_late";
  return prompt.delivered_at === null ? "answered" : "delivered";
}

export function toLine(row: Row): LogLine {
  const { line_no, epoch, source, line, count, timestamp } = row;
  return {
    line_no,
    epoch,
    source,
    text: line,
    at: timestamp,
    ...(count === null ? {} : { count }),
  } as LogLine;
}

export function toMessage(row: Row): Message {
  const { conversation_id, uuid, seq, role, body, created_at } = row;
  return {
    conversation: conversation_id,
    uuid,
    seq,
    role,
    body: JSON.parse(String(body)),
    at: created_at,
  } as Message;
}

export function toToken(row: Row): ApiToken {
  const { hash, revoked_at, ...token } = row;
  return { ...token, scopes: JSON.parse(String(row.scopes)) } as ApiToken;
}

export function toViewer(row: Row): Viewer {
  const { login_hash, ...viewer } = row;
  return viewer as Viewer;
}
