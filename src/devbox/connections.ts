// Connections to devboxes, shared by everything that this process does there.
import type { Devbox, SshSetup } from "./devbox.ts";
import { orStopped, Ssh, stopped } from "./ssh.ts";

/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;

type Kept = {
  ssh: Promise<Ssh>;
  /** Once the login is over. */
  there: Ssh | null;
  /** Who waits for the login. */
  waiting: number;
  /** Ends the login. */
  end: AbortController;
  timer: ReturnType<typeof setTimeout> | undefined;
};

/** One connection for each devbox, closed a minute after its last use. */
export class Connections implements AsyncDisposable {
  readonly setup: SshSetup;
  readonly #open = new Map<string, Kept>();
  #closed = false;

  constructor(setup: SshSetup) {
    this.setup = setup;
  }

  /** Takes over a connection that somebody opened already. */
  take(ssh: Ssh): void {
    const [ready, end] = [Promise.resolve(ssh), new AbortController()];
    const kept: Kept = { ssh: ready, there: ssh, waiting: 0, end, timer: undefined };
    const id = JSON.stringify(ssh.devbox);
    this.#open.set(id, kept);
    this.#use(id, kept);
  }

  /**
   * The connection to that devbox, which whoever asks need not close. A login that is under way is everybody's who waits for it,
   * and so is its failure, since sshd counts each refusal; it goes on until nobody waits any more. Throws LaunchError.
   */
  async get(devbox: Devbox, signal?: AbortSignal): Promise<Ssh> {
    if (this.#closed || signal?.aborted) throw stopped(devbox.name);
    const id = JSON.stringify(devbox);
    const known = this.#open.get(id);
    const lost = known?.there?.open === false;
    if (known && lost) this.#forget(id, known);
    const kept = known && !lost ? known : this.#connect(id, devbox);
    kept.waiting++;
    try {
      const ssh = await orStopped(kept.ssh, devbox.name, signal);
      this.#use(id, kept);
      return ssh;
    } finally {
      if (--kept.waiting === 0 && !kept.there) this.#giveUp(id, kept);
    }
  }

  #connect(id: string, devbox: Devbox): Kept {
    const end = new AbortController();
    const ssh = Ssh.open(devbox, this.setup, end.signal);
    const kept: Kept = { ssh, there: null, waiting: 0, end, timer: undefined };
    this.#open.set(id, kept);
    ssh.then(
      (there) => {
        kept.there = there;
        this.#use(id, kept);
      },
      () => this.#forget(id, kept),
    );
    return kept;
  }

  /** Nobody wants that login any more; whoever comes now begins another. */
  #giveUp(id: string, kept: Kept) {
    this.#forget(id, kept);
    kept.end.abort();
  }

  #use(id: string, kept: Kept) {
    if (this.#open.get(id) !== kept) return;
    clearTimeout(kept.timer);
    kept.timer = setTimeout(async () => {
      if (kept.there && kept.there.busy > 0) return this.#use(id, kept);
      this.#forget(id, kept);
      await kept.there?.[Symbol.asyncDispose]();
    }, IDLE_MS);
    kept.timer.unref();
  }

  #forget(id: string, kept: Kept) {
    clearTimeout(kept.timer);
    if (this.#open.get(id) === kept) this.#open.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const all = [...this.#open].map(([id, kept]) => {
      this.#giveUp(id, kept);
      return kept.ssh.then((ssh) => ssh[Symbol.asyncDispose]()).catch(() => {});
    });
    await Promise.all(all);
  }
}
