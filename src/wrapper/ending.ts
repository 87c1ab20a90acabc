// How a run ends: what ends it although claude would go on, why it ended, and the last word to the server.
import type { EndReason, ServerMessage, SessionId, WrapperMessage } from "../protocol.ts";
import type { Link } from "./link.ts";
import type { Log } from "./log-file.ts";
import type { PtyExit } from "./pty.ts";
import type { Runs } from "./runs.ts";

/** How long an exit waits for the server's word; after that the next wrapper on this machine reports it. */
const EXIT_ACK_MS = 1_000;
/** A session ends after a whole day without a terminal, a viewer and output. */
const FORGOTTEN_MS = 24 * 60 * 60 * 1_000;
/** While claude waits for an answer, after a week: nobody's weekend away costs a question; what is left for longer was left. */
const FORGOTTEN_ASKING_MS = 7 * FORGOTTEN_MS;

export type EndingOptions = {
  id: SessionId;
  onHangup: "detach" | "end";
  runs: Pick<Runs, "ended">;
  link: () => Pick<Link, "up" | "refused" | "tell">;
  kill: (signal: NodeJS.Signals) => void;
  /** claude waits for a person's answer. */
  asks: () => boolean;
  log: Log;
  /** How long the last word waits for the server's, ms, where it is not EXIT_ACK_MS. */
  patience: number | undefined;
};

/** What became of a run that ended by itself, or by `stop`. */
export class Ending implements Disposable {
  readonly #options: EndingOptions;
  readonly #acked = Promise.withResolvers<void>();
  #reason: EndReason | null = null;
  /** What is said last; where nobody waits for us, again after a reconnect. */
  #farewell: WrapperMessage | null = null;
  /** Somebody may look: a phone is paired. */
  #paired = false;
  #viewers = 0;
  #terminal = true;
  #forgotten: ReturnType<typeof setTimeout> | undefined;
  /** claude printed nothing since that began. */
  #silent = true;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  stop(reason: EndReason, signal: NodeJS.Signals) {
    this.#reason = reason;
    this.#options.kill(signal);
  }

  /** The terminal that we were started in is gone; whether claude goes on, for whoever may look. `others`: attached. */
  hungUp(others: boolean): boolean {
    const { onHangup, link, log } = this.#options;
    const goesOn = onHangup === "detach" && (this.#paired || others) && link().up;
    log("hangup", { goesOn });
    if (!goesOn) this.stop("hangup", "SIGHUP");
    return goesOn;
  }

  /** So many look at it. */
  watched({ viewers, paired }: Extract<ServerMessage, { type: "watch" }>) {
    this.#viewers = viewers;
    this.#paired = paired;
    this.#remember();
  }

  /** Whether somebody sits before it. */
  seated(terminal: boolean) {
    this.#terminal = terminal;
    this.#remember();
  }

  /** claude printed something: whoever let it work for days has not forgotten it. */
  printed() {
    this.#silent = false;
  }

  /** `silentMs`: for so long it was alone and silent already. */
  #remember(silentMs = 0) {
    clearTimeout(this.#forgotten);
    if (this.#terminal || this.#viewers > 0) return;
    if (silentMs === 0) this.#silent = true;
    this.#forgotten = setTimeout(() => this.#judge(silentMs + FORGOTTEN_MS), FORGOTTEN_MS);
  }

  #judge(silentMs: number) {
    if (!this.#silent) this.#remember();
    else if (silentMs < FORGOTTEN_ASKING_MS && this.#options.asks()) this.#remember(silentMs);
    else this.stop("hangup", "SIGHUP");
  }

  /** claude has ended: that is kept on disk, with what the server has not acknowledged, and said. */
  async farewell({ code, signal }: PtyExit, unacked: Parameters<Runs["ended"]>[2]): Promise<void> {
    const { id, runs, link, log } = this.#options;
    const reason = this.#reason ?? (signal ? "signal" : "exit");
    runs.ended(id, { code, signal, reason }, unacked);
    this.#farewell = { type: "exit", code, signal, reason };
    const within = this.#patience(link().tell(this.#farewell));
    if (within > 0) await Promise.race([this.#acked.promise, Bun.sleep(within)]);
    log("exit", { code, signal, reason });
  }

  #patience(told: boolean): number {
    const asked = this.#options.link().refused ? 0 : this.#options.patience;
    return asked ?? (told ? EXIT_ACK_MS : 0);
  }

  restate() {
    if (this.#farewell) this.#options.link().tell(this.#farewell);
  }

  /** The server has the last word. */
  acked() {
    this.#acked.resolve();
  }

  [Symbol.dispose]() {
    clearTimeout(this.#forgotten);
  }
}
