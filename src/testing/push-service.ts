// A push service on loopback: takes pushes as RFC 8030 says, checks who sends them (RFC 8292), reads them as the phone would
// (RFC 8291), and passes them on to a real Firefox, which speaks to it as to Mozilla's own.
import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  type ECDH,
  hkdfSync,
  randomBytes,
  verify,
} from "node:crypto";
import type { ServerWebSocket } from "bun";
import { Changes } from "./wait.ts";

/** One push as it came: its headers, and what it says to whoever has the keys. */
export type Pushed = {
  id: string;
  headers: Headers;
  bytes: number;
  /** What the JWT says, once its signature was found to be that key's. */
  claims: { aud: string; exp: number; sub: string };
  /** The key it was signed with. */
  key: string;
  /** Null: it is a browser's that keeps its keys to itself. */
  text: string | null;
};
export type Verdict = { status: number; headers?: Record<string, string>; body?: string } | "hang";

type Browser = { ws: ServerWebSocket<unknown>; channel: string };
type Subscriber = { keys: { p256dh: string; auth: string }; pair: ECDH; secret: Buffer } | Browser;

export class PushService implements AsyncDisposable {
  readonly received: Pushed[] = [];
  /** What the next pushes meet; 201 without. */
  verdict: (id: string) => Verdict | null | Promise<Verdict | null> = () => null;
  /** Requests that nothing in them allowed. */
  readonly wrong: string[] = [];
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #changes = new Changes();
  readonly #server: Bun.Server<unknown>;

  constructor() {
    this.#server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0, development: false },
      fetch: (request, server) => {
        if (server.upgrade(request, { data: null })) return;
        return this.#take(request);
      },
      websocket: {
        message: (ws, text) => void this.#browserSays(ws, JSON.parse(String(text))),
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Where a Firefox goes (dom.push.serverURL). */
  get socket(): string {
    return `ws://127.0.0.1:${this.#server.port}/`;
  }

  /** A phone's subscription, as its page would tell the server. */
  subscribe(): { endpoint: string; keys: { p256dh: string; auth: string } } {
    const pair = createECDH("prime256v1");
    const secret = randomBytes(16);
    const keys = { p256dh: pair.generateKeys("base64url"), auth: secret.toString("base64url") };
    const id = randomBytes(9).toString("base64url");
    this.#subscribers.set(id, { keys, pair, secret });
    return { endpoint: `${this.url}/push/${id}`, keys };
  }

  /** Waits until so many pushes came, and returns them all. */
  async pushes(count: number): Promise<Pushed[]> {
    await this.#changes.until(`${count} pushes`, () => this.received.length >= count);
    return this.received;
  }

  async #take(request: Request): Promise<Response> {
    const id = new URL(request.url).pathname.split("/").at(-1) ?? "";
    const body = Buffer.from(await request.arrayBuffer());
    const verdict = await this.verdict(id);
    const subscriber = this.#subscribers.get(id);
    if (verdict === "hang") return new Promise(() => {});
    if (verdict) {
      this.#changes.changed();
      return new Response(verdict.body ?? "", { status: verdict.status, headers: verdict.headers ?? {} });
    }
    if (!subscriber) return new Response("gone", { status: 410 });
    try {
      this.#keep(id, request.headers, body, subscriber);
    } catch (error) {
      this.wrong.push(String(error));
      return new Response("", { status: 400 });
    }
    return new Response("", { status: 201 });
  }

  #keep(id: string, headers: Headers, body: Buffer, subscriber: Subscriber) {
    if (headers.get("content-encoding") !== "aes128gcm" || !/^\d+$/.test(headers.get("ttl") ?? ""))
      throw new Error("TTL or Content-Encoding is missing");
    const { key, claims } = signed(headers.get("authorization") ?? "");
    if (claims.aud !== this.url || claims.exp > Date.now() / 1_000 + 86_400)
      throw new Error("the claims are wrong");
    const text = "ws" in subscriber ? null : decrypted(body, subscriber);
    this.received.push({ id, headers, bytes: body.length, claims, key, text });
    if ("ws" in subscriber) {
      const { ws, channel: channelID } = subscriber;
      const data = body.toString("base64url");
      const more = { version: crypto.randomUUID(), data, headers: { encoding: "aes128gcm" } };
      ws.send(JSON.stringify({ messageType: "notification", channelID, ...more }));
    }
    this.#changes.changed();
  }

  /** Mozilla's protocol, as far as Firefox needs it. */
  #browserSays(
    ws: ServerWebSocket<unknown>,
    message: { messageType?: string; uaid?: string; channelID?: string },
  ) {
    const { messageType, channelID = "" } = message;
    const say = (reply: object) => ws.send(JSON.stringify({ messageType, status: 200, ...reply }));
    if (messageType === "hello")
      return say({
        uaid: message.uaid || randomBytes(16).toString("hex"),
        use_webpush: true,
        broadcasts: {},
      });
    if (messageType === "register") {
      const id = randomBytes(9).toString("base64url");
      this.#subscribers.set(id, { ws, channel: channelID });
      return say({ channelID, pushEndpoint: `${this.url}/push/${id}` });
    }
    if (messageType === "unregister") {
      for (const [id, one] of this.#subscribers)
        if ("ws" in one && one.channel === channelID) this.#subscribers.delete(id);
      return say({ channelID });
    }
    if (messageType === undefined) ws.send("{}");
  }

  async [Symbol.asyncDispose]() {
    await this.#server.stop(true);
  }
}

/** RFC 8292: who signed, and what. Throws if the signature is not that key's. */
function signed(header: string): { key: string; claims: Pushed["claims"] } {
  const [, jwt = "", key = ""] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(header) ?? [];
  const [head = "", claims = "", signature = ""] = jwt.split(".");
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
  const ours = createPublicKey({ key: jwk, format: "jwk" });
  const bytes = Buffer.from(signature, "base64url");
  if (!verify("sha256", Buffer.from(`${head}.${claims}`), { key: ours, dsaEncoding: "ieee-p1363" }, bytes))
    throw new Error("the signature is wrong");
  return { key, claims: JSON.parse(Buffer.from(claims, "base64url").toString()) };
}

/** RFC 8291 with the coding of RFC 8188, one record. Throws if it was not meant for these keys. */
function decrypted(body: Buffer, { pair, secret, keys }: Extract<Subscriber, { pair: ECDH }>): string {
  const salt = body.subarray(0, 16);
  const idLength = body[20] ?? 0;
  const sender = body.subarray(21, 21 + idLength);
  const sealed = body.subarray(21 + idLength);
  const hkdf = (key: Uint8Array, salted: Uint8Array, info: Buffer | string, length: number) =>
    Buffer.from(hkdfSync("sha256", key, salted, info, length));
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), Buffer.from(keys.p256dh, "base64url"), sender]);
  const material = hkdf(pair.computeSecret(sender), secret, info, 32);
  const key = hkdf(material, salt, "Content-Encoding: aes128gcm\0", 16);
  const nonce = hkdf(material, salt, "Content-Encoding: nonce\0", 12);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return plain.subarray(0, plain.lastIndexOf(2)).toString("utf8");
}
