// Ages and times as people say them.
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "12 s", "3 min", "2 h", "4 d" for a length of time in ms. */
export function age(ms: number): string {
  if (ms < 5 * SECOND) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

const two = (n: number) => String(n).padStart(2, "0");

/** As the page writes months. */
export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "21 Dec" of a time in ms since 1970, with the year when it is not that of `now`. */
export function dayOf(at: number, now: number): string {
  const then = new Date(at);
  const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  return then.getFullYear() === new Date(now).getFullYear() ? day : `${day} ${then.getFullYear()}`;
}

/** "14:03" of a time in ms since 1970, after the day when it is not that of `now`. */
export function clockTime(at: number, now: number): string {
  const then = new Date(at);
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  const today = new Date(now).toDateString() === then.toDateString();
  return today ? time : `${dayOf(at, now)}, ${time}`;
}
