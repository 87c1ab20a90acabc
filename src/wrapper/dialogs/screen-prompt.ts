// A dialog on claude's screen as a prompt: with a hook's exact input where there is one, else with the text that is shown.
import { digestOf } from "../../digest.ts";
import type { Json, Option, Prompt, PromptId, Question } from "../../protocol.ts";
import { type Dialog, TOOLS } from "./dialog.ts";

/** The prompt for a dialog that no hook told of. Its input is what stands on the screen, as it stands there. */
export function screenPrompt(id: PromptId, dialog: Dialog, cwd: string): Prompt {
  const { command, path, url, query } = dialog.input ?? {};
  const names = { command, file_path: path, url, query };
  const shown = Object.entries(names).flatMap(([key, value]) => (value ? [[key, value] as const] : []));
  const text = [dialog.title, ...dialog.body].join("\n");
  const input: Json = { ...Object.fromEntries(shown), text };
  const tool = TOOLS[dialog.name] ?? dialog.title;
  const question = dialog.name === "question" ? dialog.body.join(" ") : null;
  return withOptions(
    {
      id,
      kind: "dialog",
      tool,
      input,
      prompt_text: command ?? path ?? url ?? query ?? question ?? dialog.title,
      cwd,
      agent: dialog.agent,
      diff: null,
      questions: fieldsOf(dialog),
      age_ms: 0,
    },
    dialog,
  );
}

/** The same prompt with the dialog's options, and the digest over them. */
export function withOptions(prompt: Omit<Prompt, "options" | "digest">, dialog: Dialog): Prompt {
  const options = dialog.options.map(asOption);
  const { id, kind, tool, input } = prompt;
  const digest = digestOf({ prompt: id, kind, tool, input, options: options.map((option) => option.id) });
  return { ...prompt, options, digest };
}

function asOption({ id, label, effect, scope, text }: Option): Option {
  return { id, label, effect, ...(scope ? { scope } : {}), ...(text ? { text } : {}) };
}

/** A form's fields as questions that are answered in one's own words. */
function fieldsOf({ name, body, fields = [] }: Dialog): Question[] | null {
  if (name !== "form") return null;
  return fields.map((field) => ({
    question: field.name,
    header: body.join(" "),
    multi_select: false,
    options: [],
  }));
}
