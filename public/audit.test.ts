// The audit log on the page: readable on a phone, paged, each entry open to exactly what stood there.
import { expect, test } from "bun:test";
import type { AuditEntry, SessionId } from "../src/protocol.ts";
import { deedOf, toneOf } from "./audit-words.ts";
import { opener } from "./testing/opener.ts";
import { bash, session } from "./testing/world.ts";

const open = opener();

const shop = session("webshop");
const viewer = { actor: "viewer v1", name: "Pixel 8 (Chrome)", address: "192.168.1.23" };
const command = "npm test && git push --force\n\u202egnihtyreve eteled # ";

function entry(id: number, action: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    ...{ id, at: Date.now() - (100 - id) * 60_000, action, actor: `session ${shop.id}`, name: "laptop" },
    ...{ address: null, session: shop.id as SessionId, subject: "p1", detail: {}, asked: null },
    ...more,
  };
}

function entries(): AuditEntry[] {
  const { stage, ...asked } = bash("p1", shop, command, "Run the tests");
  const { digest } = asked;
  return [
    entry(91, "prompt", { asked }),
    entry(92, "answer refused", {
      ...{ ...viewer, actor: "viewer v2", name: "Old phone", asked },
      detail: { why: "changed", stage: "open", digest: "0".repeat(64), answer_id: "a0", option: "approve" },
    }),
    entry(93, "answer", { ...viewer, asked, detail: { digest, answer_id: "a1", option: "approve" } }),
    entry(94, "accepted", { asked, detail: { digest } }),
    entry(95, "withdrawn", { actor: "desk", asked, detail: { by: "desk", chosen: "rejected", digest } }),
    entry(96, "input", {
      ...viewer,
      subject: shop.id,
      detail: { id: "i1", text: "run it\nagain <b>now</b>" },
    }),
    entry(97, "input", { ...viewer, subject: shop.id, detail: { id: "i2", key: "escape" } }),
    entry(98, "paired", { ...viewer, subject: "v1", session: null }),
    entry(99, "device refused", {
      ...{ actor: "nobody", name: null, address: "192.168.1.66", session: null, subject: "channel" },
      detail: { why: "device", device: "=cmd()", left_out: 12 },
    }),
  ].reverse();
}

test("every entry says in a line who did what", () => {
  const lines = entries().map((one) => `${toneOf(one)}: ${deedOf(one)}`);
  expect(lines.reverse()).toEqual([
    "plain: Claude asked: Bash",
    "bad: Old phone: Approve, refused: the prompt was another one by then",
    "good: Pixel 8 (Chrome): Approve",
    "good: Claude took the answer",
    "plain: Ended at the desk: rejected",
    "plain: Pixel 8 (Chrome) typed",
    "plain: Pixel 8 (Chrome) pressed escape",
    "good: Pixel 8 (Chrome) was paired",
    "bad: A machine was refused: it could not prove who it is",
  ]);
  const { asked } = entries()[6] ?? {};
  const denied = entry(1, "answer", { ...viewer, asked: asked ?? null, detail: { option: "reject" } });
  expect([toneOf(denied), deedOf(denied)]).toEqual(["plain", "Pixel 8 (Chrome): Deny"]);
  const deleted = entry(1, "session deleted", { ...viewer, detail: { cwd: "/home/ada/shop" } });
  expect([toneOf(deleted), deedOf(deleted)]).toEqual([
    "bad",
    "Pixel 8 (Chrome) deleted a session of /home/ada/shop",
  ]);
  const named = (name: string | null) => deedOf(entry(1, "session named", { ...viewer, detail: { name } }));
  expect([named("Vouchers"), named(null)]).toEqual([
    "Pixel 8 (Chrome) named a session: Vouchers",
    "Pixel 8 (Chrome) took a session's name away",
  ]);
  expect(deedOf(entry(1, "something new", viewer))).toBe("Pixel 8 (Chrome): something new");
});

