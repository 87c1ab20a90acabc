// What a wrapper may say, checked where it enters. Fields and types this version does not know are ignored.
import * as v from "valibot";
import type { Json, WrapperMessage } from "../protocol.ts";
import type { Row } from "../screen.ts";
import { LIMITS } from "./limits.ts";

const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
const text = (chars: number) => v.pipe(v.string(), v.maxLength(chars));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const cols = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(500));
const rows = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(200));
const cell = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(500));
/** An age beyond a hundred years is nonsense, and would make times that are no times. */
const age = v.pipe(v.number(), v.minValue(0), v.maxValue(3.2e12), v.transform(Math.round));
// It came out of JSON.parse, so it is JSON.
const json = v.custom<Json>((value) => value !== undefined);

const state = {
  status: v.picklist(["starting", "working", "waiting", "idle", "suspended", "ended"]),
  waiting_for: v.nullable(text(500)),
  hooks: v.picklist(["unknown", "alive", "dead"]),
  terminal: v.boolean(),
  title: text(1_000),
  cols,
  rows,
  permission_mode: v.nullable(text(100)),
  conversation: v.nullable(id),
};

const statement = v.object({
  ...state,
  id,
  cwd: text(4_096),
  command: v.pipe(v.array(text(100_000)), v.maxLength(1_000)),
  claude_version: v.nullable(text(100)),
  age_ms: age,
  open: v.pipe(v.array(id), v.maxLength(LIMITS.openPrompts)),
});

const option = v.object({
  id,
  label: text(2_000),
  effect: v.picklist(["approve", "approve_always", "reject", "answer"]),
  scope: v.optional(text(10_000)),
  text: v.optional(v.picklist(["optional", "required"])),
});

const question = v.object({
  question: text(10_000),
  header: text(1_000),
  multi_select: v.boolean(),
  options: v.pipe(
    v.array(v.object({ label: text(2_000), description: text(10_000), preview: v.optional(text(100_000)) })),
    v.maxLength(50),
  ),
});

const prompt = v.object({
  id,
  kind: v.picklist(["permission", "question", "plan"]),
  tool: text(500),
  input: json,
  prompt_text: text(100_000),
  cwd: text(4_096),
  agent: v.nullable(text(500)),
  diff: v.nullable(v.object({ path: text(4_096), before: v.string(), after: v.string() })),
  questions: v.nullable(v.pipe(v.array(question), v.maxLength(20))),
  options: v.pipe(v.array(option), v.minLength(1), v.maxLength(50)),
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  age_ms: age,
});

const color = v.union([v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), text(20)]);
const on = v.optional(v.literal(true));
const style = v.object({
  fg: v.optional(color),
  bg: v.optional(color),
  ...{ bold: on, dim: on, italic: on, underline: on, inverse: on, strike: on, hidden: on },
});
const run = v.object({ text: text(10_000), style: v.optional(style), wide: on });
const row = v.pipe(
  v.array(run),
  v.maxLength(500),
  v.transform((runs) => runs as Row),
);
const modes = v.object({
  alternate: v.boolean(),
  bracketed_paste: v.boolean(),
  application_cursor: v.boolean(),
  application_keypad: v.boolean(),
  mouse: v.picklist(["none", "x10", "vt200", "drag", "any"]),
  focus: v.boolean(),
});
const frame = v.object({
  size: v.optional(v.object({ cols, rows })),
  scroll: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200))),
  lines: v.optional(v.pipe(v.array(v.object({ y: cell, row })), v.maxLength(200))),
  cursor: v.optional(v.object({ x: cell, y: cell, visible: v.boolean() })),
  modes: v.optional(modes),
  title: v.optional(text(1_000)),
});

const line = v.object({
  line_no: count,
  epoch: count,
  source: v.picklist(["screen", "transcript", "gap"]),
  text: text(LIMITS.lineChars),
  count: v.optional(v.pipe(count, v.minValue(1))),
  age_ms: v.optional(age),
});

const message = v.object({
  conversation: id,
  uuid: id,
  seq: count,
  role: v.picklist(["user", "assistant", "system"]),
  body: json,
});

const by = v.picklist(["viewer", "desk", "claude", "exited", "unknown"]);
const chosen = v.nullable(v.picklist(["approved", "rejected"]));
const inputRefusals = ["desk_typing", "prompt_open", "suspended", "not_ready", "exited", "too_long"] as const;

const end = {
  code: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  signal: v.nullable(text(20)),
  reason: v.picklist(["exit", "signal", "lost", "hangup", "stopped"]),
};

const SCHEMAS = {
  session: v.object({ type: v.literal("session"), session: statement }),
  status: v.object({ type: v.literal("status"), state: v.object(state) }),
  output: v.object({ type: v.literal("output"), frame }),
  lines: v.object({
    type: v.literal("lines"),
    lines: v.pipe(v.array(line), v.maxLength(LIMITS.linesPerMessage)),
  }),
  message: v.object({ type: v.literal("message"), message }),
  prompt: v.object({ type: v.literal("prompt"), prompt }),
  withdrawn: v.object({ type: v.literal("withdrawn"), prompt: id, by, chosen }),
  delivered: v.object({ type: v.literal("delivered"), prompt: id, answer_id: id }),
  accepted: v.object({ type: v.literal("accepted"), prompt: id }),
  too_late: v.object({ type: v.literal("too_late"), prompt: id, by, chosen }),
  input_delivered: v.object({ type: v.literal("input_delivered"), id }),
  input_seen: v.object({ type: v.literal("input_seen"), id }),
  input_refused: v.object({ type: v.literal("input_refused"), id, reason: v.picklist(inputRefusals) }),
  exit: v.object({ type: v.literal("exit"), ...end }),
  left: v.object({ type: v.literal("left"), session: id, ...end }),
  ping: v.object({ type: v.literal("ping") }),
} satisfies Record<WrapperMessage["type"], v.GenericSchema>;

/** The message, or null for a type that is not known here. Throws on what makes no sense. */
export function parseWrapperMessage(text: string): WrapperMessage | null {
  const value: unknown = JSON.parse(text);
  const { type } = v.parse(v.object({ type: v.string() }), value);
  if (!Object.hasOwn(SCHEMAS, type)) return null;
  // Ids are brands and rows are readonly: the same values by other names.
  return v.parse(SCHEMAS[type as WrapperMessage["type"]], value) as WrapperMessage;
}
