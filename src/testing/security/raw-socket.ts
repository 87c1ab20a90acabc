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
    const frames = this.#got.subarray(this.head.length);
    for (let at = 0; at + 2 <= frames.length; ) {
      const [first = 0, second = 0] = frames.subarray(at, at + 2);
      const [length, head] = second < 126 ? [second, 2] : [frames.readUInt16BE(at + 2), 4];
      if ((first & 15) === 8) return length >= 2 ? frames.readUInt16BE(at + head) : 1005;
      at += head + length;
    }
    return null;
  }

  [Symbol.dispose]() {
    this.socket.destroy();
  }
}
