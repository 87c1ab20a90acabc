// A request byte by byte, for what no honest client sends.
import { connect } from "node:net";

/** A server that says nothing has nothing to say; one that is busy may take seconds, which is no verdict. */
const ANSWER_MS = 20_000;

/** Sends the text as it is; resolves with everything that came back until the answer was whole, or the other end closed. */
export function raw(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, host, () => socket.write(text));
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
    socket.on("data", (chunk) => {
      got += chunk;
      if (isWhole(got, text.startsWith("HEAD "))) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(got);
    });
  });
}

/** The whole head and, where there is one that ends, the whole body: no need to wait for the close. */
function isWhole(answer: string, bodiless: boolean): boolean {
  const at = answer.indexOf("\r\n\r\n");
  if (at < 0) return false;
  const [head, body] = [answer.slice(0, at), answer.slice(at + 4)];
  if (bodiless || statusOf(head) === 101 || /^content-type: text\/event-stream/im.test(head)) return true;
  if (/^transfer-encoding: chunked/im.test(head)) return body.endsWith("0\r\n\r\n");
  return Buffer.byteLength(body) >= Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Number.NaN);
}

/** The status of a raw answer; 0 if there was none. */
export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
