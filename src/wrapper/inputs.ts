// Text and keys from phones: typed into claude one after another, or refused with the reason.

import type { InputId, InputMode, InputRefusal, Key, SessionStatus, WrapperMessage } from "../protocol.ts";
import type { Screen } from "../screen.ts";
import { detect } from "./dialogs/detect.ts";
import { inputBoxEmpty, inputBoxEndsWith } from "./input-box.ts";
import { keyBytes } from "./keys.ts";
import { typed } from "./typing.ts";

/** A text longer than this is a file, not a message. */
const MAX_TEXT_BYTES = 100_000;
/** Answered ids remembered, so that a repeated one is not typed twice. */
const MAX_REMEMBERED = 200;
/** A claude that is held up for longer than this gets its Enter anyway. */
const DRAWN_WITHIN_MS = 3_000;
const LOOK_MS = 10;
/** Between an editing key and the text: read together they would be taken for a paste. */
const EDIT_MS = 100;
/** Ctrl-U clears claude's input line; Ctrl-E goes to its end. */
const CLEAR_LINE = "\x15";
const END_OF_LINE = "\x05";

export type InputsOptions = {
  write: (bytes: Uint8Array) => void;
  screen: () => Screen | null;
  status: () => SessionStatus;
  tell: (message: WrapperMessage) => void;
};

type Text = { id: InputId; text: string; mode: InputMode };

/** The inputs of one run, in the order they came. */
export function inputs({ write, screen, status, tell }: InputsOptions) {
  /** What became of each; null while it waits for its turn. */
  const remembered = new Map<InputId, WrapperMessage | null>();
  const unseen: { id: InputId; text: string }[] = [];
  let queue: Promise<void> = Promise.resolve();
  const encode = (text: string) => new TextEncoder().encode(text);

  function settle(id: InputId, message: WrapperMessage) {
    remembered.set(id, message);
    for (const old of [...remembered.keys()].slice(0, Math.max(0, remembered.size - MAX_REMEMBERED)))
      remembered.delete(old);
    tell(message);
  }

  async function type({ id, text, mode }: Text) {
    const reason = refusal(text, mode);
    if (reason) return settle(id, { type: "input_refused", id, reason });
    if (mode !== "if_empty") {
      write(encode(mode === "replace" ? CLEAR_LINE : END_OF_LINE));
      await Bun.sleep(EDIT_MS);
    }
    const strokes = typed(text);
    for (const [i, { after, bytes }] of strokes.entries()) {
      if (after > 0) await Bun.sleep(after);
      const why = i === strokes.length - 1 ? await undrawn(text) : asked();
      if (why) return settle(id, { type: "input_refused", id, reason: why });
      write(bytes);
    }
    unseen.push({ id, text });
    unseen.splice(0, Math.max(0, unseen.length - MAX_REMEMBERED));
    settle(id, { type: "input_delivered", id });
  }

  /**
   * Waits until the text is on the screen: an Enter that is read together with it is taken for a new line. Resolves with
   * null, or with why Enter must not be pressed: into a dialog that opened meanwhile it would be a yes.
   */
  async function undrawn(text: string): Promise<InputRefusal | null> {
    const deadline = performance.now() + DRAWN_WITHIN_MS;
    for (;;) {
      const now = screen();
      const shown = now && inputBoxEndsWith(now, text);
      const reason = unavailable();
      if (reason || shown) return reason;
      if (performance.now() > deadline) return shown === null ? "not_ready" : null;
      await Bun.sleep(LOOK_MS);
    }
  }

  /** Why no more of a text is typed: in a dialog that opened meanwhile, a digit would be an answer. */
  function asked(): InputRefusal | null {
    const now = screen();
    return unavailable() ?? (now && detect(now) ? "prompt_open" : null);
  }

  function refusal(text: string, mode: InputMode): InputRefusal | null {
    if (encode(text).length > MAX_TEXT_BYTES) return "too_long";
    const reason = unavailable();
    if (reason) return reason;
    const now = screen();
    const empty = now && inputBoxEmpty(now);
    if (empty === null) return "not_ready";
    return mode === "if_empty" && !empty ? "desk_typing" : null;
  }

  /** Why claude takes no text now, by its own word; null if it may. */
  function unavailable(): InputRefusal | null {
    switch (status()) {
      case "ended":
        return "exited";
      case "suspended":
        return "suspended";
      case "waiting":
        return "prompt_open";
      case "starting":
        return "not_ready";
      default:
        return null;
    }
  }

  return {
    text(message: Text) {
      const known = remembered.get(message.id);
      if (known !== undefined) return void (known && tell(known));
      remembered.set(message.id, null);
      queue = queue.then(() => type(message));
    },
    key(id: InputId, key: Key) {
      const known = remembered.get(id);
      if (known) return tell(known);
      const now = screen();
      if (!now) return settle(id, { type: "input_refused", id, reason: "not_ready" });
      if (status() === "suspended") return settle(id, { type: "input_refused", id, reason: "suspended" });
      write(keyBytes(key, now.modes));
      settle(id, { type: "input_delivered", id });
    },
    /** Something else that presses keys, when the texts before it are typed; `work` says why it was not done, or null. */
    inTurn(id: InputId, work: () => Promise<InputRefusal | null>) {
      const known = remembered.get(id);
      if (known !== undefined) return void (known && tell(known));
      remembered.set(id, null);
      queue = queue.then(async () => {
        const reason = await work();
        settle(id, reason ? { type: "input_refused", id, reason } : { type: "input_delivered", id });
      });
    },
    /** claude took up a prompt: the oldest text that it holds is seen. */
    taken(prompt: string) {
      const flat = (text: string) => text.replaceAll(/\s+/g, " ").trim();
      const at = unseen.findIndex(({ text }) => flat(prompt).includes(flat(text)));
      if (at < 0) return;
      const [seen] = unseen.splice(at, 1);
      if (seen) tell({ type: "input_seen", id: seen.id });
    },
  };
}

export type Inputs = ReturnType<typeof inputs>;
