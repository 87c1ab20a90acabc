// The handshake of wrapper and server and the sealed channel it ends in; no I/O, both ends use it. What is sealed can be
// neither read, changed, repeated, reordered nor sent back, also on plain ws:// (docs/security.md).
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import * as v from "valibot";
import { canonical } from "./digest.ts";
import { type DeviceId, type Json, PROTOCOL, type RefusalCode, type Refused } from "./protocol.ts";

/** Characters; a handshake message has about 300. Anything longer is nonsense and not worth parsing. */
const HANDSHAKE_CHARS = 4_096;
/** Bytes of every nonce, key and secret here. */
const KEY_BYTES = 32;
/** Bytes that AES-GCM appends: any change to a frame, or to its place in the order, breaks them. */
const TAG_BYTES = 16;

/** The other end is not who it must be, or a frame was changed, lost or repeated. Close the connection. */
export class SealError extends Error {
  override name = "SealError";
}

/** A device's secret, 32 bytes: derived (HKDF-SHA256), so that the server stores none. */
export function deviceSecret(masterKey: Uint8Array, device: DeviceId): Uint8Array {
  return hkdf(masterKey, new Uint8Array(), `claude-remote device ${device}`);
}

/** HKDF-SHA256 (RFC 5869), 32 bytes unless told. */
export function hkdf(
  key: Uint8Array,
  salt: Uint8Array,
  info: string | Uint8Array,
  bytes = KEY_BYTES,
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, info, bytes));
}

/** Both directions of one connection, in order. After the first error nothing more goes through. */
export class Channel {
  #sending: Direction;
  #receiving: Direction;
  #broken = false;

  constructor(sendKey: Uint8Array, receiveKey: Uint8Array) {
    this.#sending = new Direction(sendKey);
    this.#receiving = new Direction(receiveKey);
  }

