// Ctrl-Z: claude says that it is suspended, and so are we, until the shell brings us back.
import { suspendNotice } from "./claude-dialogs.ts";

/** claude's word that it is suspended may come late from a busy machine; much later the same words are somebody's text. */
const WITHIN_MS = 60_000;
/** Between the beginning of that word and our stop: its end, and the word to the server, leave before. */
const AFTER_MS = 20;
/** Characters of that word: one that the end of a chunk cut goes on in the next. */
const NOTICE_CHARS = 80;
/** How often and how far apart a claude that stays deaf is told to go on: on a busy machine it takes some tenths of a second. */
const WAKE_TIMES = 4;
const WAKE_MS = 500;
/** Between two looks whether it hears. */
const LOOK_MS = 10;
/** Ctrl-Z as a byte, and as the kitty keyboard protocol sends it. */
const CTRL_Z = /\x1a|\x1b\[122;5u/;

export type SuspensionOptions = {
  kill: (signal: NodeJS.Signals) => void;
  /** Stops us; resolves when the shell has continued us. */
  stop: () => Promise<void>;
  /** Whether claude takes keys, which it does not while it is suspended; null where the system does not tell. */
  hears: () => boolean | null;
  onSuspended: () => void;
  /** claude hears again, or was told to go on as often as it takes. */
  onContinued: () => void;
  /** For tests: waits so many ms. */
  pause?: (ms: number) => Promise<unknown>;
};

/** Watches what is typed at the desk and what claude says after it. */
export function suspension(options: SuspensionOptions) {
  const { kill, stop, hears, onSuspended, onContinued, pause = Bun.sleep } = options;
  let expectedUntil = 0;
  let noticed = "";
  /** It was typed at an attached desk: nobody there can be suspended, and claude must not stay so. */
  let fromAfar = false;
  /** How often it was suspended so far: what was begun for an earlier time is over. */
  let times = 0;
  let painted = false;

  function expect() {
    expectedUntil = Date.now() + WITHIN_MS;
    noticed = "";
  }

  async function suspend() {
    const time = ++times;
    expectedUntil = 0;
    if (fromAfar) return wake(time);
    onSuspended();
    await pause(AFTER_MS);
    kill("SIGSTOP"); // It asks for that in vain: no shell is above it that could continue it.
    await stop();
    expect(); // A second Ctrl-Z, typed before we stopped, is claude's by now.
    await wake(time);
    if (time === times) onContinued();
  }

  /**
   * Again only while it is deaf, as one is that we stopped between its word and its own stop. A claude that goes on already
   * takes the signal for another return from a shell: 2.1.197 draws everything once more, below what stands there.
   */
  async function wake(time: number) {
    for (let told = 0; told < WAKE_TIMES; told++) {
      painted = false;
      kill("SIGCONT");
      for (let waited = 0; waited < WAKE_MS; waited += LOOK_MS) {
        await pause(LOOK_MS);
        if (time !== times || (hears() ?? painted)) return;
      }
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
      painted = true;
      if (expectedUntil === 0) return;
      if (Date.now() > expectedUntil) expectedUntil = 0;
      noticed = noticed.slice(-NOTICE_CHARS) + Buffer.from(bytes).toString("latin1");
      if (expectedUntil > 0 && suspendNotice(noticed)) suspend();
    },
  };
}
