import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import type { AuditEntry } from "../protocol.ts";
import { fakeClock } from "../testing/clock.ts";
import { TestLink } from "../testing/link.ts";
import { testServer } from "../testing/server.ts";
import { TestViewer } from "../testing/viewer.ts";
import { auditExports, csvCell } from "./audit-export.ts";
import { LIMITS } from "./limits.ts";
import { Store } from "./store.ts";

const MIB = 1_024 * 1_024;
const deed = { actor: "owner", action: "tried", subject: "it" };

/** A reader of CSV as the standard has it. */
function parseCsv(text: string): string[][] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)];
  const rows: string[][] = [[]];
  for (const [, quoted, bare = "", end] of cells) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

test("SEC-057 the export has every row, as lines of JSON or as CSV in which nothing is a formula", async () => {
  await using own = await testServer();
  const hostile = ["=cmd|' /C calc'!A0", '+1,"2"\r\n3', "-1", "@SUM(A1)", "\t=1", " =1", "＝1"];
  const viewer = await TestViewer.pair(own, "=HYPERLINK(0)");
  const { link: wrapper } = await TestLink.session(own);
  for (const command of hostile) await wrapper.ask({ tool: command, input: { command } });
  const { entries } = (await viewer.get("/api/audit")).body as unknown as { entries: AuditEntry[] };
  const fetched = (format: string) =>
    fetch(`${own.url}/api/audit/export?format=${format}`, { headers: { cookie: viewer.cookie } });

  const jsonl = await fetched("jsonl");
  expect(jsonl.headers.get("content-disposition")).toMatch(
    /^attachment; filename="claude-remote-audit-\d{4}-\d\d-\d\d\.jsonl"$/,
  );
  expect(jsonl.headers.get("x-content-type-options")).toBe("nosniff");
  const lines = (await jsonl.text()).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(entries.toReversed());

  const csv = await (await fetched("csv")).text();
  const rows = parseCsv(csv);
  expect(rows).toHaveLength(entries.length + 1);
  expect(new Set(rows.map((row) => row.length))).toEqual(new Set([13]));
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠\t\r\n]/);
  const tools = rows.map((row) => row[10]).filter((tool) => hostile.includes(tool?.slice(1) ?? ""));
  expect(tools).toEqual(hostile.map((tool) => `'${tool}`));
  expect((await fetched("html")).status).toBe(400);
  wrapper[Symbol.dispose]();
});

test("SEC-057 a cell is quoted, and disarmed only where it must be", () => {
  expect(csvCell('plain "words"')).toBe('"plain ""words"""');
  expect(csvCell("a=b")).toBe('"a=b"');
  expect(csvCell("")).toBe('""');
});

test("an export that nobody reads costs little memory, and is given up", async () => {
  const clock = fakeClock();
  await using own = await testServer({ clock });
  const viewer = await TestViewer.pair(own);
  const store = new Store(join(own.data, "claude-remote.db"));
  store.statements.tx(() => {
    for (let i = 0; i < 128; i++)
      store.audit.add({ ...deed, detail: { content: "x".repeat(MIB) } }, clock.now());
  });
  store[Symbol.dispose]();
  // What is held, and not what the collector has not come to yet.
  const held = () => {
    Bun.gc(true);
    return process.memoryUsage().rss;
  };
  const more = async () => {
    const answer = await fetch(`${own.url}/api/audit/export`, { headers: { cookie: viewer.cookie } });
    await answer.body?.cancel();
    return answer.status;
  };
  const before = held();
  const stalled = await Promise.all(
    Array.from({ length: LIMITS.exports }, async () => {
      const socket = connect(own.port, "127.0.0.1").on("error", () => {});
      socket.write(
        `GET /api/audit/export HTTP/1.1\r\nHost: 127.0.0.1:${own.port}\r\nCookie: ${viewer.cookie}\r\n\r\n`,
      );
      const [first] = await once(socket, "data");
      socket.pause();
      expect(String(first)).toStartWith("HTTP/1.1 200");
      return socket;
    }),
  );
  expect(await more()).toBe(429);
  expect(held() - before).toBeLessThan(48 * MIB);
  clock.advance(LIMITS.stalledMs);
  expect(await more()).toBe(200);
  for (const socket of stalled) socket.destroy();
});

test("SEC-023 an export under way ends when its phone is revoked, and no end of one keeps its place", async () => {
  const entry = { ...deed, id: 1, at: 0, name: null, address: null, session: null, detail: {}, asked: null };
  let revoked = false;
  const broken = () => {
    throw new Error("the disk");
  };
  const page = (after = 0) => [{ ...entry, id: after + 1 }];
  const exported = auditExports({ end: () => 1_000, after: page }, fakeClock());
  const failing = auditExports({ end: () => 1_000, after: broken }, fakeClock());
  const still = () => {
    if (revoked) throw new Error("revoked");
  };
  for (let i = 0; i <= LIMITS.exports; i++) {
    revoked = false;
    const reader = exported("csv", still).body?.getReader();
    await reader?.read();
    revoked = true;
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(rest()).rejects.toThrow("revoked");
    await expect(failing("jsonl", () => {}).text()).rejects.toThrow("the disk");
  }
});

test("an export of which not even the beginning is taken is given up as well", () => {
  const clock = fakeClock();
  const exported = auditExports({ end: () => 0, after: () => [] }, clock);
  const untaken = Array.from({ length: LIMITS.exports }, () => exported("csv", () => {}));
  expect(() => exported("csv", () => {})).toThrow("already");
  clock.advance(LIMITS.stalledMs);
  untaken.push(exported("csv", () => {}));
});
