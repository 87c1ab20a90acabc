// The tokens page in a real browser: who may what until when, and the end of each.
import { expect, test } from "bun:test";
import type { ApiToken, DeviceId } from "../src/protocol.ts";
import { opener } from "./testing/opener.ts";
import { ago } from "./testing/world.ts";

const openScene = opener();

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const token = (name: string, change: Partial<ApiToken> = {}): ApiToken => ({
  ...{ id: name.slice(0, 3), name, scopes: ["read"], device_id: null, last_used: ago(3 * MINUTE) },
  ...{ created_at: ago(2 * DAY), expires_at: Date.now() + 88 * DAY },
  ...change,
});
const all = () => [
  token("Build server"),
  token("laptop", { scopes: ["operate"], device_id: "d1" as DeviceId }),
  token("Home assistant <b>\u202E</b>", { scopes: ["read", "input"], last_used: null }),
  token("prometheus", { scopes: ["metrics"] }),
];

/** The page as a server with these tokens tells it; what it revokes is gone. */
async function open(tokens: ApiToken[]) {
  const left = [...tokens];
  return openScene({
    path: "/tokens",
    before: async ({ server }) => {
      server.reply("/api/tokens", () => ({ body: { tokens: left } }));
      for (const { id } of tokens)
        server.reply(`/api/tokens/${id}`, () => {
          left.splice(
            left.findIndex((one) => one.id === id),
            1,
          );
          return { body: { ok: true } };
        });
    },
  });
}

test.concurrent("each says what it may, until when and when it was used; its name is text", async () => {
  await using page = await open(all());
  await page.page.getByText("prometheus").waitFor();
  expect(await page.texts(".phone .project")).toEqual([
    ...["Build server", "laptop", "Home assistant <b><U+202E></b>", "prometheus"],
  ]);
  expect(await page.texts(".phone .age")).toEqual([
    "used 3 min ago",
    "used 3 min ago",
    "never used",
    "used 3 min ago",
  ]);
  expect(await page.texts(".phone .push-state")).toEqual([
    "reads sessions and conversations",
    "operates the server: pairs, lets in, revokes, attaches",
    "reads sessions and conversations",
    "types to Claude",
    "reads the server’s numbers",
  ]);
  expect((await page.texts(".phone .until"))[0]).toMatch(
    /^Made 2 d ago, good until \d+ \w{3}( \d{4})?, \d\d:\d\d$/,
  );
  expect(await page.phone.overflows()).toBe(false);
  await page.pictures("tokens");
});

test.concurrent("one is revoked after a yes, and not by Cancel", async () => {
  await using page = await open(all().slice(0, 2));
  const revoke = page.page.getByRole("button", { name: "Revoke laptop" });
  await revoke.click();
  await page.page.getByText("That machine then only reports its sessions.").waitFor();
  await page.page.getByRole("button", { name: "Cancel" }).click();
  expect(await page.texts(".phone .project")).toEqual(["Build server", "laptop"]);
  await revoke.click();
  await page.page.locator("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.page.getByText("laptop", { exact: true }).waitFor({ state: "detached" });
  expect(await page.texts(".phone .project")).toEqual(["Build server"]);
});

test.concurrent("a machine that is lost is cut off after a yes; the server's own, and those that were, are not offered", async () => {
  const machine = (id: string, name: string, revoked_at: number | null = null) => ({
    ...{ id, name, created_at: ago(2 * DAY), last_seen: ago(3 * MINUTE), revoked_at },
  });
  const devices = [machine("local", "server"), machine("d1", "laptop <b>"), machine("d2", "old", Date.now())];
  await using page = await openScene({
    path: "/tokens",
    before: ({ server }) => {
      server.reply("/api/tokens", () => ({ body: { tokens: [] } }));
      server.reply("/api/devices", () => ({ body: { devices } }));
      server.reply("/api/devices/d1", () => {
        devices.splice(1, 1);
        return { body: { ok: true } };
      });
    },
  });
  await page.page.getByRole("heading", { name: "Machines", exact: true }).waitFor();
  expect(await page.texts(".machines .project")).toEqual(["laptop <b>"]);
  await page.pictures("machines");
  await page.phone.button("Revoke laptop <b>").click();
  await page.page.getByText("Claude goes on there").waitFor();
  await page.page.locator("dialog").getByRole("button", { name: "Revoke" }).click();
  expect((await page.server.call("/api/devices/d1")).method).toBe("DELETE");
  await page.page.locator(".machines .project").waitFor({ state: "detached" });
  expect(await page.page.locator(".machines").isHidden()).toBe(true);
});

test.concurrent("without any it says how one is made", async () => {
  await using page = await open([]);
  await page.page.getByText("claude-remote token create").waitFor();
  await page.pictures("tokens-none");
});
