// The whole way in a real Firefox: notifications turned on by a tap, a real push through a push service, the notification
// tapped, and the prompt answered on the card that it opened.
import { expect, setDefaultTimeout, test } from "bun:test";
import { pageAssets } from "../../page.ts";
import { push } from "../../server/push/push.ts";
import { Firefox } from "../firefox.ts";
import { prompt, TestLink } from "../link.ts";
import { PushService } from "../push-service.ts";
import { testServer } from "../server.ts";

setDefaultTimeout(180_000);

test("a push arrives, its tap opens the card, and the answer given there reaches claude", async () => {
  await using service = new PushService();
  await using server = await testServer({
    assets: await pageAssets(),
    annexes: [push({ anywhere: true })],
  });
  await using firefox = await Firefox.open("firefox-esr", {
    "dom.push.serverURL": service.socket,
    "dom.push.testing.allowInsecureServerURL": true,
    "dom.push.connection.enabled": true,
    "permissions.default.desktop-notification": 1,
    "alerts.useSystemBackend": false,
    "dom.webnotifications.requireuserinteraction": false,
  });
  const { link, id } = await TestLink.session(server);
  const { code } = await server.admin("POST", "/pair", { yes: true });
  await firefox.goto(`${server.url}/pair#${code}`);
  await firefox.until(`document.querySelector('[data-part="go"]')`);
  await firefox.click('[data-part="go"]');
  await firefox.until(`document.querySelector("a.row")`);

  await firefox.goto(`${server.url}/phones`);
  await firefox.until(`document.querySelector('[data-part="is-off"]:not([hidden])')`);
  await firefox.click('[data-part="is-off"] [data-part="on"]');
  // The test push goes through the push service and the worker, which tells the page.
  await firefox.until(`/^It arrived/.test(document.querySelector('[data-part="lead"]').textContent)`);
  expect(service.wrong).toEqual([]);

  const asked = prompt();
  link.say({ type: "prompt", prompt: asked });
  await service.pushes(2);
  const shown = await firefox.page<{ title: string; body: string }[]>(`
  const registration = await navigator.serviceWorker.ready;
  for (;;) {
    const all = (await registration.getNotifications()).filter(({ tag }) => tag === "session ${id}");
    if (all.length > 0) return all.map(({ title, body }) => ({ title, body }));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }`);
  expect(shown).toEqual([{ title: "project: needs approval", body: "Bash: npm test" }]);

  const tapped = await firefox.chrome<string>(`
  for (;;) {
    const wanted = [...Services.wm.getEnumerator("alert:alert")].find((one) =>
      one.document.getElementById("alertTitleLabel")?.value === "project: needs approval" ||
      one.document.documentElement.textContent.includes("project: needs approval"));
    if (wanted) {
      wanted.document.getElementById("alertBox").click();
      return "tapped";
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }`);
  expect(tapped).toBe("tapped");
  await firefox.until(`location.pathname === "/p/${asked.id}"`);
  await firefox.until(`document.querySelector('[data-part="approve"]:enabled')`);
  await firefox.click('[data-part="approve"]');
  const answer = await link.next("answer");
  expect(answer).toMatchObject({ prompt: asked.id, digest: asked.digest, answer: { option: "approve" } });
  link[Symbol.dispose]();
});
