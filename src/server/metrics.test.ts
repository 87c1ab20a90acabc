// What a monitoring system reads: who may, what it says, and what it never says.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AnswerId } from "../protocol.ts";
import { blank } from "../screen.ts";
import { prompt, TestLink } from "../testing/link.ts";
import { type TestServer, testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";

const token = "m".repeat(32);
let server: TestServer;
let phone: TestViewer;

beforeAll(async () => {
  server = await testServer({ metricsToken: token });
  phone = await TestViewer.pair(server, "Planted-Phone");
});
afterAll(async () => {
  phone.leave();
  await server[Symbol.asyncDispose]();
});

const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, { ...init, headers });
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

async function scrape(): Promise<string> {
  const response = await ask("/metrics", bearer(token));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return response.text();
}

/** The value of one line, by its name with its labels. */
const readingOf = (text: string, name: string) =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  );

test("SEC-082 metrics are only for whoever sends the token that was set, or one of that scope", async () => {
  expect((await ask("/metrics")).status).toBe(401);
  for (const wrong of ["x".repeat(32), `${token}m`, token.slice(1), "M".repeat(32)])
    expect((await ask("/metrics", bearer(wrong))).status, wrong).toBe(401);
  expect((await ask("/metrics", { cookie: phone.cookie })).status).toBe(403);
  for (const query of [`?token=${token}`, `?access_token=${token}`])
    expect((await ask(`/metrics${query}`)).status).toBe(401);
  expect((await ask("/metrics", { cookie: `cr=${token}` })).status).toBe(401);
  expect((await ask("/metrics", bearer(token), { method: "POST" })).status).toBe(405);
  await using without = await testServer();
  expect((await fetch(`${without.url}/metrics`, { headers: bearer(token) })).status).toBe(401);
  expect((await fetch(`${without.url}/api/sessions`, { headers: bearer(token) })).status).toBe(401);
});

test("SEC-025 the metrics token opens nothing else", async () => {
  const closed = server.routes.filter(({ who }) => !who.includes("public") && !who.includes("token:metrics"));
  expect(closed.length).toBeGreaterThan(35);
  expect(closed.map(({ path }) => path)).toContain("/ws");
  for (const { method, path } of closed) {
    const json = { ...bearer(token), "content-type": "application/json" };
    const init = { method, ...(method === "POST" ? { body: "{}" } : {}) };
    expect((await ask(path.replace(/:\w+/g, "x"), json, init)).status, `${method} ${path}`).toBe(403);
  }
});

test("it counts sessions, questions, answers, reconnects, frames and bytes", async () => {
  const before = await scrape();
  const { link, id } = await TestLink.session(server, { status: "waiting" });
  await phone.listen(id);
  const asked = prompt();
  link.say({ type: "prompt", prompt: asked });
  await phone.until("the prompt", () => phone.prompts.get(asked.id));
  const open = await scrape();
  expect(readingOf(open, 'claude_remote_sessions{status="waiting"}')).toBe(1);
  expect(readingOf(open, "claude_remote_prompts_waiting")).toBe(1);
  expect(readingOf(open, "claude_remote_viewers")).toBe(1);
  expect(readingOf(open, "claude_remote_wrappers")).toBe(1);
  expect(readingOf(open, "claude_remote_streams")).toBe(1);
  expect(readingOf(open, "claude_remote_prompt_answer_seconds_count")).toBe(0);

  const answer_id = "a1" as AnswerId;
  const body = { digest: asked.digest, answer_id };
  for (let twice = 0; twice < 2; twice++) await phone.post(`/api/prompts/${asked.id}/approve`, body);
  link.say({ type: "delivered", prompt: asked.id, answer_id }, { type: "accepted", prompt: asked.id });
  await link.acked("accepted", asked.id);
  link[Symbol.dispose]();
  const { link: again } = await TestLink.session(server, { id });
  again.say({ type: "output", frame: { ...blank(20, 2), full: true } as never });
  await phone.until("a frame", () => phone.frames > 0);
  const after = await scrape();
  expect(readingOf(after, "claude_remote_prompts_waiting")).toBe(0);
  for (const name of ["prompt_answer", "tap_accept"]) {
    expect(readingOf(after, `claude_remote_${name}_seconds_count`), name).toBe(1);
    expect(readingOf(after, `claude_remote_${name}_seconds_bucket{le="+Inf"}`), name).toBe(1);
    expect(readingOf(after, `claude_remote_${name}_seconds_sum`), name).toBeLessThan(60);
  }
  expect(readingOf(after, 'claude_remote_reconnects_total{side="wrapper"}')).toBe(1);
  expect(readingOf(after, "claude_remote_frames_sent_total")).toBeGreaterThan(0);
  expect(readingOf(after, "claude_remote_bytes_sent_total")).toBeGreaterThan(
    readingOf(before, "claude_remote_bytes_sent_total"),
  );
  expect(readingOf(after, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
  again[Symbol.dispose]();
});

test("a stream that goes on where it was cut is a reconnect", async () => {
  const before = readingOf(await scrape(), 'claude_remote_reconnects_total{side="viewer"}');
  const aborter = new AbortController();
  const headers = { cookie: phone.cookie, "last-event-id": "0-0" };
  await ask("/events", headers, { signal: aborter.signal });
  expect(readingOf(await scrape(), 'claude_remote_reconnects_total{side="viewer"}')).toBe(before + 1);
  aborter.abort();
});

test("SEC-082 labels hold our own words alone, whatever sessions, machines and phones are called", async () => {
  const planted = 'Planted"} 1\nevil{a="b';
  const { link } = await TestLink.session(server, { title: planted, cwd: `/${planted}`, command: [planted] });
  link.say({ type: "prompt", prompt: prompt({ prompt_text: planted } as never) });
  const text = await scrape();
  expect(text.toLowerCase()).not.toContain("planted");
  expect(text).not.toContain(token);
  const outcomes = ["sent", "refused", "gone", "limited", "failed", "expired", "answered_first"];
  const words = ["starting", "idle", "working", "waiting", "suspended", "wrapper", "viewer", ...outcomes];
  const names = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    if (/^# (HELP|TYPE) \w+ ./.test(line)) continue;
    const [, name = "", , label, value = ""] = /^(\w+)(\{(\w+="[^"]*")\})? -?[\d.e+-]+$/.exec(line) ?? [];
    expect(name, line).not.toBe("");
    names.add(name + label + value);
    const word = /^(?:status|side|outcome)="(\w+)"$/.exec(label ?? "")?.[1];
    expect(
      label === undefined || /^le="(\+Inf|[\d.]+)"$/.test(label) || words.includes(word ?? ""),
      line,
    ).toBeTrue();
  }
  expect(names.size).toBeGreaterThan(20);
  link[Symbol.dispose]();
});

test("how late the event loop is, is measured", async () => {
  const count = async () => readingOf(await scrape(), "claude_remote_event_loop_lag_seconds_count");
  const before = await count();
  while ((await count()) === before) await Bun.sleep(20);
  expect(await count()).toBeGreaterThan(before);
});
