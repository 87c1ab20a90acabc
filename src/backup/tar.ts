// A plain tar (ustar) of a few files of our own, written and read in order. What else a tar can hold is refused.
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";

/** An archive that is not what we write; the message says in what. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

const BLOCK = 512;
/** Bytes copied at once. */
const CHUNK = 256 * 1024;
/** As much as the size field of a plain tar can say: 11 octal digits, 8 GiB. A larger database is copied by other means. */
export const MAX_FILE_BYTES = 8 ** 11 - 1;
/** Zeros after the last file: two blocks end an archive, GNU tar fills up to 20. */
const MAX_END_BLOCKS = 64;

/** A file that goes into an archive: text or bytes in memory, or a file on disk. */
export type Entry = { name: string; content: Uint8Array } | { name: string; path: string };

/** Writes a new file, 0600, and to the disk. Throws if it is there already. */
export function writeTar(path: string, entries: Entry[], at: number): void {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const out = openSync(path, O_CREAT | O_EXCL | O_WRONLY, 0o600);
  try {
    for (const entry of entries) {
      if ("content" in entry) {
        put(out, headerOf(entry.name, entry.content.length, at));
        put(out, entry.content);
        put(out, padding(entry.content.length));
      } else putFile(out, entry, at);
    }
    put(out, Buffer.alloc(2 * BLOCK));
    fsyncSync(out);
  } finally {
    closeSync(out);
  }
}

function putFile(out: number, { name, path }: { name: string; path: string }, at: number) {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(file);
    put(out, headerOf(name, size, at));
    copyBytes(file, size, (chunk) => put(out, chunk));
    put(out, padding(size));
  } finally {
    closeSync(file);
  }
}

function put(out: number, bytes: Uint8Array) {
  for (let done = 0; done < bytes.length; ) done += writeSync(out, bytes, done);
}

const padding = (size: number) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;

function headerOf(name: string, size: number, at: number): Buffer {
  if (size > MAX_FILE_BYTES)
    throw new ArchiveError(`${name} has ${size} bytes; a backup can hold ${MAX_FILE_BYTES}`);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, "ascii");
  header.write(octal(0o600, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(Math.floor(at / 1000), 11), 136);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  header.write(octal(checksum(header), 6), 148);
  header.write(" ", 155);
  return header;
}

/** The sum of a header's bytes, its own field counted as spaces. */
const checksum = (header: Uint8Array) =>
  header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);

/**
 * Reads an archive's files in order: `open` says for each name and size where its bytes go, or throws. Throws
 * ArchiveError for everything that is not a plain file with a bare name, and for what is cut short.
 */
export function readTar(
  file: number,
  open: (name: string, size: number) => (chunk: Uint8Array) => void,
): void {
  for (;;) {
    const header = block(file);
    if (header.every((byte) => byte === 0)) break;
    const { name, size } = fieldsOf(header);
    copyBytes(file, size, open(name, size));
    readExactly(file, padding(size));
  }
  checkEnd(file);
}

function fieldsOf(header: Buffer): { name: string; size: number } {
  const text = (from: number, to: number) => header.toString("latin1", from, to).replace(/\0[\s\S]*$/, "");
  const number = (from: number, to: number) => {
    const digits = text(from, to).trim();
    return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  };
  if (number(148, 156) !== checksum(header)) throw new ArchiveError("it is no tar, or damaged");
  const name = text(0, 100);
  const shown = JSON.stringify(name).slice(0, 80);
  if (!["0", ""].includes(text(156, 157)) || text(157, 257) !== "" || text(345, 500) !== "")
    throw new ArchiveError(`${shown} in it is not a plain file`);
  if (!/^[a-z][a-z.-]*$/.test(name)) throw new ArchiveError(`${shown} in it is a name that no backup has`);
  const size = number(124, 136);
  if (!Number.isInteger(size))
    throw new ArchiveError(`${shown} in it is larger than ${MAX_FILE_BYTES} bytes`);
  return { name, size };
}

function checkEnd(file: number) {
  const buffer = Buffer.alloc(BLOCK);
  for (let blocks = 0; blocks < MAX_END_BLOCKS; blocks++) {
    const read = readSync(file, buffer, 0, BLOCK, null);
    if (read === 0) return;
    if (buffer.subarray(0, read).some((byte) => byte !== 0)) break;
  }
  throw new ArchiveError("something stands after its end");
}

function block(file: number): Buffer {
  const buffer = Buffer.alloc(BLOCK);
  readExactly(file, buffer);
  return buffer;
}

function readExactly(file: number, into: Buffer) {
  for (let done = 0; done < into.length; ) {
    const read = readSync(file, into, done, into.length - done, null);
    if (read === 0) throw new ArchiveError("it is cut short");
    done += read;
  }
}

function copyBytes(file: number, size: number, write: (chunk: Uint8Array) => void) {
  const buffer = Buffer.alloc(Math.min(CHUNK, size));
  for (let left = size; left > 0; ) {
    const read = readSync(file, buffer, 0, Math.min(buffer.length, left), null);
    if (read === 0) throw new ArchiveError("it is cut short");
    write(buffer.subarray(0, read));
    left -= read;
  }
}
