// The slash commands that a session offers, as a list over the text while one types `/`.
import type { Command } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import type { ComposerParts } from "./composer-parts.ts";
import { element, marked, reconcile, setText } from "./dom.ts";

/** The list is asked for again when somebody begins a command and it is older than this. */
const FRESH_MS = 30_000;
/** After a request that failed it is not asked for again sooner. */
const RETRY_MS = 5_000;
/** More than this nobody reads: one types on. */
const MAX_SHOWN = 120;
/** Fewer letters than this stand in nearly every description. */
const MIN_ABOUT_CHARS = 3;
/** Whoever leaves the text for the list, or taps in it, is still there after that. */
const LEFT_MS = 200;

/** The command word that is being typed: all of the text up to the caret, and nothing but it. */
const TYPING = /^\s*\/(\S*)$/;
const WORD = /^(\s*)\/(\S*)/;

const FROM: Record<Command["from"], string> = {
  claude: "",
  user: "yours",
  project: "project",
  plugin: "plugin",
};

/** Those that fit what was typed, best first. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const wanted = typed.toLowerCase();
  const rank = ({ name, about }: Command) => {
    const own = name.toLowerCase();
    if (own.startsWith(wanted)) return 0;
    if (own.split(/[:_.-]/).some((part) => part.startsWith(wanted))) return 1;
    if (own.includes(wanted)) return 2;
    return wanted.length >= MIN_ABOUT_CHARS && about.toLowerCase().includes(wanted) ? 3 : 4;
  };
  const ranked = commands.map((command) => ({ command, rank: rank(command) })).filter(({ rank }) => rank < 4);
  return ranked
    .sort((a, b) => a.rank - b.rank || Number(isClaudes(a.command)) - Number(isClaudes(b.command)))
    .map(({ command }) => command);
}

/** Other words about it make it another item. */
const keyOf = ({ name, about, hint, from, menu }: Command) => JSON.stringify([name, about, hint, from, menu]);

const isClaudes = ({ from }: Command) => from === "claude";

