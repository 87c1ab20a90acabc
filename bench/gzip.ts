// What a terminal's own bytes would cost the phone: gzip with a flush as often as a phone gets a frame.
import { constants, createGzip } from "node:zlib";
import type { Write } from "./recordings.ts";

/** Ten a second, as the server sends frames. */
const FRAME_MS = 100;

/** One gzip stream, flushed at most ten times a second of the writes' own time. */
export function liveGzip() {
  const gzip = createGzip();
  let bytes = 0;
  gzip.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  const flushed = () => new Promise<void>((done) => gzip.flush(constants.Z_SYNC_FLUSH, done));
  return {
    /** How many bytes these writes make. */
    async add(writes: readonly Write[]): Promise<number> {
      const before = bytes;
      let frame = 0;
      for (const { at, bytes: piece } of writes) {
        if (Math.floor(at / FRAME_MS) > frame) await flushed();
        frame = Math.floor(at / FRAME_MS);
        gzip.write(piece);
      }
      await flushed();
      return bytes - before;
    },
  };
}
