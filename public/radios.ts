// Radio buttons, each in a row of its own with a word or two about it.
import { element, reconcile, setMarked } from "./dom.ts";

export type Choice = { value: string; name: string; about: string; bad?: boolean };

/** Under the words `words`, in a form by that name. `pick` marks one, and tells nobody. */
export function radios(words: string, name: string, options: Choice[], onPick: (value: string) => void) {
  const root = element("fieldset", "picks");
  const list = element("div", "picks-list");
  const inputs = new Map<string, HTMLInputElement>();
  root.append(element("legend", "field-name", words), list);
  reconcile(
    list,
    options,
    ({ value }) => value,
    make,
    () => {},
  );

  function make({ value, name: title, about, bad = false }: Choice): HTMLElement {
    const label = element("label", "choice");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name, value });
    input.addEventListener("change", () => onPick(value));
    inputs.set(value, input);
    const text = element("span", "choice-body");
    const line = element("span", "choice-label");
    setMarked(line, title);
    text.append(line);
    if (about) {
      const small = element("span", bad ? "quiet bad" : "quiet");
      setMarked(small, about);
      text.append(small);
    }
    label.append(input, text);
    return label;
  }

  return {
    root,
    pick(value: string) {
      const input = inputs.get(value);
      if (input) input.checked = true;
    },
  };
}
