// The promises that are held against the truth, and what a rule of them is called.

export type Vow = "P2" | "P3" | "P4" | "P5" | "P7" | "liveness";
export type Violation = { promise: Vow; what: string; about: string[] };

/** What is held against the truth; a rule that no run ever comes to says nothing. */
export const RULES = [
  "P2 an answer is handed over once, to the prompt it was given to",
  "P2 claude took the phone's answer",
  "P2 claude took the phone's no",
  "P2 the desk decided, and nobody answered",
  "P2 the desk was first",
  "P2 the desk was first, within 30 ms",
  "P2 the phone was first, within 30 ms",
  "P2 what the desk chose is known",
  "P2 claude exited",
  "P2 nobody is named",
  "P2 claude still asks",
  "P2 of twins one was answered",
  "P2 a phone shows the end of what it answered",
  "P2 a phone says that its answer was accepted",
  "P3 a retry is the same answer",
  "P3 a lost race is told",
  "P3 not confirmed is said within 10 s",
  "P3 a text is typed once",
  "P4 what is open is open everywhere",
  "P4 an ended session has ended",
  "P4 the log is whole",
  "P4 a phone shows the screen",
  "P4 a phone shows the log",
  "P4 an answer to a session out of reach is refused",
  "P5 an answer outlives a restart",
  "P5 a fact outlives a restart",
  "P5 a line outlives a restart",
  "P5 an end outlives a restart",
  "P7 a wrong answer is refused",
  "P7 an intruder is refused",
] as const;
export type Rule = (typeof RULES)[number];

/** Says that a promise was broken, and what it is about. */
export type Say = (promise: Vow, what: string, ...about: string[]) => void;
