// The questions of AskUserQuestion: every option as a button, and always one's own words.
import type { Question } from "../src/protocol.ts";
import { fromTemplate, part, setMarked } from "./dom.ts";

/** The form of one prompt's questions; `onChange` after each choice. */
export function questionForm(questions: readonly Question[], onChange: () => void) {
  const drawn = questions.map((question, i) => drawQuestion(question, `question-${i}`, onChange));
  return {
    elements: drawn.map(({ root }) => root),
    /** How many questions have no answer yet. */
    missing: () => drawn.filter(({ answer }) => answer() === null).length,
    /** Question text to the chosen labels, joined by ", ", or the free text. */
    answers(): Record<string, string> {
      const answers: Record<string, string> = {};
      for (const { question, answer } of drawn) {
        const given = answer();
        if (given !== null) answers[question.question] = given;
      }
      return answers;
    },
    lock(locked: boolean) {
      for (const { root } of drawn) root.disabled = locked;
    },
  };
}

function drawQuestion(question: Question, name: string, onChange: () => void) {
  const root = fromTemplate("question");
  if (!(root instanceof HTMLFieldSetElement)) throw new Error("The question template is not a fieldset");
  const type = question.multi_select ? "checkbox" : "radio";
  const header = part(root, "header", HTMLElement);
  setMarked(header, question.header);
  header.hidden = question.header === "";
  setMarked(part(root, "ask", HTMLElement), question.question);
  part(root, "many", HTMLElement).hidden = !question.multi_select;

  const picks = question.options.map((option) => {
    const choice = fromTemplate("choice");
    const pick = part(choice, "pick", HTMLInputElement);
    Object.assign(pick, { type, name });
    setMarked(part(choice, "label", HTMLElement), option.label);
    setMarked(part(choice, "description", HTMLElement), option.description);
    const preview = part(choice, "preview", HTMLElement);
    preview.hidden = option.preview === undefined;
    setMarked(preview, option.preview ?? "");
    part(root, "choices", HTMLElement).append(choice);
    return { pick, label: option.label };
  });

  const other = part(root, "other", HTMLInputElement);
  const free = part(root, "free", HTMLTextAreaElement);
  Object.assign(other, { type, name });
  free.setAttribute("aria-label", `Your own answer: ${question.question}`);
  free.addEventListener("input", () => {
    other.checked = free.value.trim() !== "" || (other.checked && !question.multi_select);
  });
  root.addEventListener("input", onChange);

  function answer(): string | null {
    const own = other.checked ? free.value.trim() : "";
    const given = picks.filter(({ pick }) => pick.checked).map(({ label }) => label);
    if (own !== "") given.push(own);
    return given.length > 0 ? given.join(", ") : null;
  }
  return { root, question, answer };
}
