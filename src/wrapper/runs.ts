// What is left of each run on this machine, so that an end that nobody heard of is reported by the next wrapper.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { privateFolder } from "../paths.ts";
import type { EndReason, SessionId, UnheardFact } from "../protocol.ts";
import { alive, bornAt } from "./birth.ts";

const END_REASONS = ["exit", "signal", "lost", "hangup", "stopped"] as const satisfies EndReason[];
const end = v.object({
  code: v.nullable(v.number()),
  signal: v.nullable(v.string()),
  reason: v.picklist(END_REASONS),
});
const schema = v.object({
  session: v.string(),
  pid: v.number(),
  born: v.string(),
  end: v.optional(end),
  /** The folder of a session that goes on without a terminal. */
  alone: v.optional(v.string()),
  /** What became of its last questions, as the server takes it. */
  facts: v.optional(v.array(v.custom<UnheardFact>((fact) => typeof fact === "object")), []),
});

export type End = v.InferOutput<typeof end>;
export type LeftRun = End & { session: SessionId; facts?: UnheardFact[] };

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort();
  } catch {
    return []; // There is none yet, or it is not ours.
  }
}

function read(file: string): v.InferOutput<typeof schema> | null {
  try {
    return v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null; // Not ours, cut by a full disk, or just removed.
  }
}

/** The records of one machine's runs, one file each. A disk that is full or read-only loses a record and nothing else. */
export class Runs {
  readonly #folder: string;
  /** What the records of our own runs say of that. */
  readonly #alone = new Map<SessionId, string | null>();

  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, "runs");
  }

  /** This run began. */
  began(session: SessionId) {
    this.#write({ session, pid: process.pid, born: bornAt(process.pid) });
  }

  /** It goes on in that folder without a terminal; null: it has one. */
  alone(session: SessionId, folder: string | null) {
    if ((this.#alone.get(session) ?? null) === folder) return;
    this.#alone.set(session, folder);
    const alone = folder === null ? {} : { alone: folder };
    this.#write({ session, pid: process.pid, born: bornAt(process.pid), ...alone });
  }

  /** Sessions that go on in that folder without a terminal, oldest first; none where that cannot be read. */
  aloneIn(folder: string): SessionId[] {
    return namesIn(this.#folder).flatMap((name) => {
      const run = read(join(this.#folder, name));
      const here = run && !run.end && run.alone === folder && alive(run.pid, run.born);
      return here ? [run.session as SessionId] : [];
    });
  }

  /** It ended, and nobody has acknowledged that yet, nor these facts. */
  ended(session: SessionId, ending: End, facts: UnheardFact[]) {
    this.#write({ session, pid: process.pid, born: "ended", end: ending, facts });
  }

  /** The server knows. */
  reported(session: SessionId) {
    if (existsSync(this.#file(session))) rmSync(this.#file(session), { force: true });
  }

  /**
   * Runs whose end nobody reported: those that left word, and those whose process is gone. In the order in which they wrote
   * that down, since whoever hears of them takes the last for the newest.
   */
  left(): LeftRun[] {
    const files = namesIn(this.#folder).map((name) => join(this.#folder, name));
    const written = files.map((file) => ({
      file,
      at: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }));
    return written.sort((a, b) => a.at - b.at).flatMap(({ file }) => this.#leftOf(file));
  }

  #leftOf(file: string): LeftRun[] {
    try {
      const run = v.parse(schema, JSON.parse(readFileSync(file, "utf8")));
      const session = run.session as SessionId;
      const { facts } = run;
      if (run.end) return [{ session, ...run.end, facts }];
      return alive(run.pid, run.born) ? [] : [{ session, code: null, signal: null, reason: "lost", facts }];
    } catch {
      if (existsSync(file)) rmSync(file, { force: true }); // Not ours, or cut by a full disk: it says nothing.
      return [];
    }
  }

  #write(run: v.InferInput<typeof schema>) {
    const file = this.#file(run.session);
    try {
      privateFolder(this.#folder);
      writeFileSync(`${file}.new`, JSON.stringify(run), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch {
      // The record is lost; a rest of it is written over by the next.
    }
  }

  #file(session: string) {
    return join(this.#folder, `${session}.json`);
  }
}
