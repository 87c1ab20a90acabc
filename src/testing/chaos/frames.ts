// WebSocket frames as bytes (RFC 6455): enough to look into them, to hold them back, and to cut one in half.

/** 1 text, 2 binary, 8 close, 9 ping, 10 pong; 0 goes on with the one before. */
export type WsFrame = { opcode: number; payload: Buffer };

const MASK_BYTES = 4;

/** Returns a function that takes bytes, cut anywhere, and calls `take` for each whole frame. */
export function frameReader(take: (frame: WsFrame) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  let begun: WsFrame | null = null;

  function frame(opcode: number, last: boolean, payload: Buffer) {
    const whole: WsFrame =
      opcode === 0 && begun
        ? { opcode: begun.opcode, payload: Buffer.concat([begun.payload, payload]) }
        : { opcode, payload };
    begun = last ? null : whole;
    if (last) take(whole);
  }

  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const head = headOf(rest);
      if (!head || rest.length < head.end) return;
      const payload = Buffer.from(rest.subarray(head.begin, head.end));
      const { mask } = head;
      if (mask) for (let i = 0; i < payload.length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
      const [first = 0] = rest;
      rest = rest.subarray(head.end);
      frame(first & 0x0f, (first & 0x80) !== 0, payload);
    }
  };
}

/** Where the payload of the first frame stands, and what it is masked with; null while its head is not whole. */
function headOf(bytes: Buffer): { begin: number; end: number; mask: Buffer | null } | null {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (bytes.readUInt8(1) & 0x80) !== 0;
  const begin = 2 + lengthBytes + (masked ? MASK_BYTES : 0);
  if (bytes.length < begin) return null;
  const length =
    lengthBytes === 0
      ? short
      : bytes.readUIntBE(begin - (masked ? 4 : 0) - Math.min(lengthBytes, 6), Math.min(lengthBytes, 6));
  return { begin, end: begin + length, mask: masked ? bytes.subarray(begin - MASK_BYTES, begin) : null };
}

/** One whole frame. What goes to a server has to be masked; a mask of zeros changes nothing. */
export function frameBytes({ opcode, payload }: WsFrame, masked: boolean): Buffer {
  const { length } = payload;
  const bit = masked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(bit | (length < 126 ? length : length < 65_536 ? 126 : 127), 1);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, ...(masked ? [Buffer.alloc(MASK_BYTES)] : []), payload]);
}
