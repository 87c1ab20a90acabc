// What was typed and is not yet written to the session: numbered, kept, and said again until it is.
import type { DeskKeys } from "../protocol.ts";

/** Bytes of one message: base64 and all, well below what the server takes. */
const CHUNK_BYTES = 32 * 1024;
/** Bytes kept; past that nothing more is read from the terminal. */
const FULL_BYTES = 256 * 1024;

/** `send` may lose a message: what is not taken is said again by `again`. */
export function outbox(send: (keys: DeskKeys) => void) {
  let kept: { no: number; bytes: Uint8Array }[] = [];
  let next = 1;
  let size = 0;

  const say = ({ no, bytes }: { no: number; bytes: Uint8Array }) =>
    send({ no, first: kept[0]?.no ?? no, bytes: Buffer.from(bytes).toString("base64") });

  return {
    get empty() {
      return kept.length === 0;
    },
    get full() {
      return size > FULL_BYTES;
    },
    put(bytes: Uint8Array) {
      for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
        const one = { no: next++, bytes: bytes.slice(from, from + CHUNK_BYTES) };
        kept.push(one);
        size += one.bytes.length;
        say(one);
      }
    },
    /** Written up to that number. */
    taken(upto: number) {
      kept = kept.filter(({ no }) => no > upto);
      size = kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
    },
    /** After a loss: all of it. */
    again() {
      for (const one of kept) say(one);
    },
    /** To be told up to where it is written. */
    remind() {
      const [oldest] = kept;
      if (oldest) say(oldest);
    },
    /** It is too old to be typed now. */
    drop() {
      kept = [];
      size = 0;
    },
  };
}
