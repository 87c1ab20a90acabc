// What the page makes of an answer that refuses it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ApiFailure, post } from "./api.ts";
import { poll } from "./polling.ts";

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

test("only the server itself can say that this browser is not paired; whoever else does stands before it", async () => {
  const paired = { error: { code: "unauthorized", message: "Pair this browser first.", request: "r" } };
  expect(await refusal(401, {}, paired)).toMatchObject({ code: "unauthorized", retryable: false });
  const others = [
    "",
    "<html>Sign in</html>",
    { error: "unauthorized" },
    { error: { code: 401, message: "Sign in", request: "r" } },
    { error: { code: "unauthorized", message: "Sign in" } },
  ];
  for (const body of others)
    expect(await refusal(401, {}, body), JSON.stringify(body)).toEqual({
      ...{ code: "barred", againMs: 0, retryable: true },
      message: "The server cannot be reached: something between it and this phone asks for a login (401).",
    });
});

test("a page in the place of an answer is no answer, and neither is the way to one", async () => {
  const html = { "content-type": "text/html; charset=utf-8" };
  expect(await refusal(200, html, "<html>Sign in</html>")).toMatchObject({ code: "barred", retryable: true });
  expect(await refusal(403, html, "<html>No.</html>")).toMatchObject({ code: "barred", retryable: true });
  answer = () => Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  expect(await post("/x").catch((error: ApiFailure) => error.message)).toEndWith("asks for a login.");
});

test("batches that something else answers end as a bar, not as the end of a login", async () => {
  const end = async () => (await poll("/events", "", new AbortController().signal, () => {}))?.code;
  answer = () => new Response("<html>Sign in</html>", { status: 401 });
  expect(await end()).toBe("barred");
  answer = () => new Response("<html>Sign in</html>", { headers: { "content-type": "text/html" } });
  expect(await end()).toBe("barred");
  const error = { code: "unauthorized", message: "Pair this browser first.", request: "r" };
  answer = () => Response.json({ error }, { status: 401 });
  expect(await end()).toBe("unauthorized");
});

test("what is refused for another reason waits for nothing", async () => {
  const gone = { error: { code: "gone", message: "It is over.", request: "r" } };
  expect((await refusal(410, { "retry-after": "40" }, gone)).againMs).toBe(0);
});
