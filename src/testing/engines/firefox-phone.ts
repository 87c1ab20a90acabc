// Firefox as a phone: its window holds a page of a phone's size, fingers are touches, and the network can be taken from it.
import { Firefox } from "../firefox.ts";
import type { Engine, EngineOptions } from "./engine.ts";

/** px; larger than every glass. */
const WINDOW = 1_400;
/** As Firefox counts colours and pointers. */
const SCHEMES = { dark: 0, light: 1 };
const FINGER = 1;

/** Opens one, 390 by 844. */
export async function firefoxPhone({ theme = "light", proxy }: EngineOptions = {}): Promise<Engine> {
  const firefox = await Firefox.open("firefox-esr", {
    "layout.css.prefers-color-scheme.content-override": SCHEMES[theme],
    "dom.w3c_touch_events.enabled": 1,
    "ui.useOverlayScrollbars": 1, // As phones have them; they take no room.
    "ui.primaryPointerCapabilities": FINGER,
    "ui.allPointerCapabilities": FINGER,
    "permissions.default.desktop-notification": 1,
    "alerts.useSystemBackend": false,
    ...(proxy && through(proxy)),
  });
  await firefox.size(WINDOW, WINDOW);
  const phone = Object.assign(firefox, {
    async size(width: number, height: number) {
      await firefox.chrome(sized(width, height));
      await firefox.until(`innerWidth === ${width} && innerHeight === ${height}`);
    },
    offline: (yes: boolean) => firefox.chrome<void>(`Services.io.offline = ${yes};`),
    push: (url: string, text: string) => firefox.chrome<void>(pushed(url, text)),
    manifest: () => firefox.chrome<Record<string, unknown>>(MANIFEST),
  });
  await phone.size(390, 844);
  return phone;
}

const through = (port: number) => ({
  "network.proxy.type": 1,
  "network.proxy.http": "127.0.0.1",
  "network.proxy.http_port": port,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": port,
});

/** The page's box in the window; the window itself is never as small as a phone. */
const sized = (width: number, height: number) => `
  const { style } = gBrowser.selectedBrowser;
  for (const [side, px] of [["width", ${width}], ["height", ${height}]])
    for (const least of ["", "min-", "max-"]) style.setProperty(least + side, px + "px");`;

/** As if it had come from the push service. */
const pushed = (url: string, text: string) => `
  const principal = Services.scriptSecurityManager.createContentPrincipalFromOrigin(${JSON.stringify(url)});
  const notifier = Cc["@mozilla.org/push/Notifier;1"].getService(Ci.nsIPushNotifier);
  const bytes = [...new TextEncoder().encode(${JSON.stringify(text)})];
  notifier.notifyPushWithData(${JSON.stringify(`${url}/`)}, principal, crypto.randomUUID(), bytes);`;

const MANIFEST = `
  const { ManifestObtainer } = ChromeUtils.importESModule("resource://gre/modules/ManifestObtainer.sys.mjs");
  return ManifestObtainer.browserObtainManifest(gBrowser.selectedBrowser);`;
