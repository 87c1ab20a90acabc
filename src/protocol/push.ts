// Notifications, /api/push.
import type { Digest, PromptId, ViewerId } from "./ids.ts";

export type PushPlatform = "ios" | "android" | "desktop";
/** What the browser would let us do. `unsupported`: it has no push, or has it only once it is on the Home Screen. */
export type PushPermission = "granted" | "denied" | "default" | "unsupported";
/** What a browser says of itself whenever its page opens: whole, so that saying it twice does no harm. */
export type PushStatement = {
  platform: PushPlatform;
  permission: PushPermission;
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } } | null;
};

/** "22:00" to "07:00" of that time zone. */
export type QuietHours = { from: string; to: string; time_zone: string };
/** `private`: no command, path or project in what is pushed. */
export type PushSettings = { private: boolean; quiet: QuietHours | null };
/** `untested`: pushes were taken by the push service, but nobody has said that one arrived. */
export type PushState = "off" | "untested" | "works" | "refused";

/** A paired browser, as to its notifications. */
export type PushPhone = PushSettings & {
  viewer: ViewerId;
  platform: PushPlatform | null;
  permission: PushPermission | null;
  state: PushState;
  /** Why it is off or refused, and what to do, for people. */
  reason: string | null;
  /** The host of its push service. */
  service: string | null;
  /** When a push was taken last. */
  sent_at: number | null;
};

/** What became of one push. `limited`, `failed`: it is tried again, unless it is too late by then (`expired`). */
export type PushOutcome = "sent" | "refused" | "gone" | "limited" | "failed" | "expired" | "answered_first";
export type PushDelivery = {
  id: number;
  viewer_id: ViewerId;
  at: number;
  kind: string;
  /** What it was about, as it stood in its title. */
  title: string;
  outcome: PushOutcome;
  status: number | null;
  reason: string | null;
};

/** GET /api/push. `key`: what a subscription has to be made for. `snoozed`: until when, by session. */
export type PushOverview = {
  key: string;
  own: ViewerId;
  phones: PushPhone[];
  snoozed: { [session: string]: number };
};

/** POST /api/push/act: what a notification's button sends. The nonce was in that push alone, and dies with the prompt. */
export type PushActBody = {
  prompt: PromptId;
  digest: Digest;
  nonce: string;
  action: "approve" | "reject";
};
