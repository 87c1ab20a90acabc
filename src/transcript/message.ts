// One record of claude's transcript as a message: what people see of it, each part bounded. Seen on 2.1.197 and 2.1.329.
import type { Json, MessageBody, MessagePart, MessageUsage, PatchHunk } from "../protocol.ts";
import { REJECTED } from "./blocks.ts";

/** Characters of one part; the whole stands in the transcript. A phone shows this much in twenty screens. */
const MAX_PART_CHARS = 64 * 1024;
/** Characters of one text inside a tool's input, and how many texts: a written file is the longest. */
const MAX_INPUT_TEXT_CHARS = 32 * 1024;
const MAX_INPUT_VALUES = 500;
/** How deep a tool's input is followed. */
const MAX_INPUT_DEPTH = 8;
/** Lines of an edit's recorded difference. */
const MAX_PATCH_LINES = 2_000;
/** Parts of one record: claude writes one, or as many as there were results at once. */
const MAX_PARTS = 100;
/** Characters of a name: a tool, a call, a media type. */
const MAX_NAME_CHARS = 200;

/** Without conversation and number, which its reader knows. `time`: ms since 1970, by the clock of claude's machine. */
export type RecordedMessage = {
  uuid: string;
  role: "user" | "assistant" | "system";
  time: number;
  body: MessageBody;
};

type Fields = Record<string, unknown>;

