// The dialogs of one claude: which one stands now, told as it changes, and answered by keys, one answer at a time.
import type { Screen } from "../../screen.ts";
import type { Prompts } from "../prompts.ts";
import type { ByKeys } from "../screen-side.ts";
import { answerByKeys, type Keys, type KeysEnd } from "./answer-by-keys.ts";
import { detect } from "./detect.ts";
import type { Dialog } from "./dialog.ts";
import { meantBy } from "./screen-prompt.ts";
import { watch } from "./watch.ts";

export type DialogsOptions = {
  /** The screen now, or null before there is one. */
  screen: () => Screen | null;
  settled: () => Promise<void>;
  write: (bytes: Uint8Array) => void;
  /** claude's own word; null before its state file is there. */
  status: () => "idle" | "busy" | "waiting" | null;
  /** claude hears keys: it is not suspended. */
  hears: () => boolean;
  shown: (dialog: Dialog | null) => void;
};

export type Pressing = Pick<Keys, "dialog" | "option" | "text" | "answers" | "onPress">;
export type Dialogs = ReturnType<typeof dialogs>;

/** Gives an answer by keys, and tells how it went. */
export async function give(
  { prompt, answer_id, dialog, answer }: ByKeys,
  prompts: Pick<Prompts, "pressed" | "notApplied" | "missed" | "left">,
  { press, again }: Pick<Dialogs, "press" | "again">,
) {
  const { option, ...more } = meantBy(dialog, answer);
  if (!option) return prompts.notApplied(prompt, answer_id, "The dialog does not offer that.");
  const onPress = () => prompts.pressed(prompt, answer_id);
  const how = await press({ dialog, option, onPress, ...more });
  if (how.end === "answered") prompts.left(prompt);
  else if (how.end === "gone") prompts.missed(prompt, answer_id);
  else prompts.notApplied(prompt, answer_id, how.reason);
  again();
}

/** Looks only while claude waits, or has not yet said anything; `shown` hears what two looks agree on. */
export function dialogs({ screen, settled, write, status, hears, shown }: DialogsOptions) {
  let waits = 0;
  let since = 0;
  let queue: Promise<unknown> = Promise.resolve();

  /** claude waits, or has not begun. */
  const mayStand = () => status() === null || status() === "waiting";

  /** What stands now: on the screen, and claude says that it waits. Before it says anything, only what starts it. */
  function standing(): Dialog | null {
    const seen = mayStand() ? screen() : null;
    const dialog = seen && detect(seen);
    return dialog && (status() === "waiting" || dialog.startUp) ? dialog : null;
  }

  async function look() {
    await settled();
    return standing();
  }
  const watching = watch(look, (dialog) => {
    since = Date.now();
    shown(dialog);
  });

  async function press(pressing: Pressing): Promise<KeysEnd> {
    const now = screen();
    if (!now) return { end: "gone" };
    return answerByKeys({
      ...pressing,
      since,
      screen: () => screen() ?? now,
      settled,
      write,
      now: Date.now,
      pause: (ms) => Bun.sleep(ms),
      allowed: () => hears() && mayStand(),
      waits: () => waits,
    });
  }

  return {
    standing,
    /** Bytes were painted. */
    painted() {
      if (mayStand()) watching.changed();
    },
    /** claude said something new; `anew`: it began to wait, or went over from one question to the next. */
    said(anew: boolean) {
      if (anew) waits++;
      if (anew) watching.again();
      else watching.changed();
    },
    /** A prompt about what stood has ended: what stands now, however it looks, is told. */
    again: () => watching.again(),
    /** Presses the keys of an answer, after those of answers before. Never rejects. */
    press(pressing: Pressing): Promise<KeysEnd> {
      const pressed = queue.then(() => press(pressing));
      queue = pressed;
      return pressed;
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}
