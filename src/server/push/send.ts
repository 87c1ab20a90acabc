// One push on its way: encrypted for its browser, to a push service that may be spoken to, and what that said.
import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { PushStatement } from "../../protocol.ts";
import { type EndpointRule, endpointProblem, isPublic } from "./endpoint.ts";
import type { PushKeys } from "./keys.ts";

export type Subscription = NonNullable<PushStatement["subscription"]>;
/** What a push service makes of a push besides its contents. `topic`: it replaces an older one that waits. */
export type Parcel = { payload: string; topic: string; urgency: "normal" | "high"; ttlSeconds: number };

/** `again`: it may be tried again after so many ms. `gone`: that subscription is no more. `reason` is for people. */
export type SendResult =
  | { outcome: "sent"; status: number }
  | { outcome: "gone"; status: number; reason: string }
  | { outcome: "refused"; status: number | null; reason: string }
  | { outcome: "limited" | "failed"; status: number | null; reason: string; again: number | null };

export type SenderOptions = {
  keys: PushKeys;
  /** Who sends, for whoever runs the push service: an https address or a mailto. */
  contact: () => string;
  rule: EndpointRule;
  now: () => number;
  /** Past this a push service does not answer any more; the address is looked up in the same time. */
  timeoutMs?: number;
  /** Ends what is under way. */
  end?: AbortSignal;
  /** Addresses of a host. */
  resolve?: (host: string) => Promise<string[]>;
};

export type Send = (to: Subscription, parcel: Parcel) => Promise<SendResult>;

/** A push service answers within a second; one that takes this long will not. */
const TIMEOUT_MS = 10_000;
/** Bytes of a push service's reply that are looked at; known reasons are far shorter. */
const REPLY_BYTES = 2_048;
/** What every push service takes, with room for its own framing. */
export const PAYLOAD_BYTES = 3_900;
/** A service that asks for more patience than this is asked again all the same. */
const MAX_AGAIN_MS = 60 * 60 * 1_000;

/** Makes the one function that talks to push services. It never throws. */
export function sender(options: SenderOptions): Send {
  const { rule, resolve = addressesOf, timeoutMs = TIMEOUT_MS } = options;

  async function post(to: Subscription, parcel: Parcel): Promise<SendResult> {
    const problem = endpointProblem(to.endpoint, rule);
    if (problem) return refused(problem);
    const late = AbortSignal.timeout(timeoutMs);
    const signal = options.end ? AbortSignal.any([late, options.end]) : late;
    const { hostname } = new URL(to.endpoint);
    if (!rule.anywhere) {
      const addresses = await within(signal, resolve(hostname));
      if (addresses.length === 0) return failed("its push service was not found", null);
      if (!addresses.every(isPublic)) return refused("its push service is not on the public Internet");
    }
    const { headers, body } = await packed(to, parcel, options);
    const init = { method: "POST", headers, body, redirect: "manual", signal } as const;
    const response = await fetch(to.endpoint, init);
    return verdict(response.status, response.headers, await begin(response), options);
  }

  return async (to, parcel) => {
    try {
      return await post(to, parcel);
    } catch (error) {
      const slow = error instanceof DOMException && error.name === "TimeoutError";
      return failed(
        slow ? "its push service did not answer in time" : "its push service was not reached",
        null,
      );
    }
  };
}

const refused = (reason: string): SendResult => ({ outcome: "refused", status: null, reason });
const failed = (reason: string, status: number | null, again: number | null = null): SendResult => {
  return { outcome: "failed", status, reason, again };
};

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => late.reject(signal.reason), { once: true });
  return Promise.race([work, late.promise]);
}

async function packed(to: Subscription, parcel: Parcel, { keys, contact }: SenderOptions) {
  const { payload, topic, urgency, ttlSeconds } = parcel;
  if (Buffer.byteLength(payload) > PAYLOAD_BYTES) throw new Error("the push is too large");
  const { default: webPush } = await import("web-push"); // Only where something is pushed at all.
  const details = quietly(() =>
    webPush.generateRequestDetails(to, payload, {
      vapidDetails: { subject: contact(), publicKey: keys.public, privateKey: keys.private },
      ...{ TTL: ttlSeconds, urgency },
      // A topic has 32 letters at most, and says nothing of what it is about.
      topic: createHash("sha256").update(`${keys.public} ${topic}`).digest("base64url").slice(0, 32),
    }),
  );
  const headers = Object.fromEntries(Object.entries(details.headers).map(([name, is]) => [name, String(is)]));
  return { headers, body: new Uint8Array(details.body) };
}

/** It still takes the address apart by `url.parse`, of which Node would tell the owner's terminal; ours is checked already. */
function quietly<T>(work: () => T): T {
  const before = process.noDeprecation ?? false;
  process.noDeprecation = true;
  try {
    return work();
  } finally {
    process.noDeprecation = before;
  }
}

/** The beginning of a reply; the rest is not read. */
async function begin(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= REPLY_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8").slice(0, REPLY_BYTES);
}

/** What Apple names in its replies. Nothing else of a reply is ever shown. */
const REASONS: Record<string, string> = {
  BadJwtToken: "BadJwtToken",
  ExpiredJwtToken: "ExpiredJwtToken: see whether this machine's clock is right",
  VapidPkHashMismatch: "VapidPkHashMismatch: turn notifications off and on again on the phone",
  BadWebPushTopic: "BadWebPushTopic",
  PayloadTooLarge: "PayloadTooLarge",
};

function verdict(status: number, headers: Headers, reply: string, options: SenderOptions): SendResult {
  if (status >= 200 && status < 300) return { outcome: "sent", status };
  if (status === 404 || status === 410)
    return { outcome: "gone", status, reason: "the browser has given its subscription up" };
  const again = againAfter(headers.get("retry-after"), options.now());
  if (status === 429) return { outcome: "limited", status, reason: "its push service has had enough", again };
  if (status >= 500) return failed("its push service is not well", status, again);
  if (status >= 300 && status < 400)
    return { outcome: "refused", status, reason: "its push service wanted to send us elsewhere" };
  return { outcome: "refused", status, reason: `refused: ${reasonIn(reply, options.contact())}` };
}

function reasonIn(reply: string, sub: string): string {
  const name = Object.keys(REASONS).find((reason) => reply.includes(`"${reason}"`));
  if (name !== "BadJwtToken")
    return REASONS[name ?? ""] ?? "the push service does not accept this server's key";
  return `BadJwtToken: Apple does not accept \`sub\` = ${sub}; it must be an https address that the world knows, or a real mail address (push_contact)`;
}

/** `Retry-After`, as seconds or as a date, in ms from now. */
function againAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 1_000), MAX_AGAIN_MS) : null;
}
