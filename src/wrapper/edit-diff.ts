// The file before and after an edit that claude asks for, so that the phone shows a real difference.
import { readFileSync, statSync } from "node:fs";
import type { Prompt } from "../protocol.ts";

/** Past this a phone could not show the difference anyway; the card then shows claude's input as it is. */
const MAX_FILE_BYTES = 256 * 1024;

/** Both texts for Edit and Write, or null for other tools, binary or large files, and edits that do not fit the file. */
export function editDiff(tool: string, input: Record<string, unknown>): Prompt["diff"] {
  const path = input.file_path;
  if (typeof path !== "string" || (tool !== "Edit" && tool !== "Write")) return null;
  const before = textOf(path, tool === "Write");
  if (before === null) return null;
  const after = tool === "Write" ? String(input.content ?? "") : edited(before, input);
  return after === null || after.length > MAX_FILE_BYTES ? null : { path, before, after };
}

function edited(before: string, input: Record<string, unknown>): string | null {
  const { old_string: old, new_string: fresh } = input;
  if (typeof old !== "string" || typeof fresh !== "string" || old === "" || !before.includes(old))
    return null;
  return input.replace_all === true ? before.replaceAll(old, () => fresh) : before.replace(old, () => fresh);
}

function textOf(path: string, mayBeNew: boolean): string | null {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) return null;
    const text = readFileSync(path, "utf8");
    return text.includes("\0") ? null : text;
  } catch (error) {
    return mayBeNew && (error as NodeJS.ErrnoException).code === "ENOENT" ? "" : null;
  }
}
