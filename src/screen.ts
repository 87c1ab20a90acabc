// What is visible on a terminal, and the difference that makes one screen another.

/** A palette index (0–255) or "#rrggbb"; absent means the terminal's default colour. */
export type Color = number | string;

export type Style = {
  fg?: Color;
  bg?: Color;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strike?: true;
  hidden?: true;
};

/** Text of one style. A `wide` run is a single grapheme that fills two cells; any other run has one cell a grapheme. */
export type Run = { text: string; style?: Style; wide?: true };

/** One line of the screen, left to right; unstyled blanks at its end are left out. Never changed once made. */
export type Row = readonly Run[];

export type Cursor = { x: number; y: number; visible: boolean };

/** What decides how keys are encoded and how a viewer scrolls. */
export type Modes = {
  /** The alternate screen is shown: there is nothing to scroll back to. */
  alternate: boolean;
  bracketed_paste: boolean;
  application_cursor: boolean;
  application_keypad: boolean;
  /** Which mouse events the program wants. */
  mouse: "none" | "x10" | "vt200" | "drag" | "any";
  focus: boolean;
};

/** A whole screen: `lines.length === rows`. Never changed once made. */
export type Screen = {
  readonly cols: number;
  readonly rows: number;
  readonly lines: readonly Row[];
  readonly cursor: Cursor;
  readonly modes: Modes;
  readonly title: string;
};

/**
 * The difference between two screens, applied in this order: `size` begins from an empty screen of that size; `scroll`
 * moves every line up by that many (blank lines enter below); `lines` replaces lines by their index. What is absent is
 * as it was.
 */
export type Frame = {
  size?: { cols: number; rows: number };
  scroll?: number;
  lines?: { y: number; row: Row }[];
  cursor?: Cursor;
  modes?: Modes;
  title?: string;
};
