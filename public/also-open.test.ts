// What a session says of its conversation's files: that another has them open, or that their copy may be stale.
import { expect, test } from "bun:test";
import type { SessionId } from "../src/protocol.ts";
import { opener, shows } from "./testing/opener.ts";
import { session } from "./testing/world.ts";

const open = opener();
const [here, there] = ["webshop", "buildbox"] as [SessionId, SessionId];

test("both sessions lead to one another, until one of them has ended", async () => {
  const first = session(here, { also_open: [there] });
  const second = session(there, { cwd: "/home/dev/webshop", device_name: "buildbox", also_open: [here] });
  await using view = await open({ path: `/s/${here}`, sessions: [first, second] });
  const { page, server } = view;
  await shows(page.locator(".note"), /Also open in webshop on buildbox\. End one of them/);
  await view.pictures("also-open");
  await page.locator(".note a").tap();
  await page.waitForURL(`**/s/${there}`);
  await shows(page.locator(".note"), /Also open in webshop on laptop\./);
  const { also_open: _, ...alone } = second;
  server.send("session_start", { session: alone });
  await page.locator(".note", { hasText: "Also open" }).waitFor({ state: "hidden" });
  expect(await page.locator(".note a").count()).toBe(0);
});

test("a copy that may be stale is said, with what to do, until it is whole again", async () => {
  const problem = {
    class: "no_rsync_there",
    message: "rsync is not on buildbox",
    next: "Install rsync 3 (apt install rsync, brew install rsync) on buildbox.",
  };
  const now = Date.now();
  const stale = session(there, { device_name: "buildbox", copy: { at: null, problem } });
  await using view = await open({ path: `/s/${there}`, sessions: [stale] });
  await shows(view.page.locator(".note"), /may be stale: rsync is not on buildbox\. Install rsync 3/);
  await view.pictures("stale-copy");
  view.server.send("session_start", { session: { ...stale, copy: { at: now, problem: null } } });
  await view.page.locator(".note", { hasText: "stale" }).waitFor({ state: "hidden" });
});
