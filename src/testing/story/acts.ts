// What people do in a story: type at the desk, tap on the phone, and look at either.
import type { Phone } from "../page.ts";
import type { Exit, Terminal } from "../terminal.ts";

/** What claude may take for a turn, or to draw what was typed, on a machine that does other things too. */
const TURN_MS = 60_000;

/** Types a text into an empty input box, and Enter once it stands there. */
export async function enter(desk: Terminal, text: string) {
  desk.paste(text);
  const beginning = text.slice(0, 40).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  await desk.waitFor(new RegExp(`❯\\s${beginning}`), { timeout: TURN_MS });
  desk.write("\r");
}

/** Waits until claude has said so: the same words in the prompt do not count. */
export function said(desk: Terminal, words: string): Promise<string> {
  return desk.waitFor(new RegExp(`[●⏺] ${words}`), { timeout: TURN_MS });
}

/** From the list or the session to the question that waits; resolves when it can be answered. */
export async function openCard(phone: Phone, title: string) {
  // A row leads to the session for as long as only claude's state is known, and not yet the question.
  await phone.page.locator('a.row[href^="/p/"]:visible, a.ask-bar:visible').first().tap();
  await cardReady(phone, title);
}

/** Waits until the card of this title stands there, its buttons alive. */
export async function cardReady(phone: Phone, title: string) {
  await phone.page.locator(".card-view h1").filter({ hasText: title }).waitFor();
  await phone.page.locator('.card-view [data-part="deny"]:enabled').waitFor();
}

/** Waits until the card says so of how it ended, and returns its words. */
export function outcome(phone: Phone, words: RegExp, timeout?: number): Promise<string> {
  return phone.reads(phone.part("outcome"), words, timeout === undefined ? {} : { timeout });
}

/** Resolves with the time of the page's next picture in which a part reads so; for measuring, so it looks at each one. */
export async function painted(phone: Phone, part: string, words: RegExp): Promise<number> {
  await phone.page.evaluate(
    ({ selector, source }) =>
      new Promise<void>((resolve) => {
        const wanted = new RegExp(source);
        const reads = () =>
          [...document.querySelectorAll(selector)].some((one) => wanted.test(one.textContent));
        const look = () => (reads() ? resolve() : void requestAnimationFrame(look));
        look();
      }),
    { selector: `[data-part="${part}"]`, source: words.source },
  );
  return performance.now();
}

/** Other programs may hold a busy machine up while something is measured; not this often. */
const TRIES = 3;
/** So many times what is promised, something is not slow but broken; what it took is printed. */
export const ALLOWANCE = 10;

/** What a measurement took at best, ms: it is repeated, a few times, only while it takes `limit` or longer. */
export async function quickest(limit: number, measure: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES && best >= limit; i++) best = Math.min(best, await measure());
  return best;
}

/** From the list to the one session there is. */
export async function openSession(phone: Phone) {
  await phone.page.locator("a.row:visible").first().tap();
  await phone.page.locator(".session-view").waitFor();
}

/** `/exit` at the desk. */
export async function leave(desk: Terminal): Promise<Exit> {
  await enter(desk, "/exit");
  return desk.exited;
}
