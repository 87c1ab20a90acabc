// The log of a session: what left its screen.

/** `screen`: a row that left the top. `transcript`: a line of a completed block. `gap`: rows a bounded buffer dropped. */
export type LogLine = {
  line_no: number;
  epoch: number;
  source: "screen" | "transcript" | "gap";
  text: string;
  /** For `gap`: how many lines are missing from `line_no` on. */
  count?: number;
  /** ms ago, from the wrapper; `at` in what viewers get. */
  age_ms?: number;
  at?: number;
};