  /** One binary frame. Frames must be sent in the order they were sealed in, each once. */
  seal(json: string): Uint8Array {
    if (this.#broken) throw new SealError("the channel is broken");
    const cipher = createCipheriv("aes-256-gcm", this.#sending.key, this.#sending.nonce());
    return Buffer.concat([cipher.update(json, "utf8"), cipher.final(), cipher.getAuthTag()]);
  }

  /** What was sealed. Throws SealError on a changed, lost, repeated or foreign frame. */
  open(frame: Uint8Array): string {
    if (this.#broken) throw new SealError("the channel is broken");
    try {
      const text = frame.subarray(0, frame.length - TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", this.#receiving.key, this.#receiving.nonce());
      decipher.setAuthTag(frame.subarray(text.length));
      return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
    } catch {
      this.#broken = true;
      throw new SealError("a frame was changed, lost or repeated");
    }
  }
}

/** One key, one direction, one sequence: a nonce is never used twice. */
class Direction {
  readonly key: Uint8Array;
  #sequence = 0n;

  constructor(key: Uint8Array) {
    this.key = key;
  }

  nonce(): Uint8Array {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64BE(this.#sequence++, 4);
    return nonce;
  }
}

export type ServerStep =
  | { step: "open"; send: string; channel: Channel; device: DeviceId; protocol: number }
  | { step: "refused"; send: string; refused: Refused };

/** The server's end: send `challenge`, give `receive` the one answer, send what it says. */
export class ServerHandshake {
  readonly challenge: string;
  #challenge: { type: "challenge"; nonce: string; protocol: number };
  #secretOf: (device: DeviceId) => Uint8Array | RefusalCode;
  #answered = false;

  constructor(options: { secretOf: (device: DeviceId) => Uint8Array | RefusalCode; protocol?: number }) {
    this.#secretOf = options.secretOf;
    const nonce = randomBytes(KEY_BYTES).toString("base64");
    this.#challenge = { type: "challenge", nonce, protocol: options.protocol ?? PROTOCOL };
    this.challenge = JSON.stringify(this.#challenge);
  }

  /** Answers the wrapper's `auth`. Throws SealError on nonsense and on a second message. */
  receive(text: string): ServerStep {
    if (this.#answered) throw new SealError("the handshake is over");
    this.#answered = true;
    const auth = parse(authSchema, text);
    if (!spoken(auth.protocol, this.#challenge.protocol)) return refuse("protocol", this.#challenge.protocol);
    const secret = this.#secretOf(auth.device as DeviceId);
    if (typeof secret === "string") return refuse(secret);
    const { mac, ...claim } = auth;
    if (!proves(mac, secret, "claude-remote wrapper", [this.#challenge, claim])) return refuse("device");
    return this.#welcome(auth, secret);
  }

  #welcome(auth: v.InferOutput<typeof authSchema> & { [key: string]: Json }, secret: Uint8Array): ServerStep {
    const own = ephemeral();
    const shared = agree(own.privateKey, auth.eph);
    const claim = { type: "welcome", eph: own.eph };
    const mac = proof(secret, "claude-remote server", [this.#challenge, auth, claim]);
    const welcome = { ...claim, mac };
    const keys = sessionKeys(secret, shared, [this.#challenge, auth, welcome]);
    return {
      step: "open",
      send: JSON.stringify(welcome),
      channel: new Channel(keys.fromServer, keys.fromWrapper),
      device: auth.device as DeviceId,
      protocol: auth.protocol,
    };
  }
}

export type ClientStep =
  | { step: "send"; send: string }
  | { step: "open"; channel: Channel; protocol: number }
  | { step: "refused"; refused: Refused };

/** The wrapper's end: give every text frame to `receive` until it says `open` or `refused`. */
export class ClientHandshake {
  #device: DeviceId;
  #secret: Uint8Array;
  #protocol: number;
  #own = ephemeral();
  #said: Json[] = [];

  constructor(options: { device: DeviceId; secret: Uint8Array; protocol?: number }) {
    this.#device = options.device;
    this.#secret = options.secret;
    this.#protocol = options.protocol ?? PROTOCOL;
  }

  /** Answers `challenge`, checks `welcome`. Throws SealError on nonsense and on a server that lacks the secret. */
  receive(text: string): ClientStep {
    const message = parse(v.variant("type", [challengeSchema, welcomeSchema, refusedSchema]), text);
    if (message.type === "refused") return { step: "refused", refused: message };
    if (message.type === "challenge" && this.#said.length === 0) return this.#auth(message);
    if (message.type === "welcome" && this.#said.length === 2) return this.#open(message);
    throw new SealError(`unexpected ${message.type}`);
  }

  #auth(challenge: v.InferOutput<typeof challengeSchema> & { [key: string]: Json }): ClientStep {
    if (!spoken(this.#protocol, challenge.protocol)) {
      return { step: "refused", refused: refusal("protocol", challenge.protocol) };
    }
    const nonce = randomBytes(KEY_BYTES).toString("base64");
    const claim = { type: "auth", protocol: this.#protocol, device: this.#device, nonce, eph: this.#own.eph };
    const mac = proof(this.#secret, "claude-remote wrapper", [challenge, claim]);
    const auth = { ...claim, mac };
    this.#said = [challenge, auth];
    return { step: "send", send: JSON.stringify(auth) };
  }

  #open(welcome: v.InferOutput<typeof welcomeSchema> & { [key: string]: Json }): ClientStep {
    const { mac, ...claim } = welcome;
    if (!proves(mac, this.#secret, "claude-remote server", [...this.#said, claim])) {
      throw new SealError("the server does not know this machine's secret");
    }
    const shared = agree(this.#own.privateKey, welcome.eph);
    const keys = sessionKeys(this.#secret, shared, [...this.#said, welcome]);
    this.#said.push(welcome);
    return {
      step: "open",
      channel: new Channel(keys.fromWrapper, keys.fromServer),
      protocol: this.#protocol,
    };
  }
}

// ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

// Loose: a field that only the other end knows still belongs to the transcript that both prove.
const bytes32 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/));
const number = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const authSchema = v.looseObject({
  type: v.literal("auth"),
  protocol: number,
  device: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
  nonce: bytes32,
  eph: bytes32,
  mac: bytes32,
});
const challengeSchema = v.looseObject({ type: v.literal("challenge"), nonce: bytes32, protocol: number });
const welcomeSchema = v.looseObject({ type: v.literal("welcome"), eph: bytes32, mac: bytes32 });
const refusedSchema = v.object({
  type: v.literal("refused"),
  code: v.picklist(["protocol", "device", "revoked", "replaced", "busy"]),
  message: v.pipe(v.string(), v.maxLength(500)),
});

function parse<const S extends v.GenericSchema>(
  schema: S,
  text: string,
): v.InferOutput<S> & { [key: string]: Json } {
  if (text.length > HANDSHAKE_CHARS) throw new SealError("the handshake message is too long");
  try {
    // Only what JSON.parse can make comes out, so the fields the schema does not name are JSON as well.
    return v.parse(schema, JSON.parse(text)) as v.InferOutput<S> & { [key: string]: Json };
  } catch {
    throw new SealError("not a handshake message");
  }
}

/** A server speaks its own protocol and the one before. */
function spoken(wrapper: number, server: number): boolean {
  return wrapper === server || wrapper === server - 1;
}

function refuse(code: RefusalCode, protocol?: number): ServerStep {
  const refused = refusal(code, protocol);
  return { step: "refused", send: JSON.stringify(refused), refused };
}

const REASONS: Record<RefusalCode, string> = {
  protocol: "This claude-remote and the server are of different versions; update the older one.",
  device: "The server does not know this machine; enrol it with `claude-remote join`.",
  revoked: "This machine was revoked on the server; enrol it again with `claude-remote join`.",
  replaced: "Another wrapper took this session over.",
  busy: "The server has too many wrappers connected; it is tried again.",
};

/** A refusal with its sentence. `protocol` is the server's, where versions are the reason. */
export function refusal(code: RefusalCode, protocol?: number): Refused {
  const spoke = protocol === undefined ? "" : ` (the server speaks protocol ${protocol})`;
  return { type: "refused", code, message: REASONS[code] + spoke };
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** SHA-256 over all that was said; canonical JSON holds no line break, so the join is unambiguous. */
function transcript(said: Json[]): Buffer {
  return createHash("sha256").update(said.map(canonical).join("\n")).digest();
}

function proof(secret: Uint8Array, who: string, said: Json[]): string {
  return createHmac("sha256", secret).update(who).update(transcript(said)).digest("base64");
}

function proves(mac: string, secret: Uint8Array, who: string, said: Json[]): boolean {
  return timingSafeEqual(Buffer.from(mac, "base64"), Buffer.from(proof(secret, who, said), "base64"));
}

function sessionKeys(secret: Uint8Array, shared: Uint8Array, said: Json[]) {
  const key = Buffer.concat([secret, shared]);
  const salt = transcript(said);
  return {
    fromWrapper: hkdf(key, salt, "claude-remote wrapper to server"),
    fromServer: hkdf(key, salt, "claude-remote server to wrapper"),
  };
}

function ephemeral(): { privateKey: KeyObject; eph: string } {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES);
  return { privateKey, eph: raw.toString("base64") };
}

/** The fixed DER head of an X25519 public key; its 32 bytes follow. */
const SPKI_HEAD = Buffer.from("302a300506032b656e032100", "hex");

/** X25519 (RFC 7748). Throws SealError on a point of low order, which would make the secret known to all. */
function agree(privateKey: KeyObject, eph: string): Uint8Array {
  try {
    const der = Buffer.concat([SPKI_HEAD, Buffer.from(eph, "base64")]);
    const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
    const shared = diffieHellman({ privateKey, publicKey });
    if (shared.every((byte) => byte === 0)) throw new SealError("the key is of low order");
    return shared;
  } catch {
    throw new SealError("the key is not usable");
  }
}
