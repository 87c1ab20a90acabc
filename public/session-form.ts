// What is asked before a session begins: where, in which folder, with which words. Keeps what was typed over a reload.
import type { DevboxState, EarlierConversation, LaunchMode } from "../src/protocol.ts";
import {
  addressOf,
  type Draft,
  field,
  keepDraft,
  nameOf,
  type Overview,
  plainInput,
  readDraft,
} from "./devboxes.ts";
import { element, setMarked, setText } from "./dom.ts";
import { earlierConversations } from "./earlier-conversations.ts";
import { folders } from "./folders.ts";
import { radios } from "./radios.ts";

/** Folders of earlier sessions offered at once. */
const RECENT = 4;

const MODES: Record<LaunchMode, [name: string, about: string]> = {
  default: ["Ask", "Claude asks before it edits or runs anything."],
  plan: ["Plan first", "Claude reads, and shows a plan before it changes anything."],
  acceptEdits: ["Accept edits", "Edits in the folder need no yes; commands still do."],
  auto: ["Auto", "Claude judges by itself what it asks about."],
};

/** The conversation that is to go on, and where its files are. */
export type Continued = { devbox: string; resume: string };

/** `onStart` is given what was filled in, and the conversation that goes on: `continued` first of all. */
export function sessionForm(
  known: Overview,
  continued: Continued | null,
  onStart: (draft: Draft, resume: EarlierConversation | null) => void,
) {
  const { devboxes, choices, modes } = known;
  const root = document.createElement("form");
  root.className = "new-session";
  const [last] = choices;
  const kept = readDraft();
  const named = (name: string | undefined) => devboxes.find((one) => one.name === name);
  let chosen = named(continued?.devbox) ?? named(kept.devbox) ?? named(last?.devbox) ?? devboxes[0] ?? null;
  let resume: EarlierConversation | null = null;
  /** A tap is on its way; the conversation that is to go on has not come, and a tap would begin a new one. */
  let [starting, reading] = [false, false];
  let mode: LaunchMode | null = kept.mode ?? null;

  const dir = plainInput({ name: "dir", maxLength: 4_000, required: true, enterKeyHint: "next" });
  const recent = element("div", "recent");
  const completion = folders(dir, () => changed());
  const prompt = document.createElement("textarea");
  Object.assign(prompt, { rows: 3, maxLength: 100_000, value: kept.prompt ?? "" });
  prompt.setAttribute("autocapitalize", "sentences");
  const earlier = earlierConversations((one) => {
    resume = one;
    if (one) dir.value = one.dir;
    completion.hide();
    changed();
  });
  const about = element("p", "quiet");
  const problem = element("p", "problem");
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  const button = document.createElement("button");
  Object.assign(button, { type: "submit", className: "button approve wide" });
  const foot = element("div", "new-session-foot");
  foot.append(problem, button);

  const choose = radios(
    "Where",
    "devbox",
    devboxes.map((one) => ({
      value: one.name,
      name: nameOf(one),
      about: aboutOf(one),
      bad: one.error !== null,
    })),
    (name) => pick(named(name) ?? null),
  );
  const modeWords = radios(
    "Permissions",
    "mode",
    [
      { value: "", name: "As set there", about: "" },
      ...modes.map((one) => ({ value: one, name: MODES[one][0], about: "" })),
    ],
    (value) => {
      mode = (value || null) as LaunchMode | null;
      changed();
    },
  );
  modeWords.root.classList.add("segments");
  modeWords.root.append(about);
  const place = element("div", "place");
  place.append(field("Directory", dir), completion.root, recent);
  root.append(
    choose.root,
    place,
    earlier.root,
    field("First message", prompt, "Typed into Claude once it is ready; may be empty."),
    modeWords.root,
    foot,
  );
  if (devboxes.length === 0) root.replaceChildren(nowhere());
  pick(chosen, kept.dir || undefined, continued?.resume);
  for (const input of [dir, prompt]) input.addEventListener("input", () => changed());
  // "Next" of the keyboard: only the button starts something.
  dir.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    completion.hide();
    prompt.focus();
  });
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    problem.hidden = true;
    onStart(draft(), resume);
  });

  function draft(): Draft {
    return { devbox: chosen?.name ?? "", dir: dir.value.trim(), prompt: prompt.value, mode };
  }

  function changed() {
    keepDraft(draft());
    setText(about, mode ? MODES[mode][1] : "Claude begins as it is set up on that machine.");
    problem.hidden = true;
    drawButton();
  }

  function drawButton() {
    button.disabled = starting || reading;
    setText(button, starting ? "Starting …" : resume ? "Continue" : "Start");
  }

  /** Another place: its own folders, its own conversations. */
  function pick(devbox: DevboxState | null, wanted?: string, conversation?: string) {
    chosen = devbox;
    resume = null;
    if (!devbox) return;
    const own = choices.filter((choice) => choice.devbox === devbox.name);
    choose.pick(devbox.name);
    dir.value = wanted ?? own[0]?.dir ?? devbox.dir ?? "~/";
    mode = wanted === undefined ? (own[0]?.mode ?? mode) : mode;
    modeWords.pick(mode ?? "");
    completion.of(devbox.name);
    recent.replaceChildren(...own.slice(0, RECENT).map(recentButton));
    recent.hidden = own.length < 2;
    reading = conversation !== undefined;
    changed();
    earlier.of(devbox.name, conversation).finally(() => {
      reading = false;
      drawButton();
    });
  }

  function recentButton({ dir: where, mode: how }: Overview["choices"][number]): HTMLElement {
    const one = element("button", "tool mono");
    one.setAttribute("type", "button");
    setMarked(one, where);
    one.addEventListener("click", () => {
      dir.value = where;
      mode = how;
      modeWords.pick(mode ?? "");
      completion.hide();
      changed();
    });
    return one;
  }

  return {
    root,
    /** A tap is on its way to the server. */
    busy(on: boolean) {
      starting = on;
      drawButton();
    },
    trouble(text: string) {
      setText(problem, text);
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    },
    close() {
      completion.close();
      earlier.close();
    },
  };
}

function aboutOf(devbox: DevboxState): string {
  const address = addressOf(devbox);
  if (devbox.state === "unreachable") return `${address} · not reached last time`;
  return address;
}

function nowhere(): HTMLElement {
  const block = element("div", "nowhere");
  block.append(
    element(
      "p",
      "",
      "There is no machine yet where the server could start a session: none here has a claude.",
    ),
  );
  const link = document.createElement("a");
  Object.assign(link, { href: "/devboxes", className: "button wide", textContent: "Add a devbox" });
  block.append(link);
  return block;
}
