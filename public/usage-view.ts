// What Claude used: the last days, and the sessions that took most.
import type { Session, Used } from "../src/protocol.ts";
import { get } from "./api.ts";
import { fromTemplate, part, setMarked, setText } from "./dom.ts";
import type { Context, Drawn } from "./screen.ts";
import { headlineOf, whereOf } from "./session-words.ts";
import { MONTHS } from "./times.ts";
import { costWords, short, usedWords, workedWords } from "./used-words.ts";

const DAYS = 30;

type Day = Used & { day: string };
type Told = { days: Day[]; sessions: { session: Session; used: Used }[] };

/** The view; it shows what there was when it was opened. */
export function usageView(body: HTMLElement, { say }: Context): Drawn {
  const root = fromTemplate("usage-view");
  const at = (name: string) => part(root, name, HTMLElement);
  let closed = false;

  body.append(root);
  load();

  async function load() {
    try {
      // A day begins where the phone is.
      const told = (await get(`/api/usage?days=${DAYS}&offset=${-new Date().getTimezoneOffset()}`)) as Told;
      if (closed) return;
      draw(told);
      say(null);
    } catch (error) {
      if (!closed) say(error, load);
    }
    at("loading").hidden = true;
  }

  function draw({ days, sessions }: Told) {
    at("none").hidden = days.length > 0;
    at("told").hidden = days.length === 0;
    const all = days.reduce(sum, NOTHING);
    setText(at("total"), `${short(tokensOf(all))} tokens`);
    setText(at("total-more"), [workedWords(all), costWords(all)].filter(Boolean).join(" · "));
    const most = Math.max(1, ...days.map(tokensOf));
    at("days").append(...days.map((day) => dayRow(day, tokensOf(day) / most)));
    at("by-session").hidden = sessions.length === 0;
    at("sessions").append(...sessions.map(sessionRow));
  }

  return {
    close() {
      closed = true;
    },
  };
}

const NOTHING: Used = { input: 0, output: 0, cache_read: 0, cache_write: 0, cost_usd: null, worked_ms: 0 };

function sum(a: Used, b: Used): Used {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cache_read: a.cache_read + b.cache_read,
    cache_write: a.cache_write + b.cache_write,
    cost_usd: a.cost_usd === null && b.cost_usd === null ? null : (a.cost_usd ?? 0) + (b.cost_usd ?? 0),
    worked_ms: a.worked_ms + b.worked_ms,
  };
}

/** What was read or written anew; what came from a cache costs a tenth and would hide all else. */
const tokensOf = ({ input, output, cache_write }: Used) => input + output + cache_write;

/** `part`: of the day with most. */
function dayRow(day: Day, share: number): HTMLElement {
  const row = fromTemplate("usage-day");
  const at = (name: string) => part(row, name, HTMLElement);
  setText(at("day"), dayWords(day.day));
  setText(at("sum"), short(tokensOf(day)));
  setText(at("used"), usedWords(day));
  at("bar").style.width = `${Math.max(1, Math.round(share * 100))}%`;
  return row;
}

function sessionRow({ session, used }: { session: Session; used: Used }): HTMLElement {
  const row = fromTemplate("usage-session");
  const at = (name: string) => part(row, name, HTMLElement);
  part(row, "link", HTMLAnchorElement).setAttribute("href", `/s/${encodeURIComponent(session.id)}`);
  setMarked(at("project"), headlineOf(session));
  setMarked(at("host"), whereOf(session));
  setText(at("sum"), short(tokensOf(used)));
  setText(at("used"), usedWords(used));
  return row;
}

const DAYS_OF_WEEK = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** "Sat 21 Nov", of "2026-11-21". */
function dayWords(day: string): string {
  const date = new Date(`${day}T12:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  return `${DAYS_OF_WEEK[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}
