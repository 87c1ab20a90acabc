// Ctrl-Z: claude says that it is suspended, and so are we, until the shell brings us back.
import { suspendNotice } from "./claude-dialogs.ts";

/** claude's word that it is suspended may come late from a busy machine; much later the same words are somebody's text. */
const WITHIN_MS = 60_000;
/** Between the beginning of that word and our stop: its end, and the word to the server, leave before. */
const AFTER_MS = 20;
/** Characters of that word: one that the end of a chunk cut goes on in the next. */
const NOTICE_CHARS = 80;
/** How often and how far apart claude is told to go on. Where it does already, that is nothing to it. */
const WAKE_TIMES = 4;
const WAKE_MS = 250;
/** Ctrl-Z as a byte, and as the kitty keyboard protocol sends it. */
const CTRL_Z = /\x1a|\x1b\[122;5u/;

export type SuspensionOptions = {
  kill: (signal: NodeJS.Signals) => void;
  /** Stops us; resolves when the shell has continued us. */
  stop: () => Promise<void>;
  onSuspended: () => void;
  onContinued: () => void;
  /** claude was told to go on as often as it takes. */
  onAwake: () => void;
};

/** Watches what is typed at the desk and what claude says after it. */
export function suspension({ kill, stop, onSuspended, onContinued, onAwake }: SuspensionOptions) {
  let expectedUntil = 0;
  let noticed = "";
  let suspended = false;
  /** It was typed at an attached desk: nobody there can be suspended, and claude must not stay so. */
  let fromAfar = false;

  function expect() {
    expectedUntil = Date.now() + WITHIN_MS;
    noticed = "";
  }

  async function suspend() {
    expectedUntil = 0;
    if (fromAfar) return wake();
    suspended = true;
    onSuspended();
    await Bun.sleep(AFTER_MS);
    kill("SIGSTOP"); // It asks for that in vain: no shell is above it that could continue it.
    await stop();
    suspended = false;
    onContinued();
    expect(); // A second Ctrl-Z, typed before we stopped, is claude's by now.
    await wake();
    if (!suspended) onAwake();
  }

  /** More than once: a claude that we stopped between its word and its own stop does not wake at the first. */
  async function wake() {
    for (let time = 0; time < WAKE_TIMES && !suspended; time++) {
      kill("SIGCONT");
      await Bun.sleep(WAKE_MS);
    }
  }

  return {
    /** `afar`: at an attached desk. */
    typed(text: string, afar: boolean) {
      if (!CTRL_Z.test(text)) return;
      fromAfar = afar;
      expect();
    },

    /** Only new output counts, not the screen. */
    output(bytes: Uint8Array) {
      if (expectedUntil === 0) return;
      if (Date.now() > expectedUntil) expectedUntil = 0;
      noticed = noticed.slice(-NOTICE_CHARS) + Buffer.from(bytes).toString("latin1");
      if (expectedUntil > 0 && suspendNotice(noticed)) suspend();
    },
  };
}
