// Chromium with pages of a phone's size, logged in where they are a viewer's.
import { type Browser, chromium, type Page } from "playwright-core";
import type { Rig, Viewer } from "./rig.ts";

const CHROMIUM = process.env.CLAUDE_REMOTE_TEST_CHROMIUM || "/usr/bin/chromium";
const ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

export async function openPage(browser: Browser): Promise<Page> {
  const viewport = { width: 390, height: 844 };
  return browser.newPage({ viewport, deviceScaleFactor: 3, isMobile: true, hasTouch: true });
}

/** This server's page at that path, as the viewer sees it. */
export async function openPhone(browser: Browser, rig: Rig, viewer: Viewer, path: string): Promise<Page> {
  const page = await openPage(browser);
  const [name = "", value = ""] = viewer.cookie.split("=");
  await page.context().addCookies([{ name, value, url: rig.url }]);
  await page.goto(rig.url + path);
  return page;
}
