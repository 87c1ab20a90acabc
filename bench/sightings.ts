// When a text stands in a page's DOM, told on our own clock (`performance.now()`).
import type { Page } from "playwright-core";

/** What runs in the page. */
type Looking = { sightings: { wanted: string; seen: PromiseWithResolvers<number> } | null };

const PATIENCE_MS = 20_000;
/** Round trips to compare the clocks by; the quickest says the most. */
const ROUNDS = 50;

export class Sightings {
  readonly #page: Page;
  readonly #offset: number;

  private constructor(page: Page, offset: number) {
    this.#page = page;
    this.#offset = offset;
  }

  /** For a page that is not loaded anew from now on. */
  static async in(page: Page): Promise<Sightings> {
    await page.evaluate(() => {
      const looking = globalThis as unknown as Looking;
      looking.sightings = null;
      const look = () => {
        const now = performance.now();
        const { sightings } = looking;
        if (sightings && document.body.textContent?.includes(sightings.wanted)) sightings.seen.resolve(now);
      };
      const what = { subtree: true, childList: true, characterData: true };
      new MutationObserver(look).observe(document.body, what);
    });
    return new Sightings(page, await offsetOf(page));
  }

  /**
   * From now on looks for a text that is not there yet; the result is when it was, wait for it after what brings it.
   * Resolves once the page looks. One text at a time.
   */
  async of(text: string): Promise<() => Promise<number>> {
    await this.#page.evaluate((wanted) => {
      const looking = globalThis as unknown as Looking;
      looking.sightings = { wanted, seen: Promise.withResolvers<number>() };
    }, text);
    return async () => {
      const seen = this.#page.evaluate(
        () => (globalThis as unknown as Looking).sightings?.seen.promise ?? Number.NaN,
      );
      const late = Bun.sleep(PATIENCE_MS).then(() => Promise.reject(new Error(`never on the page: ${text}`)));
      return this.here(await Promise.race([seen, late]));
    };
  }

  /** A moment of the page's clock on ours. */
  here(there: number): number {
    return there + this.#offset;
  }
}

/** What to add to the page's clock to have ours; as exact as half the quickest round trip. */
async function offsetOf(page: Page): Promise<number> {
  const tries: { took: number; offset: number }[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const asked = performance.now();
    const there = await page.evaluate(() => performance.now());
    const answered = performance.now();
    tries.push({ took: answered - asked, offset: (asked + answered) / 2 - there });
  }
  return tries.toSorted((a, b) => a.took - b.took)[0]?.offset ?? 0;
}
