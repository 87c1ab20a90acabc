// What a screen of `screens.ts` is given, and what it is.
import type { Model } from "./model.ts";

export type Drawn = { update?: () => void; close?: () => void };
export type Context = {
  model: Model;
  /** Follows an address of the page; `replace`: Back does not lead here again. */
  go: (path: string, replace?: boolean) => void;
  /**
   * Shows what the server refused, or null to show nothing; throws what is no ApiFailure. `again` is done by a tap on "Try
   * again", and by itself once a connection comes; it says what became of it, null for nothing wrong.
   */
  say: (problem: unknown, again?: () => unknown) => void;
};
