// The link's real socket: WebSocket over TCP, TLS or this user's unix socket.
import type { Connect } from "./link.ts";

/** `url` is where /ws stands: "ws://…", "wss://…" or "ws+unix:///path/server.sock:/ws". `before` runs ahead of each attempt. */
export function webSocket(url: () => string): Connect {
  return ({ received, closed }) => {
    const socket = new WebSocket(url());
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => received(typeof data === "string" ? data : new Uint8Array(data));
    socket.onclose = ({ code, reason }) => closed(reason || `the connection closed (${code})`);
    socket.onerror = () => {}; // A close follows, with the reason.
    return {
      send: (frame) => socket.send(frame as string | Uint8Array<ArrayBuffer>),
      buffered: () => socket.bufferedAmount,
      close: () => socket.close(),
    };
  };
}
