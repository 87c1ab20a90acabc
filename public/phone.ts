// What this phone is, as far as notifications care, and what its owner has to do next. No DOM.
import type { PushPermission, PushPlatform } from "../src/protocol.ts";

export type Facts = {
  platform: PushPlatform;
  /** https, or this very machine. */
  secure: boolean;
  /** Opened from the Home Screen. */
  installed: boolean;
  /** The browser has push at all, here and now. */
  able: boolean;
  permission: NotificationPermission;
  subscribed: boolean;
};

/** The one next step. `install`: only a web app on the Home Screen gets pushes there. */
export type Situation = "insecure" | "install" | "unsupported" | "denied" | "off" | "on";

export function situationOf({ platform, secure, installed, able, permission, subscribed }: Facts): Situation {
  if (!secure) return "insecure";
  if (platform === "ios" && !installed) return "install";
  if (!able) return "unsupported";
  if (permission === "denied") return "denied";
  return permission === "granted" && subscribed ? "on" : "off";
}

export function permissionOf({ able, permission }: Facts): PushPermission {
  return able ? permission : "unsupported";
}

/** An iPad says it is a Mac, but has a touch screen. */
export function platformOf(agent: string, touchPoints: number): PushPlatform {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touchPoints > 1)) return "ios";
  return /Android/.test(agent) ? "android" : "desktop";
}

/** Where a refused permission can be given after all: no page may ask twice. */
export function allowedWhere(platform: PushPlatform, agent: string): string {
  if (platform === "ios") return "Open Settings → Notifications → Remote, and allow notifications there.";
  if (/Firefox/.test(agent))
    return platform === "android"
      ? "Tap the shield or lock beside the address → Notifications → Allowed."
      : "Click the sign left of the address → Connection → clear “Send notifications: Blocked”, then load the page again.";
  return platform === "android"
    ? "Tap the sign left of the address → Permissions → Notifications → Allow. In the installed app: hold its icon → App info → Notifications."
    : "Click the sign left of the address → Site settings → Notifications → Allow.";
}

/** What to look at where a push was sent and nothing came. */
export function fixesFor(platform: PushPlatform): string[] {
  switch (platform) {
    case "ios":
      return [
        "Settings → Notifications → Remote: Allow Notifications, Lock Screen and Banners are on.",
        "No Focus or Do Not Disturb is on, or Remote is among the allowed apps.",
        "Turn notifications off and on again here; after some days without use iOS drops them.",
      ];
    case "android":
      return [
        "Settings → Apps → your browser (or Remote) → Notifications are allowed, and so is this site.",
        "Settings → Apps → your browser → Battery is not “Restricted”.",
        "Do Not Disturb and Bedtime mode are off.",
      ];
    default:
      return [
        "The system's own settings let your browser notify, and no Focus or Do Not Disturb is on.",
        "The browser is running: a closed one gets nothing.",
        "Turn notifications off and on again here.",
      ];
  }
}
