// What a wrapper may say, checked where it enters. Fields and types this version does not know are ignored.
import * as v from "valibot";
import type { Json, WrapperMessage } from "../protocol.ts";
import type { Row } from "../screen.ts";
import { LIMITS } from "./limits.ts";

// A message refused here ends the connection, and the wrapper would say it again: so what is merely too big for us is cut
// or brought into bounds, and only what cannot be meant is refused.
const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
/** Text that decides nothing; the rest of a longer one is cut. */
const short = (chars: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => text.slice(0, chars)),
  );
/** Text that must be whole or not at all. */
const text = v.pipe(v.string(), v.maxLength(LIMITS.frameBytes));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** Columns, rows and places on a screen; the largest real terminals have some hundreds. */
const between = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer(),
    v.transform((value) => Math.min(most, Math.max(least, value))),
  );
const cells = between(1, 1_000);
const cell = between(0, 1_000);
/** A clock that was put back makes an age negative; a hundred years is more than any. */
const age = v.pipe(
  v.number(),
  v.transform((ms) => Math.round(Math.min(3.2e12, Math.max(0, ms)))),
);
// It came out of JSON.parse, so it is JSON.
const json = v.custom<Json>((value) => value !== undefined);

const state = {
  status: v.picklist(["starting", "working", "waiting", "idle", "suspended", "ended"]),
  waiting_for: v.nullable(short(500)),
  hooks: v.picklist(["unknown", "alive", "dead"]),
  terminal: v.boolean(),
  title: short(1_000),
  cols: cells,
  rows: cells,
  permission_mode: v.nullable(short(100)),
  conversation: v.nullable(id),
};

const statement = v.object({
  ...state,
  id,
  cwd: text,
  command: v.array(text),
  claude_version: v.nullable(short(100)),
  age_ms: age,
  open: v.pipe(v.array(id), v.maxLength(LIMITS.openPrompts)),
  launch: v.optional(id),
});

const option = v.object({
  id,
  label: text,
  effect: v.picklist(["approve", "approve_always", "reject", "answer"]),
  scope: v.optional(text),
  text: v.optional(v.picklist(["optional", "required"])),
});

const question = v.object({
  question: text,
  header: text,
  multi_select: v.boolean(),
  options: v.pipe(
    v.array(v.object({ label: text, description: text, preview: v.optional(text) })),
    v.maxLength(50),
  ),
});

const prompt = v.object({
  id,
  kind: v.picklist(["permission", "question", "plan", "dialog"]),
  tool: text,
  input: json,
  prompt_text: text,
  cwd: text,
  agent: v.nullable(short(500)),
  diff: v.nullable(v.object({ path: text, before: v.string(), after: v.string() })),
  questions: v.nullable(v.pipe(v.array(question), v.maxLength(20))),
  options: v.pipe(v.array(option), v.minLength(1), v.maxLength(50)),
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  desk_idle_ms: v.optional(age),
  age_ms: age,
});

const color = v.union([v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), text]);
const on = v.optional(v.literal(true));
const style = v.object({
  fg: v.optional(color),
  bg: v.optional(color),
  ...{ bold: on, dim: on, italic: on, underline: on, inverse: on, strike: on, hidden: on },
});
const run = v.object({ text: text, style: v.optional(style), wide: on });
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
  mouse_encoding: v.optional(v.picklist(["sgr", "sgr_pixels"])),
});
const frame = v.object({
  size: v.optional(v.object({ cols: cells, rows: cells })),
  scroll: v.optional(cells),
  lines: v.optional(v.pipe(v.array(v.object({ y: cell, row })), v.maxLength(1_000))),
  cursor: v.optional(v.object({ x: cell, y: cell, visible: v.boolean() })),
  modes: v.optional(modes),
  title: v.optional(short(1_000)),
});

const line = v.object({
  line_no: count,
  epoch: count,
  source: v.picklist(["screen", "transcript", "gap"]),
  text: short(LIMITS.lineChars),
  count: v.optional(v.pipe(count, v.minValue(1))),
  age_ms: v.optional(age),
});

