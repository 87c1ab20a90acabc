// What every command shares: errors with an exit code, flags, and the words that start this program again.

import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** A failure the user is told in one sentence: what failed, why, what to do. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const USAGE = 2;
export const UNREACHABLE = 4;
export const REFUSED = 5;

/** Reads a command's flags; a word it does not know ends it with exit code 2 and `usage`. */
export function flags<const T extends ParseArgsOptionsConfig>(args: string[], options: T, usage: string) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${why}\nUsage: ${usage}`, USAGE);
  }
}

/** Asks at the terminal; only a yes is one, and Ctrl-C and Ctrl-D are none. */
export async function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await lines.question(`${question} [y/N] `).catch(() => {
    process.stderr.write("\n");
    return "";
  });
  lines.close();
  return /^y(es)?$/i.test(reply.trim());
}

/** Refuses what only a person does, not a program that claude runs. */
export function notBelowClaude(why: string): void {
  if (process.env.CLAUDECODE === "1") throw new CommandError(`${why}, not below a running claude`, REFUSED);
}

/** Needs a terminal to ask at, unless `--yes` came. */
export function askable(yes: boolean | undefined): void {
  if (!yes && !process.stdin.isTTY)
    throw new CommandError("this asks for a yes at a terminal; for scripts: --yes", REFUSED);
}

/** Asks, unless `--yes` came; anything but a yes ends the command with `refusal`. */
export async function agree(question: string, yes: boolean | undefined, refusal: string): Promise<void> {
  askable(yes);
  if (!yes && !(await askYes(question))) throw new CommandError(refusal, REFUSED);
}

/** "2026-11-21 15:40", UTC. */
export const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");

/** This user's name, as the system knows it; Bun's `userInfo` knows only the environment's. */
export function userName(): string {
  const { success, stdout } = Bun.spawnSync(["id", "-un"], { stdin: "ignore", stderr: "ignore" });
  return success ? stdout.toString().trim() : String(process.getuid?.() ?? "");
}

/** Names come from outside: no control character of theirs reaches the terminal. */
export const printable = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

/** What a terminal takes for more than a letter: control characters, ends of lines, turns of direction. */
const COMMANDING = /[\0-\x08\n-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g;

/** An answer of the other side with a `?` for each of these, in whatever it says, so that all of it can be printed. */
export function harmless(answer: unknown): unknown {
  if (typeof answer === "string") return answer.replace(COMMANDING, "?");
  if (Array.isArray(answer)) return answer.map(harmless);
  if (answer === null || typeof answer !== "object") return answer;
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, harmless(value)]));
}

/** The file that runs here. Where it was just replaced, the system says "… (deleted)"; the newer one stands in its place. */
export const executable = () => process.execPath.replace(/ \(deleted\)$/, "");

/** The words that start this very program: the compiled binary, or bun with the source. */
export function ourselves(): string[] {
  // Not import.meta.url: compiled to bytecode, that still names the source.
  const compiled = Bun.main.includes("$bunfs") || Bun.main.includes("~BUN");
  return compiled ? [executable()] : [executable(), join(import.meta.dir, "cli.ts")];
}
