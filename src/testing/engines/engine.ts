// What every engine can be made to do.

/** What an engine is opened with: the system's colours, and who hears what is asked elsewhere. */
export type EngineOptions = { theme?: "light" | "dark"; proxy?: number };

/** One browser that stands for one phone of 390 by 844. */
export type Engine = AsyncDisposable & {
  goto(url: string): Promise<void>;
  /** Runs the body of an async function in the page. */
  page<T>(body: string): Promise<T>;
  /** Presses what a selector names, and lets go. */
  click(selector: string): Promise<void>;
  /** Presses it until the returned function is called. */
  press(selector: string): Promise<() => Promise<void>>;
  type(selector: string, text: string): Promise<void>;
  /** Waits until that is true in the page. */
  until(condition: string): Promise<void>;
  /** What is to be seen, as PNG. */
  picture(): Promise<Uint8Array>;
  /** Makes the glass that large, px. */
  size(width: number, height: number): Promise<void>;
  /** The process of the browser, whose children run pages. */
  readonly pid: number;
  /** Takes the network from it and tells it so; where that cannot be done, only the wire is cut. */
  offline?(yes: boolean): Promise<void>;
  /** Hands its service worker a push; where that cannot be done, the worker is asked to make believe. */
  push?(url: string, text: string): Promise<void>;
  /** What it makes of a page's manifest itself, if it makes anything of it. */
  manifest?(): Promise<Record<string, unknown>>;
};

/** Runs a function of its own in the page; it sees nothing but what it is given. */
export function run<A extends unknown[], T>(
  engine: Pick<Engine, "page">,
  body: (...given: A) => T,
  ...given: A
): Promise<Awaited<T>> {
  return engine.page(`return (${body})(...${JSON.stringify(given)});`);
}

/** Whether one of them is seen to read so: a condition for `until`. */
export const reads = (selector: string, words: RegExp) =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].some((one) => one.checkVisibility() && ${words}.test(one.innerText))`;

/** Whether there is one: a condition for `until`. */
export const has = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`;

/** Two frames: what follows a change has been drawn. */
export const drawn = (engine: Pick<Engine, "page">) =>
  run(
    engine,
    () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
  );
