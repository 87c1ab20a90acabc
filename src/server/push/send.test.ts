// One push, to a push service on loopback that reads it as a phone would.

import { expect, test } from "bun:test";
import { createECDH } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushService, type Verdict } from "../../testing/push-service.ts";
import { type PushKeys, pushKeys } from "./keys.ts";
import { type Parcel, type SenderOptions, sender } from "./send.ts";

const PARCEL: Parcel = {
  payload: '{"hello":"Grüße"}',
  topic: "session s1",
  urgency: "high",
  ttlSeconds: 600,
};
const NOW = Date.UTC(2026, 10, 21, 12);

function keysOf(): PushKeys {
  const pair = createECDH("prime256v1");
  const made = pair.generateKeys("base64url");
  return { public: made, private: pair.getPrivateKey().toString("base64url").padStart(43, "A") };
}

function world(change: Partial<SenderOptions> = {}) {
  const service = new PushService();
  const keys = keysOf();
  const send = sender({
    ...{ keys, contact: () => "mailto:ada@example.org", now: () => NOW },
    rule: { hosts: [], anywhere: true },
    ...change,
  });
  const meets = (verdict: Verdict) => {
    service.verdict = () => verdict;
    return send(service.subscribe(), PARCEL);
  };
  return { service, keys, send, meets, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

test("a push arrives as it was written, signed, and says how urgent it is and what it replaces", async () => {
  await using at = await world();
  expect(await at.send(at.service.subscribe(), PARCEL)).toEqual({ outcome: "sent", status: 201 });
  const [pushed] = at.service.received;
  expect(pushed?.text).toBe(PARCEL.payload);
  expect(pushed?.key).toBe(at.keys.public);
  expect(pushed?.claims.sub).toBe("mailto:ada@example.org");
  expect(pushed?.headers.get("ttl")).toBe("600");
  expect(pushed?.headers.get("urgency")).toBe("high");
  expect(pushed?.headers.get("topic")).toMatch(/^[\w-]{32}$/);
  expect(at.service.wrong).toEqual([]);
});

test("the topic is the same for the same thing, and says nothing of it", async () => {
  await using at = await world();
  const to = at.service.subscribe();
  for (const topic of ["a", "a", "b"]) await at.send(to, { ...PARCEL, topic });
  const [first, second, third] = at.service.received.map(({ headers }) => headers.get("topic"));
  expect(first).toBe(second ?? "");
  expect(third).not.toBe(first ?? "");
});

test("what a push service says is understood", async () => {
  await using at = await world();
  const { meets } = at;
  expect(await meets({ status: 404 })).toMatchObject({ outcome: "gone", status: 404 });
  expect(await meets({ status: 410 })).toMatchObject({ outcome: "gone", status: 410 });
  expect(await meets({ status: 429, headers: { "retry-after": "90" } })).toMatchObject({
    outcome: "limited",
    again: 90_000,
  });
  const later = new Date(NOW + 120_000).toUTCString();
  expect(await meets({ status: 503, headers: { "retry-after": later } })).toMatchObject({
    outcome: "failed",
    again: 120_000,
  });
  expect(await meets({ status: 500 })).toMatchObject({ outcome: "failed", again: null });
  expect(await meets({ status: 429, headers: { "retry-after": "999999" } })).toMatchObject({
    again: 3_600_000,
  });
});

test("403 names the reason, and where Apple does not like `sub`, what it is", async () => {
  await using at = await world({ contact: () => "https://box.local" });
  const result = await at.meets({ status: 403, body: '{"reason":"BadJwtToken"}' });
  expect(result).toMatchObject({ outcome: "refused", status: 403 });
  expect("reason" in result && result.reason).toContain(
    "BadJwtToken: Apple does not accept `sub` = https://box.local",
  );
});

test("SEC-070 nothing of a reply is shown but reasons that are known, and only its beginning is read", async () => {
  await using at = await world();
  const told = await at.meets({ status: 403, body: "secret of an inner network" });
  expect(JSON.stringify(told)).not.toContain("secret");
  const long = await at.meets({ status: 403, body: `${"x".repeat(1_000_000)}"BadJwtToken"` });
  expect("reason" in long && long.reason).not.toContain("BadJwtToken");
});

test("SEC-070 a redirect is not followed", async () => {
  await using at = await world();
  await using other = new PushService();
  const result = await at.meets({ status: 307, headers: { location: other.subscribe().endpoint } });
  expect(result).toMatchObject({ outcome: "refused", status: 307 });
  expect(other.received).toEqual([]);
});

test("a push service that is not there, or does not answer, does not hold us for ever", async () => {
  await using at = await world();
  const gone = new PushService();
  const to = gone.subscribe();
  await gone[Symbol.asyncDispose]();
  expect(await at.send(to, PARCEL)).toMatchObject({
    outcome: "failed",
    reason: "its push service was not reached",
  });
  await using hasty = await world({ timeoutMs: 100 });
  expect(await hasty.meets("hang")).toMatchObject({
    outcome: "failed",
    reason: "its push service did not answer in time",
  });
});

test("SEC-070 SEC-072 at the moment of sending the address is checked again, and what it stands for", async () => {
  const asked: string[] = [];
  const resolving = (addresses: string[]) => async (host: string) => {
    asked.push(host);
    return addresses;
  };
  const rule = { hosts: [], anywhere: false };
  const keys = createECDH("prime256v1").generateKeys("base64url");
  const to = (endpoint: string) => ({ endpoint, keys: { p256dh: keys, auth: "AAAAAAAAAAAAAAAAAAAAAA" } });
  for (const address of ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "100.64.0.1"]) {
    await using at = await world({ rule, resolve: resolving(["142.250.1.95", address]) });
    expect(await at.send(to("https://fcm.googleapis.com/x"), PARCEL), address).toEqual({
      outcome: "refused",
      status: null,
      reason: "its push service is not on the public Internet",
    });
  }
  expect(asked).toContain("fcm.googleapis.com");
  asked.length = 0;
  await using at = await world({ rule, resolve: resolving(["142.250.1.95"]) });
  for (const endpoint of [
    `${at.service.url}/push/x`,
    "https://127.0.0.1/x",
    "https://fcm.googleapis.com:81/x",
  ])
    expect(await at.send(to(endpoint), PARCEL), endpoint).toMatchObject({ outcome: "refused", status: null });
  expect(asked).toEqual([]);
});

test("the keys are made once, for this user alone, and a damaged file is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-"));
  const file = join(folder, "push.key");
  const keys = pushKeys(file);
  expect(pushKeys(file)).toEqual(keys);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  for (const text of ["", "{}", JSON.stringify({ ...keys, public: "A".repeat(87) })]) {
    writeFileSync(file, text);
    expect(() => pushKeys(file)).toThrow("is damaged");
  }
  rmSync(folder, { recursive: true });
});
