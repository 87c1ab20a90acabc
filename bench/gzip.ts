// What a terminal's own bytes would cost the phone: gzip with a flush as often as a phone gets a frame.
import { constants, createGzip } from "node:zlib";
import type { Write } from "./recordings.ts";

/** Ten a second, as the server sends frames. */
const FRAME_MS = 100;

/** Bytes of these writes in one gzip stream, flushed at most ten times a second. */
export async function gzippedLive(writes: readonly Write[]): Promise<number> {
  const gzip = createGzip();
  let bytes = 0;
  gzip.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  const flushed = () => new Promise<void>((done) => gzip.flush(constants.Z_SYNC_FLUSH, done));
  let frame = 0;
  for (const { at, bytes: piece } of writes) {
    if (Math.floor(at / FRAME_MS) > frame) await flushed();
    frame = Math.floor(at / FRAME_MS);
    gzip.write(piece);
  }
  await flushed();
  return bytes;
}
