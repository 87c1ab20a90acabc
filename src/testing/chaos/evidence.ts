// All that is known at the end of a run: what was said and heard, what the database holds, what claude itself did.
import { Database } from "bun:sqlite";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command, marks } from "./place.ts";
import type { Told } from "./workload.ts";

export type PromptRow = {
  id: string;
  prompt_text: string;
  digest: string;
  response: string | null;
  answer_id: string | null;
  responded_at: number | null;
  delivered_at: number | null;
  withdrawn_at: number | null;
  withdrawn_by: string | null;
  outcome: string | null;
};

/** One row of the audit log about a prompt. */
export type Entry = {
  action: string;
  subject: string;
  name: string | null;
  detail: { digest?: string; answer_id?: string; option?: string; text?: string };
  asked: { digest: string; prompt_text: string } | null;
};

/** How often its command ran, by the command's own word, and what claude's transcript says that its call ended in. */
export type Truth = { ran: number; result: string | null };

export type Evidence = {
  told: readonly Told[];
  rows: readonly PromptRow[];
  entries: readonly Entry[];
  /** By token. */
  truths: ReadonlyMap<string, Truth>;
};

/** Where it all is. The server must have ended. */
type Sources = { database: string; home: string; project: string };

/** Gathers it. Throws if the database is not whole. */
export function evidence({ database, home, project }: Sources, told: readonly Told[]): Evidence {
  using db = new Database(database);
  const check = db.query("PRAGMA integrity_check").get() as { integrity_check: string };
  if (check.integrity_check !== "ok") throw new Error(`the database is damaged: ${check.integrity_check}`);
  const results = resultsIn(join(home, ".claude", "projects"));
  const truthOf = (token: string): Truth => ({
    ran: marks(project, token),
    result: results.get(command(token)) ?? null,
  });
  return {
    told,
    rows: db.query("SELECT * FROM prompts").all() as PromptRow[],
    entries: entriesIn(db),
    truths: new Map(told.map(({ token }) => [token, truthOf(token)])),
  };
}

function entriesIn(db: Database): Entry[] {
  const all = db.query("SELECT * FROM audit_log WHERE subject IN (SELECT id FROM prompts) ORDER BY id").all();
  return (all as Record<"action" | "subject" | "name" | "detail" | "asked", string>[]).map((row) => ({
    ...{ action: row.action, subject: row.subject, name: row.name },
    ...{ detail: JSON.parse(row.detail), asked: JSON.parse(row.asked ?? "null") },
  }));
}

/** What each command's call ended in, by all transcripts. */
function resultsIn(folder: string): Map<string, string> {
  const calls = new Map<string, string>();
  const results = new Map<string, string>();
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".jsonl"),
  );
  const lines = files.flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  for (const part of lines.flatMap(partsOf)) {
    if (part.type === "tool_use") calls.set(part.id, String(part.input?.command));
    const asked = part.type === "tool_result" ? calls.get(part.tool_use_id) : undefined;
    if (asked !== undefined) results.set(asked, textIn(part.content));
  }
  return results;
}

type Part = {
  type: string;
  id: string;
  tool_use_id: string;
  input?: { command?: unknown };
  content?: unknown;
};

/** The parts of one record's message; none in a line that a kill cut. */
function partsOf(line: string): Part[] {
  if (!line.includes("tool_")) return [];
  try {
    const content = JSON.parse(line).message?.content;
    return Array.isArray(content) ? content : [];
  } catch {
    return [];
  }
}

function textIn(content: unknown): string {
  if (!Array.isArray(content)) return String(content ?? "");
  return content.map(({ text = "" }: { text?: string }) => text).join("\n");
}
