// The live part of the screen and the keyboard: the input box, the spinner, the dialogs.
import { dialogRows } from "./dialog.ts";
import { keys } from "./keys.ts";
import { dim, type Entry, laid, painter, sgr } from "./painter.ts";
import type { Decision, Dialog } from "./tools.ts";

/** Once pressed, Ctrl-C and Ctrl-D are forgotten after that. */
const AGAIN_MS = 2_500;
/** The spinner turns this often. */
const TICK_MS = 250;
const UP = ["\x1b[A", "\x1bOA"];
const DOWN = ["\x1b[B", "\x1bOB"];
/** As a byte, and as the kitty keyboard protocol sends it. */
const CTRL_Z = ["\x1a", "\x1b[122;5u"];
const SPINNER = ["·", "✢", "✳", "✶", "✻", "✽"];
/** The box takes what a phone may send, and no more. */
const MAX_INPUT_CHARS = 100_000;

export type DeskOptions = {
  write: (text: string) => void;
  size: () => { cols: number; rows: number };
  onPrompt: (text: string) => void;
  /** Esc, or Ctrl-C while busy. */
  onInterrupt: () => void;
  onExit: () => void;
  onSuspend: () => void;
};

/** Draws, and turns keys into what the user wants. With several dialogs open the oldest is shown. */
export function desk(options: DeskOptions) {
  const { write, size } = options;
  const screen = painter(write, size);
  const dialogs: { dialog: Dialog; decide: (decision: Decision) => void }[] = [];
  const queued: string[] = [];
  let selected = 0;
  let input = "";
  let mode = "default";
  let busySince: number | null = null;
  let armed: string | null = null;
  let disarm: ReturnType<typeof setTimeout> | undefined;
  let spinner: ReturnType<typeof setInterval> | undefined;
  let title = "";

  function paint() {
    screen.live(rows());
    const working = busySince !== null && dialogs.length === 0;
    const glyph = working ? (Math.floor(Date.now() / 1_000) % 2 ? "◑" : "◐") : "✳";
    if (glyph === title) return;
    title = glyph;
    write(`\x1b]0;${glyph} claude-remote demo\x07`);
  }

  function rows(): string[] {
    const [first] = dialogs;
    if (first) return dialogRows(first.dialog, selected, dialogs.length, size().cols);
    return [...spinnerRows(), ...queueRows(), ...boxRows(), ...footerRows()];
  }

  function spinnerRows(): string[] {
    if (busySince === null) return [];
    const ms = Date.now() - busySince;
    const glyph = SPINNER[Math.floor(ms / TICK_MS) % SPINNER.length] ?? "";
    return ["", sgr("38;5;174", `${glyph} Playing… `) + dim(`(${Math.floor(ms / 1_000)}s)`)];
  }

  const queueRows = () =>
    queued.flatMap((text) => [...laid("❯ ", text, size().cols, dim), dim("  ⎿  Queued")]);

  /** As claude's: the sign, what was typed, and a drawn cursor. */
  function boxRows(): string[] {
    const { cols, rows } = size();
    const rule = dim("─".repeat(cols));
    const typed = laid("", input, Math.max(1, cols - 3)).slice(-Math.max(1, rows - 8));
    const lines = typed.map((row, at) => `${at === 0 ? "❯\u00a0" : "  "}${row}`);
    return ["", rule, ...lines.slice(0, -1), `${lines.at(-1)}${sgr("7", " ")}`, rule];
  }

  function footerRows(): string[] {
    if (armed) return [dim(`  Press ${armed} again to exit`)];
    const edits = mode === "default" ? "" : `${mode} mode on · `;
    const keys = busySince === null ? "/exit to leave" : "esc to interrupt";
    return laid("  ", `${edits}demo: nothing goes to any model · ${keys}`, size().cols, dim);
  }

  /** Leaving takes the same key twice. */
  function leave(key: string) {
    if (armed === key) return options.onExit();
    if (key === "Ctrl-C" && input) input = "";
    else if (key === "Ctrl-C" && busySince !== null) options.onInterrupt();
    armed = key;
    clearTimeout(disarm);
    disarm = setTimeout(() => {
      armed = null;
      paint();
    }, AGAIN_MS);
  }

  function submit() {
    const text = input.trim();
    input = "";
    if (text === "/exit" || text === "/quit") options.onExit();
    else if (text) options.onPrompt(text);
  }

  function edit(key: string) {
    switch (key) {
      case "\n":
      case "\x1b\r":
      case "\x1b[13;2u":
        input += "\n";
        return;
      case "\r":
        return submit();
      case "\x7f":
      case "\b":
        input = [...input].slice(0, -1).join("");
        return;
      case "\x15":
        input = "";
        return;
      case "\x03":
        return leave("Ctrl-C");
      case "\x04":
        return leave("Ctrl-D");
      case "\x1b":
        return options.onInterrupt();
      default:
        if (/^\P{Cc}/u.test(key) && input.length < MAX_INPUT_CHARS) input += key;
    }
  }

  /** Digits act at once; what is typed or pasted is dropped. */
  function choose(key: string, { options: { length } }: Dialog) {
    const digit = /^[1-9]$/.test(key) ? Number(key) : 0;
    if (key === "\x1b") options.onInterrupt();
    else if (key === "\r") decide(selected);
    else if (digit > 0 && digit <= length) decide(digit - 1);
    else if (UP.includes(key)) selected = (selected + length - 1) % length;
    else if (DOWN.includes(key)) selected = (selected + 1) % length;
  }

  function decide(at: number) {
    const [first] = dialogs;
    const option = first?.dialog.options[at];
    if (option) first?.decide(option.decision);
  }

  const feed = keys((key, pasted) => {
    const first = dialogs[0];
    if (!pasted && CTRL_Z.includes(key)) return options.onSuspend();
    if (!first) edit(key);
    else if (!pasted) choose(key, first.dialog);
  });

  return {
    /** What the keyboard sent. */
    typed(bytes: Uint8Array) {
      feed(bytes);
      paint();
    },
    say: (entry: Entry) => screen.say(entry),
    paint,
    repaint: () => screen.repaint(rows()),
    /** Shows a dialog; `close` takes it off, answered or not. */
    open(dialog: Dialog, decide: (decision: Decision) => void) {
      const entry = { dialog, decide };
      dialogs.push(entry);
      paint();
      return () => {
        const at = dialogs.indexOf(entry);
        if (at >= 0) dialogs.splice(at, 1);
        if (at === 0) selected = 0;
        paint();
        return dialogs.length;
      };
    },
    busy(on: boolean) {
      busySince = on ? Date.now() : null;
      clearInterval(spinner);
      if (on) spinner = setInterval(paint, TICK_MS);
      paint();
    },
    queue(texts: string[]) {
      queued.splice(0, queued.length, ...texts);
      paint();
    },
    mode(name: string) {
      mode = name;
    },
    end() {
      clearInterval(spinner);
      clearTimeout(disarm);
    },
  };
}

export type Desk = ReturnType<typeof desk>;
