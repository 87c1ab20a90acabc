// Takes a backup out of its archive into a private folder, believing nothing of it: names, sizes and sums are checked.
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, fsyncSync, openSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import {
  DATABASE,
  MANIFEST,
  MAX_KEY_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  manifest,
} from "./manifest.ts";
import { ArchiveError, readTar } from "./tar.ts";

/** Left free on the disk: what is taken out must not fill it. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** Writes the archive's files into `folder` (private, empty), 0600, and to the disk. Throws ArchiveError. */
export function unpack(path: string, folder: string): Manifest {
  // Not to wait for the other end of a pipe.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new ArchiveError("it is not a file");
    return unpackFrom(file, folder);
  } finally {
    closeSync(file);
  }
}

function unpackFrom(file: number, folder: string): Manifest {
  let told: Manifest | null = null;
  const json: Uint8Array[] = [];
  const made: Target[] = [];
  const opened = new DisposableStack();
  using _ = opened;
  readTar(file, (name, size) => {
    if (made.length === 0 && json.length === 0 && name === MANIFEST && size > 0) {
      if (size > MAX_MANIFEST_BYTES) throw new ArchiveError(`its ${MANIFEST} is larger than any of ours`);
      return (chunk) => json.push(Uint8Array.from(chunk));
    }
    told ??= parse(json);
    const wanted = told.files[made.length];
    if (!wanted || wanted.name !== name)
      throw new ArchiveError(`${name} in it is not what its manifest says`);
    if (wanted.bytes !== size || (name !== DATABASE && size > MAX_KEY_BYTES))
      throw new ArchiveError(`${name} in it does not have the size that it should`);
    checkRoom(folder, size);
    const target = opened.use(new Target(join(folder, name), wanted));
    made.push(target);
    return (chunk) => target.write(chunk);
  });
  const all: Manifest = told ?? parse(json);
  if (made.length < all.files.length) throw new ArchiveError("it does not hold what its manifest says");
  for (const target of made) target.check();
  return all;
}

function parse(chunks: Uint8Array[]): Manifest {
  const parsed = v.safeParse(manifest, json(Buffer.concat(chunks).toString("utf8")));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new ArchiveError(`its ${MANIFEST} is not one of ours (${v.getDotPath(issue) ?? "whole"})`);
  }
  const names = parsed.output.files.map(({ name }) => name);
  if (names[0] !== DATABASE || new Set(names).size < names.length)
    throw new ArchiveError(`its ${MANIFEST} does not name each file once, the database first`);
  return parsed.output;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checkRoom(folder: string, size: number) {
  const { bavail, bsize } = statfsSync(folder);
  if (size + SPARE_BYTES > bavail * bsize)
    throw new ArchiveError(`it needs ${size} bytes beside the data, and there is no room for them`);
}

/** A file that is being taken out. */
class Target implements Disposable {
  readonly #file: number;
  readonly #wanted: ManifestFile;
  readonly #hash = createHash("sha256");

  constructor(path: string, wanted: ManifestFile) {
    const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
    this.#file = openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    this.#wanted = wanted;
  }

  write(chunk: Uint8Array) {
    this.#hash.update(chunk);
    for (let done = 0; done < chunk.length; ) done += writeSync(this.#file, chunk, done);
  }

  check() {
    fsyncSync(this.#file);
    if (this.#hash.digest("hex") !== this.#wanted.sha256)
      throw new ArchiveError(`${this.#wanted.name} in it is damaged: its sum is another`);
  }

  [Symbol.dispose]() {
    closeSync(this.#file);
  }
}
