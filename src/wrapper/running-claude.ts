// claude as it runs here: its PTY, its own word on what it does, a machine that stays awake while it works, and Ctrl-Z,
// which stops it and us together.
import { awake } from "./awake.ts";
import { ClaudeState, type ClaudeStatus, claudeFolder } from "./claude-state.ts";
import { takesKeys } from "./keyboard.ts";
import { openPty, type Pty, type PtyEngine, type PtyExit } from "./pty.ts";
import { suspension } from "./suspension.ts";
import type { Size, Terminals } from "./terminals.ts";

export type RunningClaudeOptions = Size & {
  engine: PtyEngine;
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  keepAwake: boolean;
  terminals: Pick<Terminals, "suspend" | "fit">;
  onOutput: (bytes: Uint8Array) => void;
  onStatus: (said: ClaudeStatus) => void;
  onSuspended: (suspended: boolean) => void;
};

/** Starts claude at once; throws, saying why, where it cannot be started. */
export class RunningClaude implements Disposable {
  readonly #pty: Pty;
  readonly #state: ClaudeState;
  readonly #suspension: ReturnType<typeof suspension>;
  readonly #awake: ReturnType<typeof awake>;
  readonly #exit = Promise.withResolvers<PtyExit>();
  #over = false;

  constructor({ terminals, keepAwake, onOutput, onStatus, onSuspended, ...start }: RunningClaudeOptions) {
    this.#awake = awake(keepAwake);
    this.#suspension = suspension({
      kill: (signal) => this.#killAll(signal),
      stop: () => terminals.suspend(),
      hears: () => takesKeys(this.pid),
      onSuspended: () => onSuspended(true),
      // Only now: one that is told of another size while it is stopped hears of it together with the word to go on, and
      // 2.1.197 then loses one of the two at times.
      onContinued() {
        onSuspended(false);
        terminals.fit();
      },
    });
    const { engine, ...program } = start;
    const onData = (bytes: Uint8Array) => {
      onOutput(bytes);
      this.#suspension.output(bytes);
    };
    this.#pty = openPty(engine, { ...program, onData, onExit: (exit) => this.#ended(exit) });
    this.#state = new ClaudeState(claudeFolder(start.env), this.#pty.pid, (said) => {
      onStatus(said);
      this.#awake.set(said.status === "busy");
    });
  }

  get pid() {
    return this.#pty.pid;
  }

  get exited() {
    return this.#exit.promise;
  }

  /** claude's own word on its version; null before it has written its state. */
  get version() {
    return this.#state.version;
  }

  /** A hook has named it: by that its state is found where a launcher's pid is not claude's. */
  set conversation(id: string) {
    this.#state.conversation = id;
  }

  /** Reads its state now. */
  look() {
    this.#state.look();
  }

  write(bytes: Uint8Array) {
    this.#pty.write(bytes);
  }

  resize(cols: number, rows: number) {
    this.#pty.resize(cols, rows);
  }

  kill(signal: NodeJS.Signals) {
    this.#pty.kill(signal);
  }

  /** With what it started in its own group, as a shell stops and continues a job. */
  #killAll(signal: NodeJS.Signals) {
    if (this.#over) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      this.kill(signal);
    }
  }

  #ended(exit: PtyExit) {
    this.#over = true;
    this.#exit.resolve(exit);
  }

  /** That was typed at a terminal; `afar`: at an attached one. */
  typed(text: string, afar: boolean) {
    this.#suspension.typed(text, afar);
  }

  [Symbol.dispose]() {
    this.#awake.set(false);
    this.#state[Symbol.dispose]();
    this.#pty.close();
  }
}