const message = v.object({
  conversation: id,
  uuid: id,
  seq: count,
  role: v.picklist(["user", "assistant", "system"]),
  body: json,
  age_ms: v.optional(age),
});

const by = v.picklist(["viewer", "desk", "claude", "exited", "unknown"]);
const chosen = v.nullable(v.picklist(["approved", "rejected"]));
/** Of one conversation; more is no price. */
const MOST_USD = 1e6;
/** At most so many facts are true of one question: delivered, and how it ended. */
const FACTS_EACH = 2;
const inputRefusals = [
  ...(["desk_typing", "prompt_open", "suspended", "not_ready", "exited", "too_long"] as const),
  ...(["mode_not_offered", "mode_while_working"] as const),
];

const command = v.object({
  name: short(LIMITS.commandChars),
  about: short(LIMITS.commandAboutChars),
  hint: v.optional(short(LIMITS.commandAboutChars)),
  from: v.picklist(["claude", "user", "project", "plugin"]),
  menu: v.optional(v.literal(true)),
});
const commands = v.pipe(
  v.array(command),
  v.transform((all) => all.slice(0, LIMITS.commands)),
);

const end = {
  code: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  signal: v.nullable(short(20)),
  reason: v.picklist(["exit", "signal", "lost", "hangup", "stopped"]),
};

const facts = {
  withdrawn: v.object({ type: v.literal("withdrawn"), prompt: id, by, chosen }),
  delivered: v.object({ type: v.literal("delivered"), prompt: id, answer_id: id }),
  accepted: v.object({ type: v.literal("accepted"), prompt: id }),
  too_late: v.object({ type: v.literal("too_late"), prompt: id, by, chosen }),
};
const leftFacts = v.pipe(
  v.array(v.variant("type", Object.values(facts))),
  v.maxLength(FACTS_EACH * LIMITS.openPrompts),
);

const SCHEMAS = {
  session: v.object({ type: v.literal("session"), session: statement }),
  status: v.object({ type: v.literal("status"), state: v.object(state) }),
  output: v.object({ type: v.literal("output"), frame }),
  lines: v.object({
    type: v.literal("lines"),
    lines: v.pipe(v.array(line), v.maxLength(LIMITS.linesPerMessage)),
  }),
  message: v.object({ type: v.literal("message"), message }),
  cost: v.object({
    ...{ type: v.literal("cost"), conversation: id, chain: id },
    usd: v.pipe(v.number(), v.minValue(0), v.maxValue(MOST_USD)),
    age_ms: v.optional(age),
  }),
  used: v.object({
    ...{ type: v.literal("used"), conversation: id, age_ms: v.optional(age) },
    usage: v.object({ id, model: text, input: count, output: count, cache_read: count, cache_write: count }),
  }),
  prompt: v.object({ type: v.literal("prompt"), prompt }),
  ...facts,
  not_applied: v.object({ type: v.literal("not_applied"), prompt: id, answer_id: id, reason: short(500) }),
  input_delivered: v.object({ type: v.literal("input_delivered"), id }),
  input_seen: v.object({ type: v.literal("input_seen"), id }),
  input_refused: v.object({ type: v.literal("input_refused"), id, reason: v.picklist(inputRefusals) }),
  commands: v.object({ type: v.literal("commands"), commands }),
  file_taken: v.object({ type: v.literal("file_taken"), id, upto: count, path: v.nullable(text) }),
  file_refused: v.object({
    type: v.literal("file_refused"),
    id,
    reason: v.picklist(["too_large", "full", "disk", "gone", "exited"]),
  }),
  desk_taken: v.object({ type: v.literal("desk_taken"), desk: id, upto: count }),
  exit: v.object({ type: v.literal("exit"), ...end }),
  left: v.object({ type: v.literal("left"), session: id, ...end, facts: v.optional(leftFacts) }),
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
