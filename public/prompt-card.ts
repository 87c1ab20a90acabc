// The prompt card, the most important screen: what exactly would happen, where, and how to answer.
import type { Option, PromptState } from "../src/protocol.ts";
import { type Answers, type CardStatus, cardStatus } from "./answers.ts";
import { cardFooter } from "./card-footer.ts";
import { closeDialogs } from "./dialogs.ts";
import { element, fromTemplate, icon, part, setMarked, setText } from "./dom.ts";
import { type DrawnInput, drawInput, hiddenInBlocks, inputParts } from "./input-view.ts";
import type { Model } from "./model.ts";
import { questionForm } from "./question-form.ts";
import { RISKS, risksOf } from "./risks.ts";
import { hostOf, projectOf } from "./session-words.ts";
import { age } from "./times.ts";

/** A new card's buttons ignore the finger that was on its way to something else. */
const COOLDOWN_MS = 700;
const ANSWERS = '[data-part="approve"], [data-part="deny"]';

/** The last press anywhere, by the page's clock; while it lasts it has no end. A card may be drawn under it. */
const press = { from: 0, to: 0 };
if (typeof document !== "undefined") {
  const begin = () => Object.assign(press, { from: Date.now(), to: Number.POSITIVE_INFINITY });
  const end = () => Object.assign(press, { to: Date.now() });
  document.addEventListener("pointerdown", begin, true);
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, end, true);
}
/** "Read on" goes down by this part of what is visible, so that no line is skipped. */
const READ_ON = 0.8;

export type CardWorld = { model: Model; answers: Answers; changed: boolean };

