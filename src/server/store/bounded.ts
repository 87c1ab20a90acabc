// What grows row by row is kept within so many bytes: the oldest rows go.
import { LIMITS } from "../limits.ts";
import type { Db } from "./database.ts";

/** Bytes a row costs beside its text. */
export const ROW_BYTES = 64;

/** The statements for it: `count` adds to the sum of one id and returns it, `drop` drops some rows and returns their bytes. */
export type Growing = { count: string; drop: string };

/** Counts what was added, and drops the oldest rows where it is too much; never the newest, which is the cursor. */
export function grow(db: Db, { count, drop }: Growing, id: string, bytes: number, most: number): void {
  let all = Number(db.get(count, { id, bytes })?.bytes ?? 0);
  while (all > most) {
    const dropped = db.all(drop, { id, rows: LIMITS.trimRows });
    if (dropped.length === 0) return;
    const freed = dropped.reduce((sum, row) => sum + Number(row.bytes) + ROW_BYTES, 0);
    all = Number(db.get(count, { id, bytes: -freed })?.bytes ?? 0);
  }
}
