// Answers a dialog by the keys a person would press, looking after each. Enter is pressed only on the wanted option of the
// very dialog that was shown; where anything else is seen, nothing more is pressed.
import type { Screen } from "../../screen.ts";
import { keyBytes } from "../keys.ts";
import { detect } from "./detect.ts";
import { type Dialog, type DialogOption, isSame, isStill, type Place, readsAs } from "./dialog.ts";

export type Keys = {
  /** The dialog as it was shown to whoever answers, and one of its options. */
  dialog: Dialog;
  option: DialogOption;
  /** Words that go with the option. */
  text?: string;
  /** A form's values, by the names of its fields. */
  answers?: Record<string, string>;
  /** When it was first seen. */
  since: number;
  /** The screen now, once `settled` has resolved: everything that was written is on it. */
  screen(): Screen;
  settled(): Promise<void>;
  write(bytes: Uint8Array): void;
  now(): number;
  pause(ms: number): Promise<unknown>;
  /** Whether keys may be pressed at this moment. */
  allowed(): boolean;
  /** Grows each time that claude begins to wait anew: a dialog that looks the same after that is another. */
  waits(): number;
  /** The key that decides is about to be written. */
  onPress(): void;
};

export type KeysEnd =
  /** Pressed, and the dialog is gone or another. */
  | { end: "answered" }
  /** It was not there any more; nothing was pressed that decides anything. */
  | { end: "gone" }
  /** It still stands. `reason` is a sentence for people. */
  | { end: "stands"; reason: string };

/** 2.1.329 loses the keys of the first 150 ms after it drew a dialog, of one kind those of more than 300 ms. */
const READY_MS = 1_000;
/** It also loses an Enter within 100 ms after the pointer came to a form's button. */
const REST_MS = 250;
/** Between two looks; claude paints within 20 ms on a quiet machine. */
const LOOK_MS = 25;
/** A half painted screen is whole by then. */
const PAINT_MS = 1_000;
/** A movement that shows no effect by then was lost: half a second was seen on a busy machine. */
const MOVE_MS = 2_000;
/** Movements sent again before giving up. */
const RETRIES = 2;
/** A movement that seemed lost may yet arrive: as late as the one before it did, and this much later. Enter waits for that. */
const QUIET_MS = 1_500;
/** A dialog that took its Enter is gone by then. */
const GONE_MS = 5_000;
/** Longer words than this are not typed into a dialog's field. */
const MAX_TEXT = 2_000;
/** What is written at once; claude takes more than 800 characters for a paste. */
const PIECE = 200;

const OTHERWISE = "claude shows that choice otherwise once it is selected. Answer it at the desk.";

class Stands extends Error {}
class Gone extends Error {}

/** Drives the dialog to the answer. Never rejects. */
export async function answerByKeys(keys: Keys): Promise<KeysEnd> {
  try {
    await drive(keys);
    return { end: "answered" };
  } catch (error) {
    if (error instanceof Gone) return { end: "gone" };
    return { end: "stands", reason: error instanceof Stands ? error.message : String(error) };
  }
}

async function drive(keys: Keys) {
  const { option } = keys;
  await keys.pause(Math.max(0, keys.since + READY_MS - keys.now()));
  const first = await standing(keys);
  const whole = isSame(keys.dialog, first);
  if (first.typing) throw new Stands("Somebody is typing into it at the desk.");
  if (option.key.by === "key") return press(keys, option.key.press, () => true);
  // A no without words, where the only row for it is a field: what Escape means in every dialog of claude's.
  if (option.field === "own" && option.effect === "reject" && !keys.text)
    return press(keys, "escape", () => true);
  if (keys.answers && first.fields)
    await fill(
      keys,
      first.fields.map(({ name }) => name),
    );
  await moveTo(keys, option.place);
  if (keys.text) await typeText(keys, keys.text);
  else if (option.field === "own") throw new Stands("This answer needs a text.");
  await keys.pause(REST_MS);
  // Words that are cut once they are selected were read whole in this very dialog a moment before.
  const reads = (dialog: Dialog) => readsAs(option, dialog) && (isSame(keys.dialog, dialog) || whole);
  if (!reads(await standing(keys))) throw new Stands(OTHERWISE);
  const ready = (dialog: Dialog) =>
    isAt(dialog, option.place) && reads(dialog) && (keys.text !== undefined || !dialog.typing);
  await press(keys, option.key.press, ready);
}

/**
 * The dialog as it stands now. A screen may be half painted, on a busy machine for some time: another dialog, or a claude
 * that does not wait, must be seen twice, and no dialog at all for longer.
 */
async function standing(keys: Keys): Promise<Dialog> {
  const end = keys.now() + PAINT_MS;
  for (let others = 0; ; ) {
    await keys.settled();
    const allowed = keys.allowed();
    const found = detect(keys.screen());
    if (allowed && found && isStill(keys.dialog, found)) return found;
    if (found || !allowed) others++;
    if (others > 1 || keys.now() > end) throw new Gone();
    await keys.pause(4 * LOOK_MS);
  }
}

const isAt = (dialog: Dialog, place: Place) =>
  dialog.at !== null && dialog.at.row === place.row && dialog.at.column === place.column;

