// How a session comes to be on a devbox, step by step; and where it failed, why, and what to do.
import type { Launch, LaunchStep } from "../src/protocol.ts";
import { failure } from "./devboxes.ts";
import { element, icon, setMarked, setText } from "./dom.ts";

type Step = Exclude<LaunchStep, "started" | "failed">;

/** In their order. */
const STEPS: Record<Step, (devbox: string) => string> = {
  connecting: (devbox) => `Connecting to ${devbox}`,
  checking: () => "Looking at the machine and its Claude",
  copying: () => "Putting claude-remote there",
  tunnel: () => "Opening the way back to this server",
  starting: () => "Starting Claude",
};
const ORDER = Object.keys(STEPS) as Step[];
/** Where our program is there already, and where the devbox reaches the server by itself, nothing is to be done. */
const SOMETIMES: Step[] = ["copying", "tunnel"];
/** A step that takes this long says for how long. */
const SLOW_MS = 5_000;

/** Shows one launch; `update` with each thing that is told of it. */
export function launchView(first: Launch, { again, change }: { again: () => void; change: () => void }) {
  const root = element("section", "launch");
  const title = element("h2", "launch-title");
  const where = element("bdi", "mono quiet");
  const list = element("ol", "launch-steps");
  const wrong = element("div", "launch-wrong");
  const time = element("p", "quiet");
  let launch = first;
  /** The step it is in, and since when by this page's own count. */
  let step: Step = "connecting";
  const seen = new Set<Step>();
  root.tabIndex = -1;
  wrong.setAttribute("role", "alert");
  wrong.hidden = true;
  for (const one of ORDER) list.append(line(one, first.devbox));
  root.append(title, where, list, time, wrong);

  function update(next: Launch, now: number) {
    launch = next;
    const failed = launch.step === "failed";
    if (launch.step !== "started" && launch.step !== "failed") step = launch.step;
    seen.add(step);
    const at = ORDER.indexOf(step);
    setMarked(title, failed ? `Not started on ${launch.devbox}` : `Starting on ${launch.devbox}`);
    setMarked(where, launch.dir);
    for (const [index, item] of [...list.children].entries()) {
      const name = ORDER[index] ?? "connecting";
      const over = launch.step === "started" || index < at;
      const look =
        index === at && launch.step !== "started" ? (failed ? "bad" : "now") : over ? "passed" : "";
      const skipped = (over && SOMETIMES.includes(name) && !seen.has(name)) || (failed && index > at);
      item.className = `launch-step ${skipped ? "skipped" : look}`;
      const words = STEPS[name](launch.devbox);
      const percent = name === "copying" && look === "now" && launch.percent !== null;
      setMarked(item.lastElementChild ?? item, percent ? `${words}: ${launch.percent} %` : words);
      item.firstElementChild?.replaceChildren(...(look ? [icon(ICONS[look])] : []));
      if (look === "now") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    const seconds = Math.floor((now - launch.began_at) / 1_000);
    time.hidden = launch.ended_at !== null || seconds * 1_000 < SLOW_MS;
    setText(time, `${seconds} s so far. You can leave this page; the session will be in the list.`);
    if (failed && wrong.hidden) show();
  }

  function show() {
    wrong.hidden = false;
    const retry = element("button", "button approve", "Try again");
    const other = element("button", "button", "Change");
    for (const [button, work] of [[retry, again] as const, [other, change] as const]) {
      button.setAttribute("type", "button");
      button.addEventListener("click", work);
    }
    const pair = element("div", "pair");
    pair.append(other, retry);
    wrong.replaceChildren(...(launch.error ? [failure(launch.error, launch.devbox)] : []), pair);
  }

  return {
    root,
    update,
    get launch() {
      return launch;
    },
  };
}

const ICONS = { now: "working", passed: "done", bad: "warn" } as const;

function line(step: Step, devbox: string): HTMLElement {
  const item = element("li", "launch-step");
  const words = element("span", "");
  setMarked(words, STEPS[step](devbox));
  item.append(element("span", "launch-icon"), words);
  return item;
}
