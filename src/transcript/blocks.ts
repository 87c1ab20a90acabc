// One record of claude's transcript as the plain text of its blocks: message, tool input, tool output.

/** `call` ties a tool's output to its input. `rejected`: somebody at the desk said no. */
export type Block =
  | { kind: "user" | "assistant"; text: string }
  | { kind: "tool_input"; text: string; call: string; tool: string; input: Record<string, unknown> }
  | { kind: "tool_output"; text: string; call: string; rejected: boolean };

/** A PermissionRequest hook decided about a call. Written ahead of its result; a decision of the desk is not. */
export type HookDecision = { call: string; chosen: "approved" | "rejected" };

/** The tool result that claude writes for a No or an Esc. Seen on 2.1.197 and 2.1.329. */
export const REJECTED = /^The user doesn't want to (proceed with|take) this/;

/** Lines kept of one tool output: the log is for reading back, the whole stands in the transcript. */
const MAX_OUTPUT_LINES = 200;

type Part = {
  type?: string;
  text?: string;
  id?: string;
  name?: string;
  input?: object;
  tool_use_id?: string;
  content?: unknown;
};
type Entry = {
  type?: string;
  uuid?: string;
  isMeta?: boolean;
  isSidechain?: boolean;
  message?: { content?: unknown };
  attachment?: { type?: string; decision?: string; toolUseID?: string };
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

/** The hook's decision that this line records, or null. Seen on 2.1.197 and 2.1.329. */
export function hookDecisionOf(line: string): HookDecision | null {
  if (!line.includes("hook_permission_decision")) return null;
  const { type, decision, toolUseID } = parse(line)?.attachment ?? {};
  if (type !== "hook_permission_decision" || !toolUseID) return null;
  return { call: toolUseID, chosen: decision === "allow" ? "approved" : "rejected" };
}

function blockOf(part: Part, role: "user" | "assistant"): Block[] {
  switch (part.type) {
    case "text":
      return part.text ? [{ kind: role, text: part.text }] : [];
    case "tool_use":
      return [toolInput(part)];
    case "tool_result":
      return [toolOutput(part)];
    default:
      return [];
  }
}

function toolInput({ id = "", name = "", input = {} }: Part): Block {
  const text = `${name} ${JSON.stringify(input)}`;
  return { kind: "tool_input", text, call: id, tool: name, input: { ...input } };
}

function toolOutput({ tool_use_id = "", content }: Part): Block {
  const text = plain(content);
  return { kind: "tool_output", text: clipped(text), call: tool_use_id, rejected: REJECTED.test(text) };
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

function parse(line: string): Entry | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? (value as Entry) : null;
  } catch {
    return null;
  }
}
