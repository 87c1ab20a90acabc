// A request byte by byte, for what no honest client sends.
import { connect } from "node:net";

/** How long the server may take to answer, or to close without an answer. */
const ANSWER_MS = 1_500;

/** Sends the text as it is; resolves with everything that came back until the other end closed, or fell silent. */
export function raw(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, host, () => socket.write(text));
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
    socket.on("data", (chunk) => {
      got += chunk;
      // The whole head and, where a length is given, the whole body: no need to wait for the close.
      const [head = "", body] = got.split("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length))
        socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(got);
    });
  });
}

/** The status of a raw answer; 0 if there was none. */
export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
