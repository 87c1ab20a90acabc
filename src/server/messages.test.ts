import { expect, test } from "bun:test";
import type { LogLine, Session } from "../protocol.ts";
import type { Screen } from "../screen.ts";
import { prompt, statement, TestLink } from "../testing/link.ts";
import { served } from "../testing/served.ts";
import { line } from "../testing/store.ts";

const { server, phone: viewer } = await served();

test("SEC-091 unknown types and fields are ignored; another protocol is refused by name", async () => {
  const { link, id } = await TestLink.session(server);
  link.sayText(JSON.stringify({ type: "of_the_future", more: [1] }));
  link.sayText(JSON.stringify({ type: "lines", lines: [{ ...line(0), color: "red" }], more: true }));
  await link.until("the ack", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === 0),
  );
  const { lines } = (await viewer.get(`/api/sessions/${id}/lines`)).body;
  expect(lines).toEqual([
    { line_no: 0, epoch: 0, source: "screen", text: "line 0", at: expect.any(Number) },
  ] as never);
  const future = await TestLink.connect(server, { protocol: 9 });
  expect(future.refused).toMatchObject({ code: "protocol", message: expect.stringContaining("update") });
  link[Symbol.dispose]();
});

test("what makes no sense closes the connection, and changes nothing", async () => {
  const whole = statement();
  const asked = prompt();
  const nonsense: unknown[] = [
    ...[null, [], 7, "text", {}, { type: 7 }],
    { type: "session", session: { ...whole, rows: 2.5 } },
    { type: "session", session: { ...whole, id: "../../etc" } },
    { type: "session", session: { ...whole, open: Array(301).fill("p") } },
    { type: "session", session: { ...whole, cols: "80" } },
    { type: "session", session: { ...whole, age_ms: null } },
    { type: "status", state: { ...whole, status: "dreaming" } },
    { type: "output", frame: { lines: [{ y: 0.5, row: [] }] } },
    { type: "output", frame: { scroll: "1" } },
    { type: "lines", lines: [{ ...line(0), line_no: -1 }] },
    { type: "lines", lines: [{ ...line(0), line_no: 2 ** 53 + 2 }] },
    { type: "lines", lines: Array(1_001).fill(line(0)) },
    { type: "prompt", prompt: { ...asked, digest: "short" } },
    { type: "prompt", prompt: { ...asked, options: [] } },
    { type: "accepted", prompt: 7 },
    { type: "exit", code: 256, signal: null, reason: "exit" },
    { type: "session", session: whole },
  ];
  for (const message of nonsense) {
    const { link } = await TestLink.session(server);
    link.sayText(JSON.stringify(message));
    link.say({ type: "prompt", prompt: asked });
    await link.cutOff().catch((error) => {
      throw new Error(`after ${JSON.stringify(message)?.slice(0, 80)}: ${error}`);
    });
  }
  const early = await TestLink.connect(server);
  early.say({ type: "prompt", prompt: asked });
  await early.cutOff();
  expect((await viewer.get("/api/prompts?open=1")).body.prompts).not.toContainEqual(
    expect.objectContaining({ id: asked.id }),
  );
});

test("what is only too big is brought into bounds: refused, it would be said again for ever", async () => {
  const before = Date.now();
  const { link, id } = await TestLink.session(server, {
    cols: 5_000,
    rows: 0,
    title: "t".repeat(2_000),
    age_ms: -5_000,
  });
  link.say({
    type: "output",
    frame: { size: { cols: 5_000, rows: 5_000 }, scroll: 1e9, lines: [{ y: -1, row: [] }] },
  });
  link.say({ type: "lines", lines: [{ ...line(0), text: "x".repeat(100_000), age_ms: 1e300 }] });
  await link.until("the ack", () =>
    link.heard.some((one) => one.type === "ack" && one.stream === "lines" && one.upto === 0),
  );
  const { session, screen } = (await viewer.get(`/api/sessions/${id}`)).body as unknown as {
    session: Session;
    screen: Screen;
  };
  expect(session).toMatchObject({ cols: 1_000, rows: 1, title: "t".repeat(1_000) });
  expect(session.started_at).toBeWithin(before, Date.now() + 1); // Nothing begins in the future.
  expect(screen.lines).toHaveLength(1_000);
  const { lines } = (await viewer.get(`/api/sessions/${id}/lines`)).body as unknown as { lines: LogLine[] };
  expect(lines[0]?.text).toHaveLength(20_000);
  link[Symbol.dispose]();
});

test("SEC-092 thousands of mutated frames: the server lives, and honest wrappers are served", async () => {
  const { link: honest, id } = await TestLink.session(server);
  honest.beats();
  const seeds = [
    JSON.stringify({ type: "session", session: statement() }),
    JSON.stringify({ type: "prompt", prompt: prompt() }),
    JSON.stringify({
      type: "output",
      frame: { size: { cols: 80, rows: 24 }, lines: [{ y: 1, row: [{ text: "x" }] }] },
    }),
    JSON.stringify({ type: "lines", lines: [line(1)] }),
  ];
  const pieces = [
    "-1",
    "1e309",
    "9007199254740993",
    '"__proto__"',
    '"constructor"',
    "null",
    '"\\ud800"',
    "[[[[",
    "}",
    '"',
  ];
  let random = 42;
  const pick = (below: number) => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return random % below;
  };
  for (let round = 0; round < 40; round++) {
    const link = await TestLink.connect(server);
    for (let i = 0; i < 50; i++) {
      const seed = seeds[pick(seeds.length)] ?? "";
      const at = pick(seed.length);
      link.sayText(seed.slice(0, at) + pieces[pick(pieces.length)] + seed.slice(at + pick(20)));
    }
    link[Symbol.dispose]();
  }
  for (const deep of [
    "[".repeat(1_000_000),
    `{"type":"prompt","prompt":{"input":${"[".repeat(500_000)}${"]".repeat(500_000)}}}`,
  ]) {
    const { link } = await TestLink.session(server);
    link.sayText(deep);
    await link.cutOff();
  }
  const asked = await honest.ask();
  await viewer.until("the prompt", () => viewer.prompts.get(asked.id)?.session_id === id);
  expect(honest.closed).toBe(false);
  honest[Symbol.dispose]();
});