/** The list of one composer. */
export function commandList({ session, text, above, put, changed }: ComposerParts) {
  const root = element("div", "commands");
  const status = element("p", "commands-status quiet");
  const list = element("ul", "commands-list");
  let commands: Command[] = [];
  let shown: Command[] = [];
  /** Before that the list is not asked for (again), ms on the page's clock. */
  let nextRead = Number.NEGATIVE_INFINITY;
  let problem = "";
  let active = 0;
  /** Somebody has closed it for what stands there now. */
  let dismissed: string | null = null;

  root.hidden = true;
  root.id = "commands";
  list.id = "commands-list";
  list.setAttribute("role", "listbox");
  list.tabIndex = 0;
  list.setAttribute("aria-label", "Commands");
  status.setAttribute("role", "status");
  root.append(list, status);
  above.prepend(root);
  text.addEventListener("selectionchange", () => typed());
  for (const part of [text, list]) part.addEventListener("blur", () => setTimeout(leave, LEFT_MS));

  function leave() {
    const { activeElement } = document;
    if (activeElement !== text && activeElement !== list) close();
  }

  async function read() {
    if (performance.now() < nextRead) return;
    nextRead = performance.now() + FRESH_MS;
    try {
      const said = await get(`/api/sessions/${encodeURIComponent(session)}/commands`);
      commands = commandsIn(said);
      problem = "";
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      problem = "The list cannot be had now; a command can be typed all the same.";
      nextRead = performance.now() + Math.max(RETRY_MS, error.againMs);
    }
    changed();
    typed();
  }

  /** What is typed of a command, or null where it is something else. */
  function word(): string | null {
    const before = text.value.slice(0, text.selectionEnd);
    return TYPING.exec(before)?.[1] ?? null;
  }

  function typed() {
    const wanted = document.activeElement === text ? word() : null;
    if (wanted === null || dismissed === text.value) return close();
    dismissed = null;
    read();
    const before = shown[active]?.name;
    shown = matching(commands, wanted).slice(0, MAX_SHOWN);
    active = Math.max(
      0,
      shown.findIndex(({ name }) => name === before && wanted !== ""),
    );
    draw(wanted);
  }

  function draw(wanted: string) {
    const opens = root.hidden;
    root.hidden = false;
    if (opens) changed();
    // What stays is not made anew: a finger may be on it.
    const before = [...list.children];
    reconcile(list, shown, keyOf, item, (option, command) => {
      option.id = `offer-${shown.indexOf(command)}`;
    });
    const same = before.length === shown.length && before.every((one, i) => one === list.children[i]);
    const more = matching(commands, wanted).length - shown.length;
    const none =
      commands.length === 0 ? problem || "Reading the commands …" : "No command of this name is known.";
    setText(status, shown.length === 0 ? none : more > 0 ? `${more} more: type on` : "");
    text.setAttribute("aria-controls", "commands-list");
    if (!same || opens) list.scrollTop = 0;
    mark();
  }

  function item(command: Command): HTMLElement {
    const { name, about, hint, from, menu } = command;
    const option = element("li", "offer");
    option.setAttribute("role", "option");
    const head = element("span", "offer-head");
    const title = element("bdi", "offer-name");
    title.append(marked(`/${name}`));
    head.append(title);
    if (hint) {
      const what = element("bdi", "offer-hint");
      what.append(marked(hint));
      head.append(what);
    }
    if (FROM[from]) head.append(element("span", "chip", FROM[from]));
    const words = element("span", "offer-about");
    words.append(marked(about));
    option.append(head, words);
    if (menu) option.append(element("span", "offer-menu", "opens a menu on the screen"));
    option.addEventListener("pointerdown", (event) => event.preventDefault());
    option.addEventListener("click", () => choose(command));
    return option;
  }

  function mark() {
    for (const [i, option] of [...list.children].entries()) {
      option.setAttribute("aria-selected", String(i === active));
      if (i === active && active > 0) option.scrollIntoView({ block: "nearest" });
    }
    if (shown.length > 0) text.setAttribute("aria-activedescendant", `offer-${active}`);
    else text.removeAttribute("aria-activedescendant");
  }

  function choose({ name }: Command) {
    const rest = text.value.replace(WORD, "").trimStart();
    const start = `/${name} `;
    close();
    put(start + rest, start.length);
    text.focus();
  }

  function close() {
    if (root.hidden) return;
    root.hidden = true;
    text.removeAttribute("aria-activedescendant");
    text.removeAttribute("aria-controls");
    changed();
  }

  /** The list's own button again: nothing of a command that nobody typed stays. */
  function leaveOff() {
    close();
    if (text.value.trim() === "/") put("");
    dismissed = text.value;
  }

  /** The known command that the text begins with, if it is one. */
  function named(value: string): Command | null {
    const name = WORD.exec(value)?.[2];
    return commands.find((command) => command.name === name) ?? null;
  }

  return {
    typed,
    get open() {
      return !root.hidden;
    },
    /** Begins a command before what stands there; the list's own button. */
    begin() {
      if (!root.hidden) return leaveOff();
      dismissed = null;
      text.focus();
      if (!WORD.test(text.value)) put(text.value.trim() === "" ? "/" : `/ ${text.value}`, 1);
      else text.setSelectionRange(text.value.search(/\S/) + 1, text.value.search(/\S/) + 1);
      typed();
    },
    /** True: the key was for the list. */
    key(event: KeyboardEvent): boolean {
      if (root.hidden) return false;
      const chosen = shown[active];
      if (event.key === "Escape") {
        dismissed = text.value;
        close();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const step = event.key === "ArrowDown" ? 1 : -1;
        active = (active + step + shown.length) % Math.max(1, shown.length);
        mark();
      } else if ((event.key === "Tab" && !event.shiftKey) || (event.key === "Enter" && isPart(chosen))) {
        if (!chosen) return false;
        choose(chosen);
      } else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    meaning(): string | null {
      const command = named(text.value);
      if (!command) return null;
      const takes = command.hint ? ` ${command.hint}` : "";
      return command.menu
        ? "opens a menu on Claude's screen."
        : `${command.about}${takes ? ` May take${takes}.` : ""}`;
    },
    isMenu: (value: string) => named(value)?.menu === true && value.trim() === `/${named(value)?.name}`,
  };

  /** Enter sends a command that is typed in full. */
  function isPart(command: Command | undefined): boolean {
    return command !== undefined && command.name !== word();
  }
}

function commandsIn(value: unknown): Command[] {
  if (!value || typeof value !== "object" || !("commands" in value) || !Array.isArray(value.commands))
    return [];
  const all = value.commands as Command[];
  return [...new Map(all.map((command) => [keyOf(command), command])).values()];
}
