// Whether a server is reached from here, by trying; asked on a devbox, about the server that launches there.
import * as v from "valibot";
import { channelOf } from "../enrolment.ts";
import { Link } from "../wrapper/link.ts";
import { webSocket } from "../wrapper/socket.ts";
import { lineOf } from "./lines.ts";
import { order } from "./order.ts";

const asked = v.strictObject({
  url: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#@]+$/)),
  device: order.entries.device,
  secret: order.entries.secret,
  within_ms: v.pipe(v.number(), v.minValue(1), v.maxValue(60_000)),
});

/**
 * Reads `{url, device, secret, within_ms}` on stdin; says `claude-remote-reached` if the server there lets that device's
 * wrappers in, else `claude-remote-unreached` and why. Another server of that name, or a proxy in between that lets no
 * WebSocket through, is no way.
 */
export async function reach(): Promise<number> {
  const { url, device, secret, within_ms } = v.parse(asked, JSON.parse(await lineOf(Bun.stdin.stream())));
  const up = Promise.withResolvers<string | null>();
  const late = setTimeout(() => up.resolve("no answer"), within_ms);
  using _link = new Link({
    device,
    secret: () => new Uint8Array(Buffer.from(secret, "base64url")),
    connect: webSocket(() => channelOf(url)),
    onUp: () => up.resolve(null),
    onMessage: () => {},
    onDown: up.resolve,
  });
  const why = await up.promise;
  clearTimeout(late);
  console.log(why === null ? "claude-remote-reached" : `claude-remote-unreached ${why}`);
  return 0;
}