/** The message of one line; null for records that are none, show nothing, or cannot be read. */
export function messageOf(line: string): RecordedMessage | null {
  if (!line.includes('"uuid"') || /^\{"parentUuid":[^,]{4,40},"isSidechain":true/.test(line)) return null;
  const record = parse(line);
  const { uuid, type, timestamp } = record;
  if (typeof uuid !== "string" || uuid.length > 100 || record.isMeta === true || record.isSidechain === true)
    return null;
  const parts = partsOf(record).filter(isWorthShowing).slice(0, MAX_PARTS);
  if (parts.length === 0) return null;
  const time = Date.parse(String(timestamp));
  const role = type === "assistant" || type === "system" ? type : "user";
  const at = Number.isNaN(time) ? 0 : time;
  const usage = role === "assistant" ? usageIn(fields(record.message)) : null;
  return { uuid, role, time: at, body: { time: at, parts, ...(usage && { usage }) } };
}

/** What an answer took. claude writes an answer as one record for each of its parts, each with the same id and counts. */
function usageIn({ id, model, usage }: Fields): MessageUsage | null {
  const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = fields(usage);
  if (typeof id !== "string" || id === "" || typeof output_tokens !== "number") return null;
  return {
    ...{ id: name(id), model: name(model), input: count(input_tokens), output: count(output_tokens) },
    ...{ cache_read: count(cache_read_input_tokens), cache_write: count(cache_creation_input_tokens) },
  };
}

/** What one record of a subagent's transcript says that its answer took, and when; null for all other records. */
export function subagentUsageOf(line: string): { usage: MessageUsage; time: number } | null {
  if (!line.includes('"usage"')) return null;
  const { type, isSidechain, message, timestamp } = parse(line);
  const usage = type === "assistant" && isSidechain === true ? usageIn(fields(message)) : null;
  const time = Date.parse(String(timestamp));
  return usage && { usage, time: Number.isNaN(time) ? 0 : time };
}

/** What claude 2.1.329 writes when it ends, as the total of a chain: it goes on in a resume and a fork, and not in `/clear`. */
export function costOf(line: string): { chain: string; usd: number } | null {
  if (!line.startsWith('{"type":"cost-state"')) return null;
  const { totalCostUSD: usd, startTime, hasUnknownModelCost } = parse(line);
  if (hasUnknownModelCost === true || typeof usd !== "number" || typeof startTime !== "number") return null;
  return usd > 0 ? { chain: String(startTime), usd } : null;
}

function partsOf(record: Fields): MessagePart[] {
  switch (record.type) {
    case "user":
      return userParts(record);
    case "assistant":
      return assistantParts(record);
    case "system":
      return systemParts(record);
    case "attachment":
      return attachmentParts(fields(record.attachment));
    default:
      return [];
  }
}

function userParts(record: Fields): MessagePart[] {
  const content = fields(record.message).content;
  if (record.isCompactSummary === true) return [bounded("summary", plain(content))];
  if (typeof content === "string") return saidParts(content);
  return list(content).flatMap((part) => {
    if (part.type === "tool_result") return [resultPart(part, record.toolUseResult)];
    if (part.type === "text") return saidParts(text(part.text));
    if (part.type === "image") return [imagePart(part)];
    return [];
  });
}

/** claude writes as the user's words also what the user did not say: commands, their output, news of tasks. */
function saidParts(said: string): MessagePart[] {
  if (said.startsWith("[Request interrupted by user")) return [event("interrupted", "Interrupted")];
  const command = between(said, "command-name");
  if (command !== null && said.startsWith("<command-")) {
    const args = between(said, "command-args") ?? "";
    return [bounded("command", `${command} ${args}`.trim())];
  }
  const shell = said.startsWith("<bash-input>") && between(said, "bash-input");
  if (typeof shell === "string") return [bounded("command", `! ${shell}`)];
  if (/^<(local-command|bash)-std(out|err)>/.test(said)) return [bounded("output", outputIn(said))];
  if (said.startsWith("<task-notification>")) return [event("task", taskIn(said))];
  return [bounded("text", withoutPasteMarks(withoutReminders(said)).trim())];
}

const OUTPUTS = ["local-command-stdout", "local-command-stderr", "bash-stdout", "bash-stderr"];

function outputIn(said: string): string {
  const outputs = OUTPUTS.map((tag) => between(said, tag) ?? "");
  return withoutEscapes(outputs.filter((output) => output !== "").join("\n")).trim();
}

function taskIn(said: string): string {
  const summary = between(said, "summary") ?? "A task reported back";
  return summary.slice(0, MAX_PART_CHARS);
}

/** Without what claude adds for the model alone. */
function withoutReminders(said: string): string {
  const kept: string[] = [];
  let from = 0;
  for (let at = said.indexOf(REMINDER); at >= 0; at = said.indexOf(REMINDER, from)) {
    const end = said.indexOf(REMINDER_END, at);
    if (end < 0) break;
    kept.push(said.slice(from, at));
    from = end + REMINDER_END.length;
  }
  return kept.join("") + said.slice(from);
}

const REMINDER = "<system-reminder>";
const REMINDER_END = "</system-reminder>";

const withoutPasteMarks = (said: string) => said.replaceAll(/<\/?pasted_content(?: [^<>]{0,200})?>\n?/g, "");

function assistantParts(record: Fields): MessagePart[] {
  const { content, model } = fields(record.message);
  if (record.isApiErrorMessage === true) return [event("error", plain(content).slice(0, MAX_PART_CHARS))];
  if (model === "<synthetic>" && plain(content) === "No response requested.") return [];
  if (typeof content === "string") return [bounded("text", content)];
  return list(content).flatMap((part): MessagePart[] => {
    if (part.type === "text") return [bounded("text", text(part.text))];
    if (part.type === "thinking") return [bounded("thinking", text(part.thinking))];
    if (part.type === "tool_use") return [callPart(part)];
    return [];
  });
}

function systemParts({ subtype, durationMs, content }: Fields): MessagePart[] {
  if (subtype === "turn_duration" && typeof durationMs === "number")
    return [{ ...event("turn", ""), ms: durationMs }];
  if (subtype === "compact_boundary")
    return [event("compacted", "Compacted: Claude goes on from a summary of what stands above")];
  if (subtype === "local_command") return saidParts(text(content));
  return [];
}

/** A prompt typed while claude was at work, which it took up in the middle of its turn. */
function attachmentParts({ type, prompt, commandMode }: Fields): MessagePart[] {
  if (type !== "queued_command" || (commandMode !== undefined && commandMode !== "prompt")) return [];
  return saidParts(plain(prompt));
}

function callPart({ id, name: tool, input }: Fields): MessagePart {
  const budget = { values: MAX_INPUT_VALUES, chars: MAX_PART_CHARS, cut: 0 };
  const part = {
    type: "call" as const,
    call: name(id),
    tool: name(tool),
    input: inputWithin(input, budget, 0),
  };
  return budget.cut > 0 ? { ...part, cut: budget.cut } : part;
}

type Budget = { values: number; chars: number; cut: number };

/** The input with its texts cut to what is left of the budget. */
function inputWithin(value: unknown, budget: Budget, depth: number): Json {
  if (typeof value === "string") {
    const most = Math.min(MAX_INPUT_TEXT_CHARS, budget.chars);
    const kept = clipped(value, most);
    budget.chars -= kept.length;
    budget.cut += value.length - kept.length;
    return kept;
  }
  if (typeof value !== "object" || value === null) {
    return typeof value === "number" || typeof value === "boolean" ? value : null;
  }
  if (depth > MAX_INPUT_DEPTH) return null;
  const entries = Object.entries(value).slice(0, Math.max(0, budget.values));
  budget.values -= entries.length;
  const within = entries.map(([key, item]) => [name(key), inputWithin(item, budget, depth + 1)] as const);
  return Array.isArray(value) ? within.map(([, item]) => item) : Object.fromEntries(within);
}

function resultPart({ tool_use_id, content, is_error }: Fields, recorded: unknown): MessagePart {
  const all = withoutEscapes(withoutReminders(plain(content))).trimEnd();
  const { text: kept, cut } = bounded("text", all);
  const patch = patchIn(recorded);
  const agent = agentIn(recorded);
  const failed = REJECTED.test(all) ? "rejected" : is_error === true ? "error" : null;
  return {
    type: "result",
    call: name(tool_use_id),
    text: kept,
    ...(cut ? { cut } : {}),
    ...(failed ? { failed } : {}),
    ...(patch ? { patch } : {}),
    ...(agent ? { agent } : {}),
  };
}

function patchIn(recorded: unknown): PatchHunk[] | null {
  const hunks = list(fields(recorded).structuredPatch);
  let left = MAX_PATCH_LINES;
  const kept = hunks.flatMap(({ oldStart, newStart, lines }) => {
    if (typeof oldStart !== "number" || typeof newStart !== "number" || !Array.isArray(lines)) return [];
    const texts = lines.filter((line) => typeof line === "string").slice(0, left);
    left -= texts.length;
    const short = texts.map((line) => clipped(line, MAX_PART_CHARS / 16));
    return texts.length > 0 ? [{ old_start: oldStart, new_start: newStart, lines: short }] : [];
  });
  return kept.length > 0 ? kept : null;
}

function agentIn(recorded: unknown): { tools: number; ms: number } | null {
  const { totalToolUseCount: tools, totalDurationMs: ms } = fields(recorded);
  return typeof tools === "number" && typeof ms === "number" ? { tools, ms } : null;
}

function imagePart({ source }: Fields): MessagePart {
  const { media_type, data } = fields(source);
  const bytes = Math.floor((text(data).length * 3) / 4);
  return { type: "image", media_type: name(media_type), bytes };
}

/** The texts of a content; what is no text is named. */
function plain(content: unknown): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((part) => (typeof part.text === "string" ? part.text : `[${text(part.type)}]`))
    .join("\n");
}

