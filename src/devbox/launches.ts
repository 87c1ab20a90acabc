// The sessions that viewers start on devboxes: how far each is, told to every viewer, and kept for a page that comes back.
import type { DevboxError, Launch, LaunchBody, LaunchId, LaunchStep, SessionId } from "../protocol.ts";
import type { Clock } from "../server/clock.ts";
import { ApiError } from "../server/errors.ts";
import { LIMITS } from "../server/limits.ts";

/** Launches that are over and still told of, each time that a phone connects, and for how long. */
const KEPT_LAUNCHES = 20;
const KEPT_MS = 60 * 60_000;
/** Percent go to every viewer: that often is as good as live. */
const TELL_EVERY_MS = 250;

/** What is on its way. */
export type Progress = Pick<Launch, "step" | "percent">;
/** Starts it; resolves with the session once its wrapper has said hello. Rejects with what `toError` reads. */
export type Start = (
  body: LaunchBody,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
) => Promise<SessionId>;

export type LaunchesOptions = {
  clock: Clock;
  start: Start;
  /** What went wrong, in words for people. */
  toError: (error: unknown) => DevboxError;
  tell: (launch: Launch) => void;
  /** It is over; called once. */
  onEnd: (launch: Launch, body: LaunchBody) => void;
  /** It is over, and that could not be written down. */
  onFault: (error: unknown) => void;
};

type Kept = { launch: Launch; asked: string; toldAt: number; end: AbortController };

export class Launches {
  readonly #options: LaunchesOptions;
  /** Oldest first. */
  readonly #all = new Map<LaunchId, Kept>();
  readonly #end = new AbortController();
  readonly #underway = new Set<Promise<void>>();

  constructor(options: LaunchesOptions) {
    this.#options = options;
  }

  /** Newest first. */
  list(): Launch[] {
    this.#forget();
    return [...this.#all.values()].map(({ launch }) => launch).reverse();
  }

  /**
   * The launch of that id as it is, or null where there is none yet. Throws `invalid` if it was asked for otherwise: an id
   * is one launch.
   */
  known(body: LaunchBody): Launch | null {
    const kept = this.#all.get(body.launch);
    if (!kept) return null;
    if (kept.asked !== JSON.stringify(body))
      throw new ApiError("invalid", "launch: this id belongs to another launch.");
    return kept.launch;
  }

  /** Throws `rate_limited` where too many are under way. */
  room(): void {
    if (this.#underway.size < LIMITS.launches) return;
    const many = `${LIMITS.launches} sessions are being started already; wait for one.`;
    throw new ApiError("rate_limited", many);
  }

  /** Begins it. Throws as `room`. */
  begin(body: LaunchBody): Launch {
    this.room();
    this.#forget();
    const { launch: id, devbox, dir } = body;
    const launch: Launch = {
      ...{ id, devbox, dir, step: "connecting" as LaunchStep, percent: null },
      ...{ began_at: this.#options.clock.now(), ended_at: null, session: null, error: null },
    };
    const end = new AbortController();
    this.#all.set(id, { launch, asked: JSON.stringify(body), toldAt: Number.NEGATIVE_INFINITY, end });
    this.#become(id, {});
    const run = this.#run(body, end.signal)
      .catch((error) => this.#options.onFault(error))
      .finally(() => this.#underway.delete(run));
    this.#underway.add(run);
    return this.#all.get(id)?.launch ?? launch;
  }

  /** Ends it at its next step; `first`: it was under way, and nobody had said so before. Null: there is none. */
  callOff(id: string): { launch: Launch; first: boolean } | null {
    const kept = this.#all.get(id as LaunchId);
    if (!kept) return null;
    const first = kept.launch.ended_at === null && !kept.end.signal.aborted;
    kept.end.abort();
    return { launch: kept.launch, first };
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#underway);
  }

  async #run(body: LaunchBody, calledOff: AbortSignal) {
    const { clock, start, toError, onEnd } = this.#options;
    const late = new AbortController();
    const stopTimer = clock.after(LIMITS.launchMs, () => late.abort());
    const signal = AbortSignal.any([this.#end.signal, late.signal, calledOff]);
    const { launch: id } = body;
    try {
      const session = await start(body, (progress) => this.#progress(id, progress), signal);
      this.#become(id, { step: "started", percent: null, session, ended_at: clock.now() });
    } catch (error) {
      this.#become(id, { step: "failed", percent: null, error: toError(error), ended_at: clock.now() });
    } finally {
      stopTimer();
    }
    const ended = this.#all.get(id)?.launch;
    if (ended) onEnd(ended, body);
  }

  #progress(id: LaunchId, progress: Progress) {
    const kept = this.#all.get(id);
    if (!kept || kept.launch.ended_at !== null) return;
    const { step, percent } = kept.launch;
    if (step === progress.step && percent === progress.percent) return;
    const now = this.#options.clock.now();
    const more = step === progress.step && now >= kept.toldAt && now - kept.toldAt < TELL_EVERY_MS;
    if (more) kept.launch = { ...kept.launch, ...progress };
    else this.#become(id, progress);
  }

  #become(id: LaunchId, change: Partial<Launch>) {
    const kept = this.#all.get(id);
    if (!kept) return;
    kept.launch = { ...kept.launch, ...change };
    kept.toldAt = this.#options.clock.now();
    this.#options.tell(kept.launch);
  }

  #forget() {
    const before = this.#options.clock.now() - KEPT_MS;
    const over = [...this.#all.values()]
      .map(({ launch }) => launch)
      .filter(({ ended_at }) => ended_at !== null);
    const many = over.slice(0, Math.max(0, over.length - KEPT_LAUNCHES));
    const old = over.filter(({ ended_at }) => ended_at !== null && ended_at < before);
    for (const { id } of [...many, ...old]) this.#all.delete(id);
  }
}
