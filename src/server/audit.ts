// What the audit log holds of each deed: who, from where, what exactly, with which outcome. Rows are only ever added.
import type { AuditEntry, Json } from "../protocol.ts";

/** Who does it: the owner at the server's own socket, or a viewer with the address of its socket's other end. */
export type By = "owner" | { actor: string; name: string; address: string };

/** A row to be added. `asked` stands in those that say what a prompt asks from now on. */
export type Entry = Pick<AuditEntry, "actor" | "action" | "subject"> &
  Partial<Pick<AuditEntry, "name" | "address" | "session" | "asked">> & { detail: object };

/** Characters of what somebody sent in vain, and of a device's name for itself, that are kept. */
const TRIED_CHARS = 1_000;

/** The columns that say who it was. */
export function whoIn(by: By): Pick<Entry, "actor" | "name" | "address"> {
  return by === "owner" ? { actor: by } : by;
}

/** What was refused was never seen by anybody: enough of it to know it again. */
export function tried(answer: Record<string, unknown>): Record<string, Json> {
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, cut(value)]));
}

const cut = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > TRIED_CHARS ? `${text.slice(0, TRIED_CHARS)} …` : text;
};

/** Passes on at most `most` calls in `withinMs`; each says how many before it were left out. */
export function sparing<T>(
  { most, withinMs, now }: { most: number; withinMs: number; now: () => number },
  pass: (value: T, leftOut: number) => void,
): (value: T) => void {
  let passed: number[] = [];
  let leftOut = 0;
  return (value) => {
    passed = passed.filter((at) => now() - at < withinMs && at <= now());
    if (passed.length >= most) return void leftOut++;
    passed.push(now());
    pass(value, leftOut);
    leftOut = 0;
  };
}
