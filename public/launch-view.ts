// How a session comes to be on a devbox, step by step; and where it failed, why, and what to do.
import type { Launch } from "../src/protocol.ts";
import { failure } from "./devboxes.ts";
import { element, icon, setMarked, setText } from "./dom.ts";
import { STEPS, stepWords, type UnderWay } from "./words.ts";

const ORDER = Object.keys(STEPS) as UnderWay[];
/** Where our program is there already, and where the devbox reaches the server by itself, nothing is to be done. */
const SOMETIMES: UnderWay[] = ["copying", "tunnel"];
/** A step that takes this long says for how long. */
const SLOW_MS = 5_000;

export type LaunchActs = {
  /** Only who started it can start it again: what was to be typed is known nowhere else. */
  again: (() => void) | null;
  change: () => void;
  /** Rejects with what `say` shows. */
  callOff: () => Promise<unknown>;
  say: (problem: unknown) => void;
};

/** Shows one launch; `update` with each thing that is told of it. */
export function launchView(first: Launch, { again, change, callOff, say }: LaunchActs) {
  const root = element("section", "launch");
  const title = element("h2", "launch-title");
  const where = element("bdi", "mono quiet");
  const list = element("ol", "launch-steps");
  const wrong = element("div", "launch-wrong");
  const time = element("p", "quiet");
  let launch = first;
  /** The step it is in, and since when by this page's own count. */
  let step: UnderWay = "connecting";
  const seen = new Set<UnderWay>();
  const stop = element("button", "button wide", "Call off");
  stop.setAttribute("type", "button");
  stop.addEventListener("click", stopNow);
  root.tabIndex = -1;
  wrong.setAttribute("role", "alert");
  wrong.hidden = true;
  for (const one of ORDER) list.append(line(one));
  root.append(title, where, list, time, stop, wrong);

  function update(next: Launch, now: number) {
    launch = next;
    const failed = launch.step === "failed";
    if (launch.step !== "started" && launch.step !== "failed") step = launch.step;
    seen.add(step);
    const at = ORDER.indexOf(step);
    // What somebody called off is no fault.
    const end = launch.error?.class === "stopped" ? "stopped" : "bad";
    root.classList.toggle("called-off", failed && end === "stopped");
    setMarked(title, failed ? `Not started on ${launch.devbox}` : `Starting on ${launch.devbox}`);
    setMarked(where, launch.dir);
    for (const [index, item] of [...list.children].entries()) {
      const name = ORDER[index] ?? "connecting";
      const over = launch.step === "started" || index < at;
      const look = index === at && launch.step !== "started" ? (failed ? end : "now") : over ? "passed" : "";
      const skipped = (over && SOMETIMES.includes(name) && !seen.has(name)) || (failed && index > at);
      item.className = `launch-step ${skipped ? "skipped" : look}`;
      setText(item.lastElementChild ?? item, look === "now" ? stepWords(launch, name) : STEPS[name]);
      item.firstElementChild?.replaceChildren(...(look ? [icon(ICONS[look])] : []));
      if (look === "now") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    const seconds = Math.floor((now - launch.began_at) / 1_000);
    time.hidden = launch.ended_at !== null || seconds * 1_000 < SLOW_MS;
    setText(time, `${seconds} s so far. You can leave this page; the session will be in the list.`);
    stop.hidden = launch.ended_at !== null;
    if (failed && wrong.hidden) show();
  }

  async function stopNow() {
    stop.setAttribute("disabled", "");
    setText(stop, "Calling off …");
    try {
      await callOff();
    } catch (problem) {
      setText(stop, "Call off");
      stop.removeAttribute("disabled");
      say(problem);
    }
  }

  function show() {
    wrong.hidden = false;
    const pair = element("div", "pair");
    if (again) pair.append(act("Change", "button", change), act("Try again", "button approve", again));
    const next = again ? pair : act("New session", "button wide", change);
    wrong.replaceChildren(...(launch.error ? [failure(launch.error, launch.devbox)] : []), next);
  }

  return {
    root,
    update,
    get launch() {
      return launch;
    },
  };
}

function act(words: string, look: string, work: () => void): HTMLElement {
  const button = element("button", look, words);
  button.setAttribute("type", "button");
  button.addEventListener("click", work);
  return button;
}

const ICONS = { now: "working", passed: "done", bad: "warn", stopped: "ended" } as const;

function line(step: UnderWay): HTMLElement {
  const item = element("li", "launch-step");
  item.append(element("span", "launch-icon"), element("span", "", STEPS[step]));
  return item;
}
