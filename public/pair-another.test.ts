// Letting another phone in from this one.
import { expect, test } from "bun:test";
import { encode } from "uqr";
import { opener, patient, shows } from "./testing/opener.ts";

const open = opener();
const URL_ = "https://claude.example/pair#K7QM-2XVD";

test.concurrent("SEC-019 another phone is let in by a code, the same digits on both, and a yes on this one", async () => {
  await using page = await open({
    path: "/phones",
    clock: true,
    before: ({ server }) => {
      const push = { key: "k", own: "viewer-1", phones: [], snoozed: {} };
      server.reply("/api/push", () => ({ body: push }));
      server.reply("/api/viewers", () => ({ body: { viewers: [], own: "viewer-1" } }));
    },
  });
  let now: object = { state: "open" };
  page.server.reply("/api/pairing", ({ method }) => {
    if (method !== "POST") return { body: now };
    return { body: { code: "K7QM-2XVD", url: URL_, expires_at: Date.now() + 300_000 } };
  });
  await page.page.getByText("Pair another phone").tap();
  await shows(page.page.locator(".pair-code"), "K7QM-2XVD");
  await shows(page.page.locator("p"), /^Good for [45]:\d\d, for one phone$/);
  await shows(page.page.locator("p"), "Or open claude.example/pair there and type");
  const drawn = (await page.page.locator(".qr path").getAttribute("d")) ?? "";
  const { data } = encode(URL_, { ecc: "M", border: 4 });
  const black = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  expect(drawn).toBe(black.join(""));
  await page.pictures("pair-another");

  now = { state: "requested", name: "Pixel <b>", address: "192.168.1.30", check: "47" };
  await page.page.clock.fastForward(1_000);
  await shows(page.page.locator(".digits"), "47");
  await shows(page.page.locator("p"), "Pixel <b> (192.168.1.30) wants in and shows a number");
  await page.pictures("pair-another-check");
  await page.phone.button("Yes, let it in").tap();
  const confirmed = await page.server.call("/api/pairing/confirm");
  expect(confirmed).toMatchObject({ method: "POST", body: { check: "47" } });
  await shows(page.page.locator("p"), "Waiting for the other phone");
  now = { state: "paired", viewer: { id: "v2", name: "Pixel <b>" } };
  await page.page.clock.fastForward(1_000);
  await shows(page.page.locator(".paired"), "Paired: Pixel <b>");
  await page.pictures("pair-another-done");
});

test.concurrent("SEC-018 a no, and leaving the screen, end the code", async () => {
  let now: object = { state: "open" };
  await using page = await open({
    path: "/pair-phone",
    clock: true,
    async before(one) {
      const { server } = one;
      await patient(one);
      server.reply("/api/pairing", ({ method }) => {
        if (method === "DELETE") now = { state: "closed" };
        if (method !== "POST") return { body: now };
        if ("state" in now && now.state === "closed") now = { state: "open" };
        return { body: { code: "K7QM-2XVD", url: URL_, expires_at: Date.now() + 300_000 } };
      });
    },
  });
  await shows(page.page.locator(".pair-code"), "K7QM-2XVD");
  now = { state: "requested", name: "Stranger", address: "10.0.0.9", check: "12" };
  await page.page.clock.fastForward(1_000);
  await page.phone.button("No").tap();
  await shows(page.page.locator("p"), "The code is not good any more.");
  await page.phone.button("Show a new code").evaluate((one) => {
    for (const _ of [1, 2]) if (one instanceof HTMLElement) one.click(); // A second code would end the first.
  });
  await shows(page.page.locator(".pair-code"), "K7QM-2XVD");
  const changes = () => page.server.asked.map(({ method }) => method).filter((method) => method !== "GET");
  expect(changes()).toEqual(["POST", "DELETE", "POST"]);
  // Whoever leaves and comes back has a code that the end of the one before does not end.
  const held = Promise.withResolvers<void>();
  await page.page.route("**/api/pairing", async (route) => {
    if (route.request().method() === "DELETE") await held.promise;
    await route.continue();
  });
  await page.page.locator(".back").tap();
  await page.page.goBack();
  await page.page.locator(".pair-another").waitFor({ state: "attached" });
  held.resolve();
  await shows(page.page.locator(".pair-code"), "K7QM-2XVD");
  expect(changes()).toEqual(["POST", "DELETE", "POST", "DELETE", "POST"]);
  expect(page.server.asked.some(({ path }) => path === "/api/pairing/confirm")).toBe(false);
});

test.concurrent("where another phone could not open the address, the screen says what to do", async () => {
  await using page = await open({
    ...{ path: "/pair-phone", failures: true },
    before: ({ server }) =>
      server.reply("/api/pairing", () => {
        const message =
          "Another phone could not open this address: only this machine can. Open this page by an address that phones reach; `claude-remote pair` on the server's machine lists the ways to one.";
        return { status: 403, body: { error: { code: "forbidden", message, request: "r" } } };
      }),
  });
  await shows(page.part("trouble"), "Another phone could not open this address");
  await page.phone.button("Try again").waitFor();
  expect(await page.page.locator(".qr").count()).toBe(0);
  await page.pictures("pair-another-refused");
});
