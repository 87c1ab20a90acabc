// Acceptance 2, 4, 8, 9 and 12: a swap under the finger, a long log, nothing foreign, and what an installation needs.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Digest } from "../src/protocol.ts";
import { withHeaders } from "../src/server/headers.ts";
import { ARGS, CHROMIUM } from "../src/testing/page.ts";
import { FakeServer } from "./testing/fake-server.ts";
import type { OpenPage } from "./testing/open-page.ts";
import { assets, opener, shows } from "./testing/opener.ts";
import { bash, session, state } from "./testing/world.ts";

const open = opener();
const shop = session("webshop", { status: "waiting" });
const ask = bash("p1", shop, "ls");

/** A finger on Approve, before anybody knows better. */
async function fingerDown(page: OpenPage) {
  await page.page.locator('[data-part="approve"]:enabled').waitFor();
  const box = await page.part("approve").boundingBox();
  const touch = await page.page.context().newCDPSession(page.page);
  const touchPoints = [{ x: (box?.x ?? 0) + 30, y: (box?.y ?? 0) + 20 }];
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints });
  return () => touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}

test.concurrent("acceptance 2: a tap on what the server knows to have changed is refused, and says so", async () => {
  await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [ask], failures: true });
  const lift = await fingerDown(page);
  const message = "The question has changed. Look at it again.";
  page.server.reply("/api/prompts/p1/approve", () => ({
    ...{ status: 409, body: { error: { code: "changed", message, request: "r" } } },
  }));
  await lift();
  await shows(page.part("outcome"), message);
  expect(await page.part("approve").isDisabled()).toBe(true);
});

test.concurrent("acceptance 2: a question swapped under the finger is not answered by it", async () => {
  await using page = await open({ path: "/p/p1", sessions: [shop], prompts: [ask] });
  const lift = await fingerDown(page);
  const other = { ...bash("p1", shop, "rm -rf /"), digest: "f".repeat(64) as Digest };
  page.server.send("prompt", { prompt: other });
  await shows(page.page.locator(".literal"), "rm -rf /");
  await page.page.locator('[data-part="approve"]:enabled').waitFor();
  await lift(); // However long it stayed there.
  await page.part("approve").tap();
  await page.server.call("/api/prompts/p1/approve");
  const posts = page.server.asked.filter(({ method }) => method === "POST");
  expect(posts.map(({ body }) => (body as { digest: string }).digest)).toEqual([other.digest]);
});

test.concurrent("acceptance 12: manifest and icons are valid, and the page can be installed", async () => {
  const profile = mkdtempSync(join(tmpdir(), "claude-remote-install-"));
  const server = new FakeServer(assets, withHeaders);
  server.begin(() => state([shop], [ask]));
  const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: ARGS });
  try {
    const page = await context.newPage();
    const foreign: string[] = [];
    page.on(
      "request",
      (request) => void (new URL(request.url()).origin === server.url || foreign.push(request.url())),
    );
    await page.goto(server.url);
    await page.locator(".row").waitFor();
    const debug = await context.newCDPSession(page);
    expect(await debug.send("Page.getInstallabilityErrors")).toEqual({ installabilityErrors: [] });
    const { data, errors } = await debug.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const manifest = JSON.parse(data ?? "{}") as {
      icons: { src: string; sizes: string; type?: string }[];
      id: string;
    };
    expect(manifest.id).toBe("/");
    expect(data).not.toMatch(/key|token|code=/);
    for (const { src, sizes } of manifest.icons) {
      const bytes = assets.get(src)?.body;
      if (src.endsWith(".svg")) continue;
      const png = Buffer.from(bytes as Uint8Array);
      expect([src, png.subarray(1, 4).toString(), `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`]).toEqual(
        [...[src, "PNG", sizes]],
      );
    }
    expect(foreign).toEqual([]);
  } finally {
    await context.close();
    await server[Symbol.asyncDispose]();
    rmSync(profile, { recursive: true, force: true });
  }
});

const HEAP_BYTES = 150_000_000;
const LINES = 50_000;
const BATCH = 1_000;

/** A minute of a browser's whole work. */
const inLongTests = process.env.CLAUDE_REMOTE_TEST_ALL === "1" ? test.concurrent : () => {};

inLongTests("acceptance 4: 50,000 lines go by; memory holds, and so does what is read", async () => {
  await using page = await open({ path: "/s/webshop", sessions: [session("webshop")] });
  page.server.reply("/api/sessions/webshop/lines", () => ({ body: { lines: [] } }));
  await page.part("tab-log").tap();
  const lines = (from: number) =>
    Array.from({ length: BATCH }, (_, i) => ({
      ...{ line_no: from + i, epoch: 0, source: "screen" as const },
      text: `line ${from + i} of what claude has to say about it`,
    }));
  for (let from = 0; from < LINES; from += BATCH) {
    page.server.send("lines", { session: shop.id, lines: lines(from) });
    await shows(page.page.locator(".log-line").last(), new RegExp(`^line ${from + BATCH - 1} `));
  }
  const debug = await page.page.context().newCDPSession(page.page);
  await debug.send("HeapProfiler.collectGarbage");
  const { usedSize } = await debug.send("Runtime.getHeapUsage");
  const { frames, still } = await page.page.locator(".log-scroll").evaluate(async (box) => {
    const times: number[] = [];
    for (let i = 0, last = performance.now(); i < 120; i++) {
      box.scrollTop -= 400;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      times.push(performance.now() - last);
      last = performance.now();
    }
    return { frames: times.sort((a, b) => a - b), still: box.scrollTop };
  });
  page.server.send("lines", { session: shop.id, lines: lines(LINES).slice(0, 5) });
  await shows(page.part("pill"), "New output (5)");
  // Five lines came at the end and five went at the beginning: what is read has moved by these in the box, not on the glass.
  const now = await page.page.locator(".log-scroll").evaluate((box) => box.scrollTop);
  expect(Math.abs(now - still)).toBeLessThan(150);
  console.log(
    `acceptance 4: ${LINES} lines: heap ${(usedSize / 1e6).toFixed(1)} MB, frame median ${frames[60]?.toFixed(1)} ms, 95 % ${frames[114]?.toFixed(1)} ms`,
  );
  expect(usedSize).toBeLessThan(HEAP_BYTES);
});