test.concurrent("the log is reached from the list, read page by page, and opens to the exact input", async () => {
  await using page = await open({ sessions: [shop] });
  const [all, earlier] = [entries(), [entry(90, "stop", viewer)]];
  let asked = 0;
  page.server.reply("/api/audit", () => {
    const first = asked++ === 0;
    return { body: first ? { entries: all, before: 91 } : { entries: earlier, before: null } };
  });
  await page.page.getByRole("link", { name: "Audit log" }).tap();
  await page.part("deed").nth(8).waitFor();
  expect(await page.texts('.audit-entry [data-part="deed"]')).toEqual(all.map(deedOf));
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("audit");

  const answered = page.page.locator(".audit-entry").filter({ hasText: "Pixel 8 (Chrome): Approve" });
  await answered.locator("summary").tap();
  const literal = answered.locator(".literal").first();
  expect(await literal.textContent()).toBe(command.replace("\u202e", "<U+202E>"));
  expect(await answered.locator(".risk").innerText()).toMatch(/^1 hidden/);
  const facts = await answered.locator("dl").innerText();
  expect(facts).toContain(all[6]?.asked?.digest ?? "nothing");
  expect(facts).toContain("192.168.1.23");
  expect(facts).toContain("viewer v1");
  expect(facts).not.toContain("Answered digest");
  await answered.scrollIntoViewIfNeeded();
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("audit-entry");

  const refused = page.page.locator(".audit-entry").filter({ hasText: "refused: the prompt" });
  await refused.locator("summary").tap();
  expect(await refused.locator("dl").innerText()).toContain(`Answered digest\n${"0".repeat(64)}`);
  const typed = page.page.locator(".audit-entry").filter({ hasText: "typed" });
  await typed.locator("summary").tap();
  expect(await typed.locator(".literal").innerText()).toBe("run it\nagain <b>now</b>");

  await page.phone.button("Show earlier entries").tap();
  await page.part("deed").nth(9).waitFor();
  expect((await page.texts('[data-part="deed"]')).at(-1)).toBe("Pixel 8 (Chrome) stopped Claude");
  await page.phone.button("Show earlier entries").waitFor({ state: "hidden" });
  await page.page.locator("a.back").tap();
  await page.page.getByRole("link", { name: "Audit log" }).waitFor();
});

test.concurrent("the log is saved as a file, and what cannot be read says why", async () => {
  await using page = await open({
    path: "/audit",
    failures: true,
    before: ({ server }) => server.reply("/api/audit", () => ({ body: { entries: [], before: null } })),
  });
  await page.part("older").waitFor({ state: "hidden" });
  page.server.reply("/api/audit/export", () => ({ body: { whole: "log" } }));
  const [file] = await Promise.all([page.page.waitForEvent("download"), page.phone.button("CSV").tap()]);
  expect(file.suggestedFilename()).toBe("claude-remote-audit.csv");
  expect(await Bun.file(await file.path()).json()).toEqual({ whole: "log" });
  const error = { code: "rate_limited", message: "The audit is being exported already.", request: "r" };
  page.server.reply("/api/audit/export", () => ({ status: 429, body: { error } }));
  await page.phone.button("JSON lines").tap();
  await page.phone.reads(page.part("trouble"), /exported already/);
});

test.concurrent("a log that does not come can be asked for again", async () => {
  await using page = await open({
    path: "/audit",
    failures: true,
    before: ({ server }) => server.reply("/api/audit", () => ({ status: 503 })),
  });
  await page.phone.button("Try again").waitFor();
  page.server.reply("/api/audit", () => ({ body: { entries: entries(), before: null } }));
  await page.phone.button("Try again").tap();
  await page.part("deed").nth(8).waitFor();
  await page.part("trouble").waitFor({ state: "hidden" });
  await page.part("older").waitFor({ state: "hidden" });
});
