// What the page makes of an answer that refuses it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ApiFailure, post } from "./api.ts";

const before = { fetch: globalThis.fetch, localStorage: globalThis.localStorage };
let answer: () => Response = () => new Response();

beforeAll(() => {
  const asked = () => Promise.resolve(answer());
  Object.assign(globalThis, { fetch: asked, localStorage: { getItem: () => null } });
});
afterAll(() => void Object.assign(globalThis, before));

/** What `post` throws. */
async function refusal(status: number, headers: Record<string, string>, body: object | string) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  answer = () => new Response(text, { status, headers });
  const failure = await post("/x").catch((error: unknown) => error);
  if (!(failure instanceof ApiFailure)) throw new Error("it was not refused");
  const { code, message, againMs, retryable } = failure;
  return { code, message, againMs, retryable };
}

const ours = { error: { code: "rate_limited", message: "Enough. Try again in 40 s.", request: "r" } };

test("a refusal for too many says when to try again, and the page knows it too", async () => {
  expect(await refusal(429, { "retry-after": "40" }, ours)).toEqual({
    ...{ code: "rate_limited", message: "Enough. Try again in 40 s.", againMs: 40_000, retryable: true },
  });
});

test("a proxy's own refusal is told in words, whatever it says of time", async () => {
  const told = (headers: Record<string, string>) => refusal(429, headers, "<html>slow down</html>");
  const said = { code: "rate_limited", message: "Too many requests. Try again in 7 s." } as const;
  expect(await told({ "retry-after": "7" })).toEqual({ ...said, againMs: 7_000, retryable: true });
  for (const odd of ["-3", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
    expect((await told({ "retry-after": odd })).againMs).toBe(1_000);
  expect((await told({})).againMs).toBe(1_000);
  expect((await told({ "retry-after": "99999999" })).againMs).toBe(300_000);
});

test("what is refused for another reason waits for nothing", async () => {
  const gone = { error: { code: "gone", message: "It is over.", request: "r" } };
  expect((await refusal(410, { "retry-after": "40" }, gone)).againMs).toBe(0);
});