type Told = { type: "text" | "thinking" | "output" | "command" | "summary"; text: string; cut?: number };

function bounded(type: Told["type"], all: string): Told {
  const kept = clipped(all, MAX_PART_CHARS);
  const cut = all.length - kept.length;
  return cut > 0 ? { type, text: kept, cut } : { type, text: kept };
}

/** Never half of a character. */
function clipped(all: string, most: number): string {
  if (all.length <= most) return all;
  const last = all.charCodeAt(most - 1);
  return all.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}

function event(
  what: Extract<MessagePart, { type: "event" }>["event"],
  words: string,
): Extract<MessagePart, { type: "event" }> {
  return { type: "event", event: what, text: words };
}

function isWorthShowing(part: MessagePart): boolean {
  switch (part.type) {
    case "text":
    case "thinking":
    case "output":
    case "command":
    case "summary":
      return part.text.trim() !== "";
    default:
      return true;
  }
}

/** What stands between the first opening and the first closing of a tag. */
function between(all: string, tag: string): string | null {
  const start = all.indexOf(`<${tag}>`);
  const end = all.indexOf(`</${tag}>`, start);
  return start < 0 || end < 0 ? null : all.slice(start + tag.length + 2, end);
}

/** Colours and the like, which programs write for a terminal. */
function withoutEscapes(all: string): string {
  return all.replaceAll(/\x1b(?:\[[0-9;:?<=>]{0,50}[ -/]{0,4}[@-~]|[@-Z\\^_a-z])?/g, "");
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const name = (value: unknown) => text(value).slice(0, MAX_NAME_CHARS);
const count = (value: unknown) => (typeof value === "number" && value > 0 ? Math.round(value) : 0);
const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : []);

function parse(line: string): Fields {
  try {
    return fields(JSON.parse(line));
  } catch {
    return {};
  }
}