/** One prompt as it is now, `changed` when it took the place of another. A new digest needs a new card. */
export function promptCard(prompt: PromptState, { model, answers, changed }: CardWorld) {
  const root = fromTemplate("card-view");
  const at = (name: string) => part(root, name, HTMLElement);
  let readyAt = Number.POSITIVE_INFINITY;
  let cooled: ReturnType<typeof setTimeout> | undefined;
  let current = prompt;
  let endSeen = false;
  let accepted = false;
  let closed = false;

  const form = prompt.questions && questionForm(prompt.questions, () => update());
  const input = fill();
  const footer = cardFooter(root, prompt, {
    give,
    retry: () => answers.retry(prompt.id),
    readOn() {
      if (input.unfold()) return;
      at("scroll").scrollBy({ top: at("scroll").clientHeight * READ_ON });
    },
  });
  // Counted from when it can be seen: a page in the background has not been looked at.
  const seenAt = requestAnimationFrame(() => {
    readyAt = Date.now() + COOLDOWN_MS;
    cooled = setTimeout(update, COOLDOWN_MS);
  });
  // Also one that was put on another question and stayed until this one was ready: only where a press begins, it answers.
  root.addEventListener("click", ignoreForeign, true);
  const observer = new IntersectionObserver(seen, { root: at("scroll") });
  observer.observe(input.end);

  /** Everything that never changes while the card stays. */
  function fill(): DrawnInput {
    setText(at("title"), titleOf(prompt));
    setMarked(at("tool"), prompt.tool);
    // The title says it; what claude calls its own two tools helps nobody.
    at("tool").hidden = prompt.kind === "plan" || prompt.kind === "question";
    setMarked(at("cwd"), prompt.cwd);
    at("agent").hidden = prompt.agent === null;
    at("changed").hidden = !changed;
    part(root, "session", HTMLAnchorElement).href = `/s/${encodeURIComponent(prompt.session_id)}`;
    const { blocks, says } = form ? { blocks: [], says: null } : inputParts(prompt);
    const risks = form ? [] : risksOf(prompt).map((risk) => RISKS[risk]);
    const hidden = hiddenInBlocks(blocks);
    if (hidden > 0)
      risks.unshift(`${hidden} hidden or look-alike character${hidden === 1 ? "" : "s"}, marked below`);
    at("risks").hidden = risks.length === 0;
    at("risks").append(...risks.map(riskItem));
    at("says").hidden = says === null;
    setMarked(at("words"), says ?? "");
    if (form) at("questions").append(...form.elements);
    const input = drawInput(blocks);
    at("input").append(input.root);
    return input;
  }

  function ignoreForeign(event: MouseEvent) {
    const answers = event.target instanceof Element && event.target.closest(ANSWERS) !== null;
    // Keys and helping programs press nothing first: what they press now is meant.
    const foreign = event.detail > 0 && press.from < readyAt && press.to >= readyAt;
    if (answers && foreign) event.stopPropagation();
  }

  function give(option: Option, text?: string) {
    if (closed || isAnother() || status().kind !== "ready" || Date.now() < readyAt) return;
    const chosen = option.effect === "answer" && form ? { answers: form.answers() } : {};
    answers.send(current, option, text ? { ...chosen, text } : chosen);
    update();
  }

  function seen(entries: IntersectionObserverEntry[]) {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    endSeen = true;
    observer.disconnect();
    update();
  }

  function status(): CardStatus {
    return cardStatus(current, {
      known: model.prompt(prompt.id) !== null || !model.loaded,
      session: model.session(current.session_id),
      attempt: answers.of(current.id),
      undone: answers.undone(current.id),
      now: model.now(),
      asOf: model.asOf(),
      stale: model.stale(),
      offline: model.connection.kind === "offline",
      clock: Date.now(),
    });
  }

  /** Why a yes has to wait, or null. */
  function waits(): string | null {
    const missing = form?.missing() ?? 0;
    const all = prompt.questions?.length ?? 0;
    if (missing > 0) return all === 1 ? "Choose an answer" : `${all - missing} of ${all} answered`;
    return endSeen ? null : "Read to the end to approve ↓";
  }

  /** What is asked by now is not what stands here: it gets a card of its own as soon as the page is drawn. */
  const isAnother = () => (model.prompt(prompt.id)?.digest ?? prompt.digest) !== prompt.digest;

  /** Everything that changes while the card stays. */
  function update() {
    if (!isAnother()) current = model.prompt(prompt.id) ?? current;
    const session = model.session(current.session_id);
    const now = status();
    setMarked(at("project"), projectOf(session ?? current));
    setMarked(at("host"), session ? hostOf(session) : "an unknown host");
    setText(at("age"), age(model.now() - current.created_at));
    root.classList.toggle("stale", model.stale());
    // Without a connection for a moment one can go on writing.
    form?.lock(now.kind !== "ready" && now.kind !== "blocked");
    const others = model.open().filter(({ id }) => id !== prompt.id);
    at("others").hidden = others.length === 0;
    setText(at("others"), `${others.length} more waiting`);
    const [first] = others;
    const next = first
      ? { href: `/p/${encodeURIComponent(first.id)}`, text: "Next one waiting" }
      : { href: "/", text: "All sessions" };
    const chosen = answers.of(prompt.id)?.option ?? null;
    footer({ status: now, cooling: Date.now() < readyAt, waits: waits(), chosen, next });
    if (now.kind === "accepted" && chosen && !accepted) navigator.vibrate?.(10);
    accepted = now.kind === "accepted";
  }

  update();
  return {
    root,
    digest: prompt.digest,
    update,
    close() {
      closed = true;
      closeDialogs(); // What is asked in one is of this card.
      cancelAnimationFrame(seenAt);
      clearTimeout(cooled);
      observer.disconnect();
    },
  };
}

function riskItem(text: string): HTMLElement {
  const item = element("li", "risk");
  item.append(icon("warn"), text);
  return item;
}

const TITLES: Record<string, string> = {
  Bash: "Run this command?",
  Edit: "Change this file?",
  Write: "Write this file?",
  NotebookEdit: "Change this notebook?",
  Read: "Read this file?",
  WebFetch: "Fetch this page?",
  WebSearch: "Search the web?",
};

/** The question a prompt puts, in our words. */
export function titleOf({ kind, tool }: Pick<PromptState, "kind" | "tool">): string {
  if (kind === "question" || tool === "AskUserQuestion") return "Claude asks";
  if (kind === "plan") return "Approve this plan?";
  if (Object.hasOwn(TITLES, tool)) return TITLES[tool] ?? "";
  return kind === "dialog" ? "Claude is stopped on this" : "Use this tool?";
}
