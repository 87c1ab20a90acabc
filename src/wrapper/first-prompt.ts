// What a launch wants typed first: once claude is idle, and again as long as its input box is not there to take it.
import { randomUUIDv7 } from "bun";
import type { InputId, InputMode, WrapperMessage } from "../protocol.ts";

/** claude says that it is idle a moment before its input box is drawn. */
const AGAIN_MS = 500;

/** `type` hands a text to whatever types for phones; what it tells of it comes back to `heard`. */
export function firstPrompt(
  text: string | null,
  type: (message: { id: InputId; text: string; mode: InputMode }) => void,
) {
  let left = text;
  let id: InputId | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function attempt() {
    if (left === null || id !== null) return;
    id = randomUUIDv7() as InputId;
    type({ id, text: left, mode: "if_empty" });
  }

  return {
    /** claude waits for input. */
    idle: attempt,
    /** Whether that was about our own text, which nobody else asked for. */
    heard(message: WrapperMessage): boolean {
      if (!("id" in message) || message.id !== id) return false;
      if (message.type === "input_delivered") left = null;
      if (message.type === "input_refused") {
        id = null;
        clearTimeout(timer);
        if (message.reason === "not_ready") timer = setTimeout(attempt, AGAIN_MS);
      }
      return true;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}
