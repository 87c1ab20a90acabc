// What a viewer types into a session: texts, keys, the permission mode.
import type { InputId } from "./ids.ts";

/** A key that a viewer presses; the wrapper encodes it by the modes in force. */
export type Key =
  | "escape"
  | "tab"
  | "shift_tab"
  | "enter"
  | "up"
  | "down"
  | "left"
  | "right"
  | "page_up"
  | "page_down"
  | "home"
  | "end"
  | "backspace"
  | "ctrl_c"
  | "ctrl_j"
  | "ctrl_o"
  | "ctrl_r"
  | "wheel_up"
  | "wheel_down"
  | "space";

/** Why a text was not typed. `desk_typing`: the input box is not empty. `prompt_open`: claude is stopped on a question. */
export type InputRefusal =
  | "desk_typing"
  | "prompt_open"
  | "suspended"
  | "not_ready"
  | "exited"
  | "too_long"
  /** Of a permission mode: claude never showed it; it is in the mode it was in. */
  | "mode_not_offered"
  /** Of a permission mode: on the way there claude, which works, would pass through one that allows more. */
  | "mode_while_working";

/** claude's permission modes, by the names that its hooks use. */
export type PermissionMode = "default" | "acceptEdits" | "plan" | "auto" | "dontAsk" | "bypassPermissions";

/** How a text meets an input box that is not empty. `if_empty` is refused with `desk_typing` then. */
export type InputMode = "if_empty" | "append" | "replace";

export type InputStage = "sent" | "delivered" | "seen" | "refused" | "unconfirmed";

/** POST /api/sessions/:id/input; exactly one of `text` and `key`. */
export type InputBody = { id: InputId; text?: string; mode?: InputMode; key?: Key };

/** POST /api/sessions/:id/mode. */
export type ModeBody = { id: InputId; mode: PermissionMode };
