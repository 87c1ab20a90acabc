// A WebSocket byte by byte, for frames that no honest client sends.
import { connect, type Socket } from "node:net";

/** A frame as it stands on the wire, masked as a client must. `first` is its first byte: FIN, reserved bits, opcode. */
export function frameOf(
  first: number,
  payload: Uint8Array,
  { length = payload.byteLength, masked = true } = {},
): Buffer {
  const bit = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([first, bit | length])
      : length < 65_536
        ? Buffer.from([first, bit | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([first, bit | 127]), bigEndian(length)]);
  const mask = Buffer.from(masked ? [0, 0, 0, 0] : []); // A mask of zeros leaves the bytes as they are.
  return Buffer.concat([head, mask, payload]);
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

export class RawSocket implements Disposable {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #got: Buffer = Buffer.alloc(0);

  private constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes: Buffer) => {
      this.#got = Buffer.concat([this.#got, bytes]);
    });
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  /** Connects to /ws; resolves with the switch of protocols. `more` are further header lines. */
  static async open(port: number, more = ""): Promise<RawSocket> {
    const raw = new RawSocket(port);
    raw.socket.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
    );
    while (!raw.head.endsWith("\r\n\r\n")) await new Promise((resolve) => raw.socket.once("data", resolve));
    return raw;
  }

  /** The head of the answer. */
  get head(): string {
    const text = this.#got.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    return end < 0 ? "" : text.slice(0, end + 4);
  }

  /** The code of the close frame that came, or null. */
  get closeCode(): number | null {
    const close = this.#frames().find(({ opcode }) => opcode === 8);
    if (!close) return null;
    return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
  }

  /** The texts that came. */
  get texts(): string[] {
    return this.#frames().flatMap(({ opcode, payload }) => (opcode === 1 ? [payload.toString("utf8")] : []));
  }

  /** Those that are whole; none is larger than 64 KiB here. */
  #frames(): { opcode: number; payload: Buffer }[] {
    const bytes = this.#got.subarray(this.head.length);
    const found: { opcode: number; payload: Buffer }[] = [];
    for (let at = 0; at + 2 <= bytes.length; ) {
      const [first = 0, second = 0] = bytes.subarray(at, at + 2);
      if (second > 125 && at + 4 > bytes.length) break;
      const [length, head] = second < 126 ? [second, 2] : [bytes.readUInt16BE(at + 2), 4];
      if (at + head + length > bytes.length) break;
      found.push({ opcode: first & 15, payload: bytes.subarray(at + head, at + head + length) });
      at += head + length;
    }
    return found;
  }

  [Symbol.dispose]() {
    this.socket.destroy();
  }
}
