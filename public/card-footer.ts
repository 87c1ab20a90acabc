// The foot of a prompt card: the answers, what became of the one given, and what to do next. Its two buttons stay where
// they are from the first moment to the last, so that nothing moves under a finger.
import type { Option, PromptState } from "../src/protocol.ts";
import type { CardStatus } from "./answers.ts";
import { confirm } from "./dialogs.ts";
import { element, fromTemplate, icon, part, setMarked, setText } from "./dom.ts";

/** What the card knows at this moment. `waits`: why a yes cannot be given yet, though the prompt can be answered. */
export type FooterState = {
  status: CardStatus;
  cooling: boolean;
  waits: string | null;
  /** The option that was chosen here, if any. */
  chosen: Option | null;
  /** Other prompts that wait. */
  next: { href: string; text: string };
};

export type FooterActions = {
  give: (option: Option, text?: string) => void;
  retry: () => void;
  readOn: () => void;
};

/** The foot of the card `root`, for one prompt. */
export function cardFooter(root: HTMLElement, prompt: PromptState, actions: FooterActions) {
  const at = (name: string) => part(root, name, HTMLElement);
  const button = (name: string) => part(root, name, HTMLButtonElement);
  const reply = part(root, "reply-text", HTMLTextAreaElement);
  const { yes, no, more } = mainOptions(prompt);
  const [approve, deny] = [button("approve"), button("deny")];
  let replying = false;
  let state: FooterState | null = null;

  const what = `${prompt.tool} ${prompt.prompt_text.slice(0, 80)}`;
  const refusal = no?.label ?? "Deny";
  label(approve, yes?.label ?? "Approve", what);
  label(deny, refusal, what);
  approve.hidden = !yes;
  deny.hidden = !no;
  setText(button("tell"), `${refusal} and tell Claude …`);
  setText(button("reply-send"), `${refusal} and tell`);
  part(root, "open", HTMLAnchorElement).href = `/s/${encodeURIComponent(prompt.session_id)}`;

  approve.addEventListener("click", () => yes && actions.give(yes));
  deny.addEventListener("click", () => no && actions.give(no));
  button("retry").addEventListener("click", actions.retry);
  button("read-on").addEventListener("click", actions.readOn);
  button("more").addEventListener("click", async () => {
    const option = await chooseMore(prompt, more);
    if (option) actions.give(option);
  });
  button("tell").addEventListener("click", () => setReplying(true));
  button("reply-cancel").addEventListener("click", () => setReplying(false));
  reply.addEventListener("input", draw);
  at("reply").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = reply.value.trim();
    if (no && text !== "") actions.give(no, text);
  });

  function setReplying(on: boolean) {
    replying = on;
    draw();
    if (on) reply.focus();
    else button("tell").focus();
  }

  function draw() {
    if (!state) return;
    const { status, cooling, waits, chosen, next } = state;
    const answerable = status.kind === "ready" || status.kind === "blocked";
    const can = status.kind === "ready" && !cooling;
    const finished = status.kind === "accepted" || status.kind === "over";
    replying &&= answerable;
    at("reply").hidden = !replying;
    at("choices").hidden = replying;
    approve.disabled = !can || waits !== null;
    for (const one of [deny, button("tell")]) one.disabled = !can;
    button("more").disabled = !can || waits !== null;
    button("reply-send").disabled = !can || reply.value.trim() === "";
    button("tell").hidden = !answerable || no?.text === undefined;
    button("more").hidden = !answerable || more.length === 0;
    button("retry").hidden = status.kind !== "unconfirmed";
    at("open").hidden = at("next").hidden = !finished;
    at("second").hidden = status.kind === "progress";
    deny.classList.toggle("chosen", chosen?.effect === "reject");
    approve.classList.toggle("chosen", chosen !== null && chosen.effect !== "reject");
    const link = part(root, "next", HTMLAnchorElement);
    link.href = next.href;
    setText(link, next.text);
    drawReason(can ? waits : null);
    drawOutcome(status);
  }

  function drawReason(waits: string | null) {
    const line = button("read-on");
    line.hidden = waits === null;
    setText(line, waits ?? "");
  }

  function drawOutcome(status: CardStatus) {
    const outcome = at("outcome");
    const [kind, sign, text] = outcomeOf(status);
    outcome.className = `outcome ${kind}`;
    if (outcome.textContent === text) return;
    outcome.replaceChildren(...(sign ? [icon(sign)] : []), element("span", "", text));
  }

  return (next: FooterState) => {
    state = next;
    draw();
  };
}

