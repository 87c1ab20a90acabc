// One record of claude's transcript as the plain text of its blocks: message, tool input, tool output.

export type Block = { kind: "user" | "assistant" | "tool_input" | "tool_output"; text: string };

/** Lines kept of one tool output: the log is for reading back, the whole stands in the transcript. */
const MAX_OUTPUT_LINES = 200;

type Part = { type?: string; text?: string; name?: string; input?: unknown; content?: unknown };
type Record = {
  type?: string;
  uuid?: string;
  isMeta?: boolean;
  isSidechain?: boolean;
  message?: { content?: unknown };
};

/** The blocks of one line; none for records that are not messages, and for what cannot be read. */
export function blocksOf(line: string): Block[] {
  const record = parse(line);
  if (!record?.uuid || record.isMeta || record.isSidechain) return [];
  if (record.type !== "user" && record.type !== "assistant") return [];
  const content = record.message?.content;
  if (typeof content === "string") return [{ kind: record.type, text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Part) => blockOf(part, record.type as "user" | "assistant"));
}

function blockOf(part: Part, role: "user" | "assistant"): Block[] {
  switch (part.type) {
    case "text":
      return part.text ? [{ kind: role, text: part.text }] : [];
    case "tool_use":
      return [{ kind: "tool_input", text: `${part.name} ${JSON.stringify(part.input)}` }];
    case "tool_result":
      return [{ kind: "tool_output", text: clipped(plain(part.content)) }];
    default:
      return [];
  }
}

function plain(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: Part) => part.text ?? `[${part.type}]`).join("\n");
}

function clipped(text: string): string {
  const lines = text.split("\n");
  if (lines.length <= MAX_OUTPUT_LINES) return text;
  return [...lines.slice(0, MAX_OUTPUT_LINES), `… ${lines.length - MAX_OUTPUT_LINES} more lines`].join("\n");
}

function parse(line: string): Record | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? (value as Record) : null;
  } catch {
    return null;
  }
}
