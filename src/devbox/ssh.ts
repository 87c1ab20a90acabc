// A connection to a devbox's shell, shared by everything that this process does there.
import type { Devbox, SshSetup } from "./devbox.ts";

/** How a script ended: `code` is null if a signal killed it there. */
export type ScriptResult = { code: number | null; out: string; err: string };

/** Scripts and files for one devbox. Throws LaunchError wherever the connection fails. */
export class Ssh implements AsyncDisposable {
  readonly devbox: Devbox;
  readonly setup: SshSetup;

  private constructor(devbox: Devbox, setup: SshSetup) {
    this.devbox = devbox;
    this.setup = setup;
  }

  /** Connects. Throws LaunchError; a refused login is never tried again by itself. */
  static async open(devbox: Devbox, setup: SshSetup): Promise<Ssh> {
    return new Ssh(devbox, setup);
  }

  /** Runs a script for /bin/sh there, with `stdin` as its input; what the login shell prints itself is left out. */
  async script(_text: string, _stdin?: string | Uint8Array, _signal?: AbortSignal): Promise<ScriptResult> {
    throw new Error("not yet");
  }

  /** Puts a file there under a temporary name, and moves it to `path` when it is whole. `onProgress`: bytes so far. */
  async copy(
    _file: string,
    _path: string,
    _mode: number,
    _onProgress?: (bytes: number) => void,
    _signal?: AbortSignal,
  ): Promise<void> {
    throw new Error("not yet");
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** One connection for each devbox, kept for a minute after its last use. */
export class Connections implements AsyncDisposable {
  readonly setup: SshSetup;

  constructor(setup: SshSetup) {
    this.setup = setup;
  }

  /** The connection to that devbox, which need not be closed by who asks. Throws LaunchError. */
  get(devbox: Devbox): Promise<Ssh> {
    return Ssh.open(devbox, this.setup);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