/** Which options the two buttons stand for, by what they are; everything lasting or unclear is behind "More". */
export function mainOptions({ options }: Pick<PromptState, "options">) {
  const yesses = options.filter(({ effect }) => effect === "approve" || effect === "answer");
  const yes = yesses.find(({ id }) => id === "approve") ?? (yesses.length === 1 ? yesses[0] : undefined);
  const noes = options.filter(({ effect }) => effect === "reject");
  const no = noes.length === 1 ? noes[0] : noes.find(({ id }) => id === "reject");
  const more = options.filter((option) => option !== yes && option !== no);
  return { yes: yes ?? null, no: no ?? null, more };
}

/** The label on the button, what follows its first comma below it in small. */
function label(button: HTMLButtonElement, text: string, what: string) {
  const [head = text, ...rest] = text.split(", ");
  button.replaceChildren(element("span", "", head));
  if (rest.length > 0) button.append(" ", element("small", "", rest.join(", ")));
  button.setAttribute("aria-label", `${text}: ${what}`);
}

const ALWAYS = "Always allow";

/** What goes beyond this one time: in a place of its own, written out, and never by a button that was there already. */
async function chooseMore(prompt: PromptState, options: readonly Option[]): Promise<Option | null> {
  const lasting = options.some(({ effect }) => effect === "approve_always");
  const list = element("div", "choices scopes");
  let picked = options[0] ?? null;
  options.forEach((option, i) => {
    const choice = fromTemplate("choice");
    const input = part(choice, "pick", HTMLInputElement);
    Object.assign(input, { type: "radio", name: "more", checked: i === 0 });
    input.addEventListener("change", () => {
      picked = option;
    });
    setMarked(part(choice, "label", HTMLElement), option.label);
    setMarked(part(choice, "description", HTMLElement), option.scope ?? "");
    input.hidden = options.length === 1;
    // Alone it would say what the title and the button say.
    const alone = options.length === 1 && option.scope && option.label === ALWAYS;
    part(choice, "label", HTMLElement).hidden = alone === true;
    list.append(choice);
  });
  const yes = await confirm({
    title: lasting ? "Always allow?" : prompt.kind === "plan" ? "Approve in another mode?" : "Answer with",
    text: lasting
      ? "Claude will not ask again for what is written here."
      : prompt.kind === "plan"
        ? "Claude goes on in the mode you choose."
        : "It is chosen on Claude's screen, as if at the desk.",
    yes: lasting ? ALWAYS : prompt.kind === "plan" ? "Approve" : "Answer",
    body: list,
  });
  return yes ? picked : null;
}

function outcomeOf(status: CardStatus): [kind: string, sign: string | null, text: string] {
  switch (status.kind) {
    case "ready":
      return status.undone ? ["unconfirmed", "warn", UNDONE] : ["", null, ""];
    case "blocked":
      return ["blocked", "unreachable", status.reason];
    case "progress":
      return ["progress", "working", PROGRESS[status.stage]];
    case "unconfirmed":
      return ["unconfirmed", "warn", `Not confirmed. ${status.reason}`];
    case "accepted":
      return ["accepted", "done", status.text];
    case "over":
      return ["over", "ended", status.text];
  }
}

const UNDONE = "Your answer could not be given there. The question is open as before.";

const PROGRESS = {
  sending: "Sending …",
  sent: "Sent, on its way to the host …",
  delivered: "Delivered to the host …",
};
