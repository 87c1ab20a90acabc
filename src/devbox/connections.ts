// Connections to devboxes, shared by everything that this process does there.
import type { Devbox, SshSetup } from "./devbox.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError, REFUSALS } from "./ssh-errors.ts";

/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;
/** Who waited for a login that was refused has been refused as well: sshd counts each one. */
function refusal(error: unknown): null {
  if (error instanceof LaunchError && REFUSALS.has(error.class)) throw error;
  return null;
}

/** One connection for each devbox, closed a minute after its last use. */
export class Connections implements AsyncDisposable {
  readonly setup: SshSetup;
  readonly #open = new Map<string, { ssh: Promise<Ssh>; timer: ReturnType<typeof setTimeout> | undefined }>();

  constructor(setup: SshSetup) {
    this.setup = setup;
  }

  /** Takes over a connection that somebody opened already. */
  take(ssh: Ssh): void {
    const id = JSON.stringify(ssh.devbox);
    this.#open.set(id, { ssh: Promise.resolve(ssh), timer: undefined });
    this.#use(id);
  }

  /** The connection to that devbox, which whoever asks need not close. Throws LaunchError. */
  async get(devbox: Devbox, signal?: AbortSignal): Promise<Ssh> {
    const id = JSON.stringify(devbox);
    const known = this.#open.get(id);
    const ssh = known ? await known.ssh.catch(refusal) : null;
    if (ssh?.open) {
      this.#use(id);
      return ssh;
    }
    if (known && this.#open.get(id) === known) this.#forget(id);
    return this.#connect(id, devbox, signal);
  }

  async #connect(id: string, devbox: Devbox, signal: AbortSignal | undefined): Promise<Ssh> {
    const again = this.#open.get(id);
    if (again) return again.ssh; // Somebody else was first.
    const ssh = Ssh.open(devbox, this.setup, signal);
    this.#open.set(id, { ssh, timer: undefined });
    ssh.then(
      () => this.#use(id),
      () => this.#forget(id),
    );
    return ssh;
  }

  #use(id: string) {
    const kept = this.#open.get(id);
    if (!kept) return;
    clearTimeout(kept.timer);
    kept.timer = setTimeout(async () => {
      const ssh = await kept.ssh;
      if (ssh.busy > 0) return this.#use(id);
      this.#forget(id);
      await ssh[Symbol.asyncDispose]();
    }, IDLE_MS);
    kept.timer.unref();
  }

  #forget(id: string) {
    clearTimeout(this.#open.get(id)?.timer);
    this.#open.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#open.keys()].map((id) => {
      const kept = this.#open.get(id);
      this.#forget(id);
      return kept?.ssh.then((ssh) => ssh[Symbol.asyncDispose]()).catch(() => {});
    });
    await Promise.all(all);
  }
}
