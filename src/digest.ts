// What was shown, as one short name: an answer carries it, so that it can only meet the very prompt it was meant for.
import { createHash } from "node:crypto";
import type { Digest, Json, OptionId, PromptId, PromptKind } from "./protocol.ts";

/** JSON with the keys of every object sorted and no spaces: the same value is always the same text. */
export function canonical(json: Json): string {
  if (Array.isArray(json)) return `[${json.map(canonical).join(",")}]`;
  if (json === null || typeof json !== "object") return JSON.stringify(json);
  const members = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`).join(",")}}`;
}

/** SHA-256, hex, of everything about a prompt that decides what an answer to it means. */
export function digestOf(shown: {
  prompt: PromptId;
  kind: PromptKind;
  tool: string;
  input: Json;
  options: OptionId[];
}): Digest {
  const { prompt, kind, tool, input, options } = shown;
  return createHash("sha256")
    .update(canonical({ prompt, kind, tool, input, options }))
    .digest("hex") as Digest;
}
