// Files that viewers hand over, on this machine's disk for as long as the run lasts: claude is told where each one is.
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { privateFolder } from "../paths.ts";
import type { FileId, FileRefusal, ServerMessage, WrapperMessage } from "../protocol.ts";
import { claimRunFolder } from "./run-folders.ts";

/** Files of one run, and bytes of all of them: the run folder is often memory. */
const MAX_FILES = 200;
const MAX_BYTES = 256 * 1024 * 1024;
/** Ids of files that were removed, so that a piece that was still on its way does not bring one back. */
const MAX_GONE = 200;
/** A text is told from other bytes by this much of it. */
const LOOK_BYTES = 8 * 1024;

/** Endings that claude knows what to do with, and nothing else does anything with. */
const ENDINGS = new Set(
  (
    "png jpg jpeg gif webp bmp heic pdf txt md csv tsv json jsonl log xml yaml yml toml ini diff patch html css scss sql " +
    "ts tsx js jsx mjs py rb go rs java kt swift c h cc cpp hpp cs php sh lua r ipynb"
  ).split(" "),
);

type Piece = Omit<Extract<ServerMessage, { type: "file" }>, "type">;
type Handed = { path: string; size: number; upto: number; whole: boolean; ending: string | null };

export type HandedFilesOptions = {
  /** Where folders of single runs are made. */
  runFolder: string;
  tell: (message: WrapperMessage) => void;
  /** For tests. */
  maxBytes?: number;
};

/** The files of one run. Closing removes them all. */
export class HandedFiles implements Disposable {
  readonly #options: HandedFilesOptions;
  readonly #files = new Map<FileId, Handed>();
  readonly #gone = new Set<FileId>();
  #folder: string | null = null;

  constructor(options: HandedFilesOptions) {
    this.#options = options;
  }

  /**
   * Writes a piece that follows what is there, and says how much of the file is on disk. Any other piece changes nothing,
   * and is told the same: so each may come twice, and a sender that knows nothing is told where to go on.
   */
  take({ id, name, size, at, bytes }: Piece) {
    const known = this.#files.get(id);
    const reason = known ? null : this.#refusal(id, size);
    if (reason) return this.#refuse(id, reason);
    try {
      const file = known ?? this.#begin(id, name, size);
      const piece = Buffer.from(bytes, "base64");
      if (file.whole || at !== file.upto) return this.#say(id, file);
      if (at + piece.length > file.size) return this.#drop(id, "too_large");
      write(file.path, piece, at);
      file.upto += piece.length;
      if (file.upto === file.size) this.#finish(file);
      this.#say(id, file);
    } catch {
      this.#drop(id, "disk");
    }
  }

  /** The viewer does not want it any more. */
  gone(id: FileId) {
    this.#gone.add(id);
    for (const [oldest] of this.#gone.entries()) if (this.#gone.size > MAX_GONE) this.#gone.delete(oldest);
    this.#remove(id);
  }

  #refusal(id: FileId, size: number): FileRefusal | null {
    if (this.#gone.has(id)) return "gone";
    const bytes = [...this.#files.values()].reduce((sum, file) => sum + file.size, size);
    const full = this.#files.size >= MAX_FILES || bytes > (this.#options.maxBytes ?? MAX_BYTES);
    return full ? "full" : null;
  }

  #begin(id: FileId, name: string, size: number): Handed {
    this.#folder ??= this.#open();
    // Neither the viewer's name nor its id is any part of the path.
    const path = join(this.#folder, `${crypto.randomUUID()}.part`);
    const file = { path, size, upto: 0, whole: false, ending: endingOf(name) };
    closeSync(openSync(path, "wx", 0o600));
    this.#files.set(id, file);
    return file;
  }

  #open(): string {
    const folder = join(privateFolder(this.#options.runFolder), randomBytes(4).toString("hex"));
    mkdirSync(folder, { mode: 0o700 });
    claimRunFolder(folder); // Should we be killed, the next run removes it.
    return folder;
  }

  #finish(file: Handed) {
    const path = file.path.replace(/part$/, file.ending ?? (isText(file.path) ? "txt" : "bin"));
    renameSync(file.path, path);
    Object.assign(file, { path, whole: true });
  }

  #say(id: FileId, { upto, whole, path }: Handed) {
    this.#options.tell({ type: "file_taken", id, upto, path: whole ? path : null });
  }

  #refuse(id: FileId, reason: FileRefusal) {
    this.#options.tell({ type: "file_refused", id, reason });
  }

  #drop(id: FileId, reason: FileRefusal) {
    this.#remove(id);
    this.#refuse(id, reason);
  }

  #remove(id: FileId) {
    const file = this.#files.get(id);
    this.#files.delete(id);
    if (file) rmSync(file.path, { force: true });
  }

  [Symbol.dispose]() {
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#files.clear();
  }
}

function write(path: string, bytes: Uint8Array, at: number) {
  const file = openSync(path, "r+");
  try {
    for (let done = 0; done < bytes.length; )
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
  } finally {
    closeSync(file);
  }
}

/** The ending that the file gets; null where its name has none that is known. */
export function endingOf(name: string): string | null {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toLowerCase();
  return ending !== undefined && ENDINGS.has(ending) ? ending : null;
}

/** Whether its beginning is UTF-8 without a NUL; a character may be cut at the end. */
function isText(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(LOOK_BYTES);
    const head = bytes.subarray(0, readSync(file, bytes, 0, LOOK_BYTES, 0));
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return !head.includes(0);
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}
