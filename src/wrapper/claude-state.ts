// claude's own state file, ~/.claude/sessions/<pid>.json: idle, busy or waiting, and what for. Seen on 2.1.197 and 2.1.329.
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { descends } from "./process-tree.ts";

const schema = v.object({
  pid: v.number(),
  sessionId: v.optional(v.string()),
  version: v.optional(v.string()),
  status: v.picklist(["idle", "busy", "waiting"]),
  waitingFor: v.nullish(v.string()),
  /** When `status` became what it is, ms since 1970: another for each new wait. */
  statusUpdatedAt: v.optional(v.number()),
});

export type ClaudeStatus = v.InferOutput<typeof schema>;

/** The watch tells at once; the look, should an event be lost or the folder not exist yet, by then. */
const LOOK_MS = 250;
/** A state file is a few hundred bytes; a larger one is not claude's. */
const MAX_BYTES = 64 * 1024;

/** Where this claude keeps its files, as claude itself decides it. */
export const claudeFolder = (env: Record<string, string | undefined>) =>
  env.CLAUDE_CONFIG_DIR ?? join(env.HOME ?? homedir(), ".claude");

/**
 * Follows the state of the claude that was just started as `pid`; `onChange` gets each new one, and never before the
 * constructor is done. Before claude writes any: nothing. What stands there by then is of a killed claude with that pid.
 */
export class ClaudeState implements Disposable {
  readonly #folder: string;
  readonly #pid: number;
  readonly #file: string;
  readonly #onChange: (status: ClaudeStatus) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #watcher: FSWatcher | null = null;
  #last = "";
  #version: string | null = null;
  #conversation: string | null = null;

  constructor(claudeFolder: string, pid: number, onChange: (status: ClaudeStatus) => void) {
    this.#folder = join(claudeFolder, "sessions");
    this.#pid = pid;
    this.#file = join(this.#folder, `${pid}.json`);
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#last = bounded(this.#file) ?? "";
    this.#watcher = this.#watch();
  }

  /** A launcher's pid is not claude's: once a hook has named the conversation, the file that names it too is found. */
  set conversation(id: string) {
    this.#conversation = id;
  }

  /** claude's own word on its version; null before it has written its state. */
  get version() {
    return this.#version;
  }

  /** Reads the file now. */
  look() {
    this.#watcher ??= this.#watch();
    const text = bounded(this.#file) ?? this.#byConversation();
    if (text === null || text === this.#last) return;
    const parsed = v.safeParse(schema, parse(text));
    if (!parsed.success) return; // Half written: the next look has it whole.
    this.#last = text;
    this.#version = parsed.output.version ?? null;
    this.#onChange(parsed.output);
  }

  #watch(): FSWatcher | null {
    try {
      return watch(this.#folder, () => this.look()).on("error", () => this.#unwatch());
    } catch {
      return null; // No folder before claude's first start.
    }
  }

  #unwatch() {
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** Another claude may be in the same conversation, also once ours has ended; where the system tells, ours is below the launcher. */
  #mayBeIts(pid: number): boolean {
    return pid > 0 && (process.platform !== "linux" || descends(pid, this.#pid));
  }

  #byConversation(): string | null {
    if (!this.#conversation) return null;
    try {
      const files = readdirSync(this.#folder).filter((name) => this.#mayBeIts(Number.parseInt(name, 10)));
      const texts = files.map((name) => bounded(join(this.#folder, name)));
      return texts.find((text) => text?.includes(`"${this.#conversation}"`)) ?? null;
    } catch {
      return null;
    }
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer);
    this.#unwatch();
  }
}

function bounded(file: string): string | null {
  try {
    return statSync(file).size > MAX_BYTES ? null : readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
