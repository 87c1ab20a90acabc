// Virtual time: one queue of what happens next, and the globals that tell or wait for time in its place. Nothing in a
// simulated run depends on a real clock, a real timer or real chance.
import type { Random } from "./random.ts";

/** A process, or somebody: what it plans dies with it, and its wall clock may be wrong. */
export type Owner = {
  readonly name: string;
  alive: boolean;
  /** Ms that its wall clock is off. */
  skew: number;
  /** It is stopped (Ctrl-Z, a closed lid, a sleeping phone) until then, ms of the run; what was due waits. */
  frozen: number;
  /** How it reaches the network, if it is a browser. */
  fetch?: (path: string, init: RequestInit) => Promise<Response>;
  storage?: Map<string, string>;
  /** Calls those who wait for an event of the browser. */
  listeners?: Map<string, (() => void)[]>;
};

type Planned = { at: number; order: number; owner: Owner; task: () => void; off: boolean };

/** Somebody new, awake, with a clock that is right. */
export const owner = (name: string): Owner => ({ name, alive: true, skew: 0, frozen: 0 });

/** When every run begins, ms since 1970. */
const BEGIN = Date.UTC(2026, 0, 1);
/** More events than any honest run has: something goes round in circles. */
const MOST_EVENTS = 150_000;

const realImmediate = globalThis.setImmediate;

/** Something went on without an end. */
export class Endless extends Error {}

export class Time {
  /** Ms since the run began; only goes forward. */
  now = 0;
  events = 0;
  owner: Owner;
  readonly #heap: Planned[] = [];
  #order = 0;

  constructor(readonly nobody: Owner) {
    this.owner = nobody;
  }

  /** The wall clock of whoever acts now. */
  wall(owner = this.owner): number {
    return BEGIN + Math.floor(this.now) + owner.skew;
  }

  /** Lets `owner` do something in so many ms; what was planned first happens first. The result calls it off. */
  after(ms: number, owner: Owner, task: () => void): () => void {
    const planned = { at: this.now + Math.max(0, ms), order: this.#order++, owner, task, off: false };
    push(this.#heap, planned);
    return () => {
      planned.off = true;
    };
  }

  /** Again and again, until it is called off or its owner dies. */
  every(ms: number, owner: Owner, task: () => void): () => void {
    let stop = () => {};
    const again = () => {
      stop = this.after(ms, owner, again);
      task();
    };
    stop = this.after(ms, owner, again);
    return () => stop();
  }

  /** Lets time pass until `end`, ms, or until `done`. Throws what a task throws, and Endless. */
  async run(end: number, done: () => boolean = () => false): Promise<void> {
    while (!done()) {
      const next = this.#heap[0];
      if (!next || next.at > end) break;
      pop(this.#heap);
      if (next.off || !next.owner.alive) continue;
      if (next.owner.frozen > next.at) {
        push(this.#heap, Object.assign(next, { at: next.owner.frozen }));
        continue;
      }
      if (++this.events > MOST_EVENTS) throw new Endless(`more than ${MOST_EVENTS} events`);
      this.now = next.at;
      this.owner = next.owner;
      next.task();
      await settled();
    }
    this.owner = this.nobody;
    if (!done()) this.now = Math.max(this.now, end);
  }

  /** Puts this time in the place of the real one, and `chance` in the place of real chance, until disposed. */
  install(chance: Random): Disposable {
    const timer = (stop: () => void) => ({ stop, unref: () => timer(stop), ref: () => timer(stop) });
    const clear = (given?: { stop?: () => void }) => given?.stop?.();
    const plan = (task: () => void, ms = 0) => timer(this.after(ms, this.owner, task));
    const uuid = () => {
      const hex = Array.from({ length: 32 }, () => chance.between(0, 15).toString(16)).join("");
      return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-4$3-8$4-");
    };
    const listen = (name: string, listener: () => void) => {
      const all = this.owner.listeners;
      all?.set(name, [...(all.get(name) ?? []), listener]);
    };
    const nothing = { addEventListener() {}, visibilityState: "visible" };
    const storage = {
      getItem: (key: string) => this.owner.storage?.get(key) ?? null,
      setItem: (key: string, value: string) => void this.owner.storage?.set(key, value),
      removeItem: (key: string) => void this.owner.storage?.delete(key),
    };
    return replaced([
      [globalThis, "setTimeout", plan],
      [globalThis, "setImmediate", (task: () => void) => plan(task)],
      [globalThis, "setInterval", (task: () => void, ms: number) => timer(this.every(ms, this.owner, task))],
      [globalThis, "clearTimeout", clear],
      [globalThis, "clearInterval", clear],
      [globalThis, "clearImmediate", clear],
      [globalThis, "addEventListener", listen],
      [globalThis, "document", nothing],
      [globalThis, "window", nothing],
      [globalThis, "localStorage", storage],
      [globalThis, "fetch", (path: string, init: RequestInit) => this.#fetch(path, init)],
      [navigator, "onLine", true],
      [Date, "now", () => this.wall()],
      [performance, "now", () => this.now],
      [Math, "random", chance.next],
      [crypto, "randomUUID", uuid],
      [crypto, "getRandomValues", (bytes: Uint8Array) => bytes.map(() => chance.between(0, 255))],
      [Bun, "randomUUIDv7", uuid],
      [Bun, "sleep", (ms: number) => new Promise<void>((done) => void plan(done, ms))],
      [AbortSignal, "timeout", (ms: number) => this.#timeout(ms)],
    ]);
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    if (!this.owner.fetch) throw new Error(`${this.owner.name} has no network`);
    return this.owner.fetch(path, init);
  }

  #timeout(ms: number): AbortSignal {
    const abort = new AbortController();
    this.after(ms, this.owner, () => abort.abort());
    return abort.signal;
  }
}

/** Every promise that can go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((done) => void realImmediate(done));
}

/** Sets properties; disposing puts back what was there. */
function replaced(changes: [target: object, name: string, value: unknown][]): Disposable {
  const before = changes.map(([target, name]) => ({
    there: Object.hasOwn(target, name),
    value: Reflect.get(target, name),
  }));
  for (const [target, name, value] of changes)
    if (!Reflect.set(target, name, value)) throw new Error(`${name} cannot be replaced`);
  return {
    [Symbol.dispose]() {
      changes.forEach(([target, name], i) => {
        if (before[i]?.there) Reflect.set(target, name, before[i].value);
        else Reflect.deleteProperty(target, name);
      });
    },
  };
}

// ── a binary heap ───────────────────────────────────────────────────────────────────────────────────────────────────

const sooner = (a: Planned, b: Planned) => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Planned[], planned: Planned) {
  let at = heap.push(planned) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || !sooner(planned, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = planned;
}

function pop(heap: Planned[]) {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    const child = b && a && sooner(b, a) ? left + 1 : left;
    const below = heap[child];
    if (!below || !sooner(below, last)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}
