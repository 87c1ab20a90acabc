// A dialog on claude's screen as a prompt: with a hook's exact input where there is one, else with the text that is shown.
import { digestOf } from "../../digest.ts";
import type { Answer, Json, Option, OptionId, Prompt, PromptId, Question } from "../../protocol.ts";
import { type Dialog, optionOf, TOOLS } from "./dialog.ts";

/** The option by which a question is answered; which choice it is stands in the answer. */
const ANSWER = "answer" as OptionId;

/** The prompt for a dialog that no hook told of. Its input is what stands on the screen, as it stands there. */
export function screenPrompt(id: PromptId, dialog: Dialog, cwd: string): Prompt {
  const { command, path, url, query } = dialog.input ?? {};
  const names = { command, file_path: path, url, query };
  const shown = Object.entries(names).flatMap(([key, value]) => (value ? [[key, value] as const] : []));
  const text = [dialog.title, ...dialog.body].join("\n");
  const choices = choicesOf(dialog);
  const input: Json = { ...Object.fromEntries(shown), ...(choices && { choices }), text };
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
      questions: questionsOf(dialog, choices),
      age_ms: 0,
    },
    dialog,
  );
}

/** The same prompt with the dialog's options, and the digest over them. */
export function withOptions(prompt: Omit<Prompt, "options" | "digest">, dialog: Dialog): Prompt {
  const options = offered(dialog);
  const { id, kind, tool, input } = prompt;
  const digest = digestOf({ prompt: id, kind, tool, input, options: options.map((option) => option.id) });
  return { ...prompt, options, digest };
}

/** A question's choices are answered as a question is; whatever else stands there as options. */
function offered(dialog: Dialog): Option[] {
  const plain = dialog.options.map(({ id, label, effect, scope, text }) => {
    return { id, label, effect, ...(scope ? { scope } : {}), ...(text ? { text } : {}) };
  });
  if (!choicesOf(dialog)) return plain;
  return [
    { id: ANSWER, label: "Answer", effect: "answer" },
    ...plain.filter(({ effect }) => effect === "reject"),
  ];
}

/** The labels of a question of which one is chosen; null for other dialogs, and where marks are set one by one. */
function choicesOf({ name, options }: Dialog): string[] | null {
  if (name !== "question" || options.some(({ id }) => id === "submit")) return null;
  return options.filter(({ id }) => id.startsWith("choice-")).map(({ label }) => label);
}

/** The option that an answer means, and what goes with it; undefined where the dialog does not offer it. */
export function meantBy(dialog: Dialog, { option, text, answers }: Answer) {
  const more = { ...(text && { text }), ...(answers && { answers }) };
  if (!choicesOf(dialog) || option !== ANSWER) return { option: optionOf(dialog, option), ...more };
  const [said = ""] = Object.values(answers ?? {});
  const choice = dialog.options.find(({ id, label }) => id.startsWith("choice-") && label === said);
  return choice ? { option: choice } : { option: dialog.options.find(({ id }) => id === "own"), text: said };
}

/** A question as one, and a form's fields as questions that are answered in one's own words. */
function questionsOf(
  { name, title, body, fields = [] }: Dialog,
  choices: string[] | null,
): Question[] | null {
  if (choices) {
    const options = choices.map((label) => ({ label, description: "" }));
    const header = title.replaceAll(/[←→☐☒✔]/g, "").trim();
    return [{ question: body.join(" "), header, multi_select: false, options }];
  }
  if (name !== "form") return null;
  return fields.map((field) => ({
    question: field.name,
    header: body.join(" "),
    multi_select: false,
    options: [],
  }));
}