async function moveTo(keys: Keys, place: Place) {
  let lost = 0;
  let clearAt = 0;
  let firstAt: number | null = null;
  for (let moves = 0; moves < 40; moves++) {
    const dialog = await standing(keys);
    if (isAt(dialog, place)) return lost > 0 ? stayAt(keys, place, clearAt) : undefined;
    if (!dialog.at) throw new Stands("Nothing in it can be selected.");
    const at = keys.now();
    firstAt ??= at;
    keys.write(keyBytes(towards(dialog.at, place), keys.screen().modes));
    if (await moved(keys, dialog.at)) {
      clearAt = Math.max(clearAt, at + (keys.now() - firstAt) + QUIET_MS);
      firstAt = null;
    } else if (++lost > RETRIES) throw new Stands("claude does not follow the arrow keys.");
  }
  throw new Stands("The pointer does not come to the option.");
}

function towards(at: Place, to: Place) {
  if (at.row !== to.row) return at.row < to.row ? "down" : "up";
  return at.column < to.column ? "right" : "left";
}

/** Whether the pointer leaves a place in time. */
async function moved(keys: Keys, from: Place): Promise<boolean> {
  const end = keys.now() + MOVE_MS;
  while (keys.now() < end) {
    await keys.pause(LOOK_MS);
    if (!isAt(await standing(keys), from)) return true;
  }
  return false;
}

async function stayAt(keys: Keys, place: Place, end: number) {
  while (keys.now() < end) {
    await keys.pause(LOOK_MS);
    if (!isAt(await standing(keys), place)) throw new Stands("The pointer moves on its own.");
  }
}

/** Presses the key that decides, if the dialog stands as it must at this very moment; then waits for its end. */
async function press(
  keys: Keys,
  key: "enter" | "space" | "shift_tab" | "escape",
  ready: (dialog: Dialog) => boolean,
) {
  const now = await standing(keys);
  if (!ready(now)) throw new Stands("Somebody moved the pointer at the desk.");
  const waits = keys.waits();
  keys.onPress();
  keys.write(keyBytes(key, keys.screen().modes));
  const end = keys.now() + GONE_MS;
  while (keys.now() < end) {
    await keys.pause(LOOK_MS);
    if (keys.waits() !== waits) return;
    try {
      await standing(keys);
    } catch (error) {
      if (error instanceof Gone) return;
      throw error;
    }
  }
  throw new Stands("claude did not take the key.");
}

/** Types words into the option's field, which Tab opens where it is none by itself. */
async function typeText(keys: Keys, text: string) {
  const { option } = keys;
  if (!option.field) throw new Stands("This answer takes no text.");
  if (option.field === "amend") {
    keys.write(keyBytes("tab", keys.screen().modes));
    await until(
      keys,
      (dialog) => dialog.typing && isAt(dialog, option.place),
      "claude opens no field for the text.",
    );
  }
  await typeWords(keys, text);
}

async function typeWords(keys: Keys, text: string) {
  const words = typeable(text);
  for (let at = 0; at < words.length; at += PIECE) {
    keys.write(new TextEncoder().encode(words.slice(at, at + PIECE)));
    await keys.pause(4 * LOOK_MS);
  }
  const tail = words.replaceAll(/\s/g, "").slice(-20);
  await until(keys, () => onScreen(keys.screen()).includes(tail), "The text does not show in its field.");
}

async function until(keys: Keys, wanted: (dialog: Dialog) => boolean, otherwise: string) {
  const end = keys.now() + MOVE_MS;
  for (;;) {
    if (wanted(await standing(keys))) return;
    if (keys.now() > end) throw new Stands(otherwise);
    await keys.pause(LOOK_MS);
  }
}

const onScreen = (screen: Screen) =>
  screen.lines
    .map((row) => row.map(({ text }) => text).join(""))
    .join("")
    .replaceAll(/\s/g, "");

/** One line without control characters: a line end would press Enter. */
const typeable = (text: string) =>
  [...text.replaceAll(/\s+/g, " ").replaceAll(/\p{Cc}/gu, "")].slice(0, MAX_TEXT).join("").trim();

/** Fills a form's fields, each as it shows itself once the pointer is on it. */
async function fill(keys: Keys, names: string[]) {
  for (const [row, name] of names.entries()) {
    const value = keys.answers?.[name]?.trim();
    if (!value) continue;
    await moveTo(keys, { row, column: 0 });
    const field = (await standing(keys)).fields?.[row];
    if (field?.kind === "box") await tick(keys, row, /^(y|yes|true|on|1)$/i.test(value));
    else if (field?.kind !== "text") throw new Stands(`The field "${name}" cannot be filled in from here.`);
    else if (field.value === value) continue;
    else if (!field.empty) throw new Stands(`The field "${name}" is filled in already.`);
    else await typeWords(keys, value);
  }
}

async function tick(keys: Keys, row: number, on: boolean) {
  const sign = on ? "☒" : "☐";
  const isSet = (dialog: Dialog) => {
    const field = dialog.fields?.[row];
    return field !== undefined && !field.empty && field.value.startsWith(sign);
  };
  for (let tries = 0; tries < 2; tries++) {
    if (isSet(await standing(keys))) return;
    const before = JSON.stringify((await standing(keys)).fields);
    keys.write(keyBytes("space", keys.screen().modes));
    await until(
      keys,
      (dialog) => JSON.stringify(dialog.fields) !== before,
      "claude does not follow the keys.",
    );
  }
  await until(keys, isSet, "claude does not follow the keys.");
}
