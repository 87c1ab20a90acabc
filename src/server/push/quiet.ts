// Quiet hours: from one time of day to another, on the clock of the phone's own time zone.
import type { QuietHours } from "../../protocol.ts";

/** Whether it is quiet then. */
export function isQuiet(quiet: QuietHours | null, at: number): boolean {
  if (!quiet || quiet.from === quiet.to) return false;
  const time = timeOfDay(at, quiet.time_zone);
  if (quiet.from < quiet.to) return time >= quiet.from && time < quiet.to;
  return time >= quiet.from || time < quiet.to;
}

/** Time zones whose clocks are kept: more than phones of one owner are in. */
const MOST_FORMATS = 50;
const formats = new Map<string, Intl.DateTimeFormat>();

/** "22:05" there. */
function timeOfDay(at: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    if (formats.size >= MOST_FORMATS) formats.clear(); // A zone has as many names as there are ways to write it.
    formats.set(timeZone, format);
  }
  return format.format(at);
}

/** Whether that is a time zone that is known here. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
