// claude's permission mode: read from its footer as it changes, and switched by Shift-Tab, with a look after each.
import type { InputRefusal, PermissionMode, SessionStatus } from "../protocol.ts";
import type { Screen } from "../screen.ts";
import { MOST_PRESSES, modeShown, passesWider } from "./claude-modes.ts";
import { inputBoxEmpty } from "./input-box.ts";

/** After output the footer is read this much later: claude paints in a few milliseconds, and often. */
const LOOK_AFTER_MS = 300;
/** Between two looks after a key; claude shows the next mode within 20 to 60 ms. */
const LOOK_MS = 20;
/** One that is held up for longer than this gets no further key. */
const SHOWN_WITHIN_MS = 3_000;

const SHIFT_TAB = new TextEncoder().encode("\x1b[Z");

export type ModesOptions = {
  screen: () => Screen | null;
  settled: () => Promise<void>;
  status: () => SessionStatus;
  write: (bytes: Uint8Array) => void;
  /** claude shows that it is in this mode now. */
  shown: (mode: PermissionMode) => void;
  /** The command line says that it may bypass every permission. */
  bypass: boolean;
};

/** The modes of one run. Tell it of what is painted. */
export function modes({ screen, settled, status, write, shown, bypass }: ModesOptions) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  /** A claude that was ever seen to bypass was started so, by a setting of the user's own. */
  let mayBypass = bypass;

  async function look(): Promise<PermissionMode | null> {
    await settled();
    const now = screen();
    const mode = now && modeShown(now);
    if (mode === "bypassPermissions") mayBypass = true;
    if (mode && !closed) shown(mode);
    return mode;
  }

  /** Why claude takes no Shift-Tab now; null if it may. */
  function unavailable(): InputRefusal | null {
    const now = screen();
    switch (status()) {
      case "ended":
        return "exited";
      case "suspended":
        return "suspended";
      case "waiting":
        return "prompt_open"; // There, Shift-Tab would be an answer.
      case "starting":
        return "not_ready";
      default:
        return now && inputBoxEmpty(now) !== null ? null : "not_ready";
    }
  }

  /** The mode that claude shows, once it is another one than `before`; or why that is not waited for any more. */
  async function next(before: PermissionMode | null): Promise<{ mode: PermissionMode } | InputRefusal> {
    const deadline = performance.now() + SHOWN_WITHIN_MS;
    for (;;) {
      const mode = await look();
      const reason = unavailable();
      if (reason && reason !== "not_ready") return reason;
      if (mode && mode !== before) return { mode };
      if (performance.now() > deadline) return "not_ready";
      await Bun.sleep(LOOK_MS);
    }
  }

  return {
    /** claude painted something. */
    painted() {
      timer ??= setTimeout(() => {
        timer = undefined;
        look();
      }, LOOK_AFTER_MS);
    },
    /**
     * Presses Shift-Tab until claude shows the wanted mode; where it never does, it is in the end in the mode in which it
     * began. Resolves with why it is not in the wanted one, or null.
     */
    async switchTo(wanted: PermissionMode): Promise<InputRefusal | null> {
      const reason = unavailable();
      if (reason) return reason;
      const now = screen();
      if (now && inputBoxEmpty(now) === false) return "desk_typing";
      if (wanted === "bypassPermissions" && !mayBypass) return "mode_not_offered";
      const found = await next(null);
      if (typeof found === "string") return found;
      let { mode } = found;
      const begun = mode;
      for (let press = 0; mode !== wanted && press < MOST_PRESSES; press++) {
        const held = unavailable();
        if (held) return held;
        if (status() === "working" && passesWider(mode, wanted, mayBypass)) return "mode_while_working";
        write(SHIFT_TAB);
        const shows = await next(mode);
        if (typeof shows === "string") return shows;
        ({ mode } = shows);
        if (mode === begun) break;
      }
      return mode === wanted ? null : "mode_not_offered";
    },
    [Symbol.dispose]() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

export type Modes = ReturnType<typeof modes>;
