// A paired phone before a real server, by way of a proxy if that is wanted.
import type { Browser, BrowserContext } from "playwright-core";
import { pageAssets } from "../../src/page.ts";
import type { ServerOptions } from "../../src/server/server.ts";
import { Phone } from "../../src/testing/page.ts";
import { type TestServer, testServer } from "../../src/testing/server.ts";

/** One pairing is open at a time. */
let pairing: Promise<unknown> = Promise.resolve();

/** Pairs as a person does it: by the link, a tap, and the owner's yes beforehand. */
export async function pairedPhone(
  browser: Browser,
  server: TestServer,
  { url = server.url, before }: { url?: string; before?: (context: BrowserContext) => Promise<void> } = {},
): Promise<Phone> {
  const phone = await Phone.open(browser);
  await before?.(phone.page.context());
  const paired = pairing.then(async () => {
    const { code } = await server.admin("POST", "/pair", { yes: true });
    await phone.goto(`${url}/pair#${code}`);
    await phone.button("Pair this phone").tap();
    await phone.page.locator(".list-view h1").waitFor();
  });
  pairing = paired.catch(() => {});
  await paired;
  return phone;
}

/** A real server that serves the real page. */
export async function realServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  return testServer({ assets: await pageAssets(), ...options });
}
