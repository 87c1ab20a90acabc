// Rows of what is kept of notifications: each browser's subscription and wishes, what became of each push, snoozes.
import type {
  PromptId,
  PushDelivery,
  PushPhone,
  PushSettings,
  PushStatement,
  SessionId,
  ViewerId,
} from "../../protocol.ts";
import type { Db } from "../store/database.ts";
import { hostOf } from "./endpoint.ts";
import type { Subscription } from "./send.ts";

/** Deliveries kept of each phone; the oldest go. */
const KEPT_DELIVERIES = 200;

type Row = {
  viewer_id: ViewerId;
  platform: PushPhone["platform"];
  permission: PushPhone["permission"];
  endpoint: string | null;
  p256dh: string | null;
  auth: string | null;
  reason: string | null;
  refused_at: number | null;
  tested_at: number | null;
  sent_at: number | null;
  private: number;
  quiet: string | null;
};
/** A push that a phone got. */
type Sent = { topic: string; at: number; subject: string };
export type NewDelivery = Omit<PushDelivery, "id"> & { topic: string; subject: string };

const SQL = {
  row: "SELECT * FROM push_subscriptions WHERE viewer_id = $viewer",
  rows: "SELECT * FROM push_subscriptions",
  // What is not a new subscription leaves what is known of the old one.
  state: `INSERT INTO push_subscriptions (viewer_id, platform, permission, endpoint, p256dh, auth)
      VALUES ($viewer, $platform, $permission, $endpoint, $p256dh, $auth)
    ON CONFLICT (viewer_id) DO UPDATE SET platform = $platform, permission = $permission,
      reason = iif(endpoint IS $endpoint OR $endpoint IS NULL, reason, NULL),
      refused_at = iif(endpoint IS $endpoint, refused_at, NULL), tested_at = iif(endpoint IS $endpoint, tested_at, NULL),
      sent_at = iif(endpoint IS $endpoint, sent_at, NULL),
      endpoint = $endpoint, p256dh = $p256dh, auth = $auth`,
  others:
    "UPDATE push_subscriptions SET endpoint = NULL, p256dh = NULL, auth = NULL WHERE endpoint = $endpoint AND viewer_id <> $viewer",
  wishes: "UPDATE push_subscriptions SET private = $private, quiet = $quiet WHERE viewer_id = $viewer",
  sent: "UPDATE push_subscriptions SET sent_at = $at, refused_at = NULL, reason = NULL WHERE viewer_id = $viewer AND endpoint = $endpoint",
  refused:
    "UPDATE push_subscriptions SET refused_at = $at, reason = $reason WHERE viewer_id = $viewer AND endpoint = $endpoint",
  gone: `UPDATE push_subscriptions SET endpoint = NULL, p256dh = NULL, auth = NULL, refused_at = NULL, reason = $reason
    WHERE viewer_id = $viewer AND endpoint = $endpoint`,
  tested: "UPDATE push_subscriptions SET tested_at = $at WHERE viewer_id = $viewer AND endpoint IS NOT NULL",
  forget: "DELETE FROM push_subscriptions WHERE viewer_id = $viewer",
  forgetDeliveries: "DELETE FROM push_deliveries WHERE viewer_id = $viewer",
  addDelivery: `INSERT INTO push_deliveries (viewer_id, at, kind, topic, subject, title, outcome, status, reason)
    VALUES ($viewer_id, $at, $kind, $topic, $subject, $title, $outcome, $status, $reason)`,
  trimDeliveries: `DELETE FROM push_deliveries WHERE viewer_id = $viewer AND id NOT IN
    (SELECT id FROM push_deliveries WHERE viewer_id = $viewer ORDER BY id DESC LIMIT $kept)`,
  deliveries: `SELECT id, viewer_id, at, kind, title, outcome, status, reason FROM push_deliveries
    WHERE viewer_id = $viewer ORDER BY id DESC LIMIT $limit`,
  lately:
    "SELECT topic, at, subject FROM push_deliveries WHERE viewer_id = $viewer AND outcome = 'sent' AND at > $after AND kind NOT IN ('test', 'withdrawn') ORDER BY id",
  told: "SELECT DISTINCT subject, kind FROM push_deliveries WHERE outcome = 'sent' AND kind NOT IN ('test', 'withdrawn')",
  snooze:
    "INSERT INTO push_snoozes VALUES ($session, $until) ON CONFLICT (session_id) DO UPDATE SET until = $until",
  snoozes: "SELECT session_id, until FROM push_snoozes WHERE until > $now",
  oldSnoozes: "DELETE FROM push_snoozes WHERE until <= $now",
} as const;

export type Phone = {
  viewer: ViewerId;
  subscription: Subscription | null;
  platform: PushPhone["platform"];
  settings: PushSettings;
};

export class Tables {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** What a browser says of itself now. One subscription is one browser's: whoever named it last has it. */
  state(viewer: ViewerId, { platform, permission, subscription }: PushStatement): void {
    const endpoint = subscription?.endpoint ?? null;
    const { p256dh, auth } = subscription?.keys ?? { p256dh: null, auth: null };
    this.#db.tx(() => {
      if (endpoint !== null) this.#db.run(SQL.others, { endpoint, viewer });
      this.#db.run(SQL.state, { viewer, platform, permission, endpoint, p256dh, auth });
    });
  }

  /** False: that browser has not said anything of itself yet. */
  wishes(viewer: ViewerId, settings: PushSettings): boolean {
    const quiet = settings.quiet && JSON.stringify(settings.quiet);
    return this.#db.run(SQL.wishes, { viewer, private: Number(settings.private), quiet });
  }

  phones(): Phone[] {
    return (this.#db.all(SQL.rows) as Row[]).map(toPhone);
  }

  phone(viewer: ViewerId): Phone | null {
    const [row] = this.#db.all(SQL.row, { viewer }) as Row[];
    return row ? toPhone(row) : null;
  }

  /** As the page shows them. */
  overview(): PushPhone[] {
    return (this.#db.all(SQL.rows) as Row[]).map(toPushPhone);
  }

  sent(viewer: ViewerId, endpoint: string, at: number): void {
    this.#db.run(SQL.sent, { viewer, endpoint, at });
  }

  refused(viewer: ViewerId, endpoint: string, reason: string, at: number): void {
    this.#db.run(SQL.refused, { viewer, endpoint, reason, at });
  }

  gone(viewer: ViewerId, endpoint: string, reason: string): void {
    this.#db.run(SQL.gone, { viewer, endpoint, reason });
  }

  /** Its owner says that a test arrived, or that it did not. */
  tested(viewer: ViewerId, at: number | null): void {
    this.#db.run(SQL.tested, { viewer, at });
  }

  /** Everything of a browser that may not listen any more. */
  forget(viewer: ViewerId): void {
    this.#db.tx(() => {
      this.#db.run(SQL.forget, { viewer });
      this.#db.run(SQL.forgetDeliveries, { viewer });
    });
  }

  delivered(delivery: NewDelivery): void {
    this.#db.tx(() => {
      this.#db.run(SQL.addDelivery, { ...delivery });
      this.#db.run(SQL.trimDeliveries, { viewer: delivery.viewer_id, kept: KEPT_DELIVERIES });
    });
  }

  /** Newest first. */
  deliveries(viewer: ViewerId, limit = KEPT_DELIVERIES): PushDelivery[] {
    return this.#db.all(SQL.deliveries, { viewer, limit }) as PushDelivery[];
  }

  /** What that phone got since then, for its limits. */
  lately(viewer: ViewerId, after: number): Sent[] {
    return this.#db.all(SQL.lately, { viewer, after }) as Sent[];
  }

  /** Prompts that some phone was told of, and reminded of. */
  told(): { prompts: Set<PromptId>; reminded: Set<PromptId> } {
    const rows = this.#db.all(SQL.told) as { subject: PromptId; kind: string }[];
    const of = (reminder: boolean) => rows.filter(({ kind }) => (kind === "reminder") === reminder);
    const set = (some: typeof rows) => new Set(some.map(({ subject }) => subject));
    return { prompts: set(of(false)), reminded: set(of(true)) };
  }

  snooze(session: SessionId, until: number, now: number): void {
    this.#db.tx(() => {
      this.#db.run(SQL.snooze, { session, until });
      this.#db.run(SQL.oldSnoozes, { now });
    });
  }

  snoozes(now: number): [SessionId, number][] {
    const rows = this.#db.all(SQL.snoozes, { now }) as { session_id: SessionId; until: number }[];
    return rows.map(({ session_id, until }) => [session_id, until]);
  }
}

function settingsOf(row: Row): PushSettings {
  return { private: row.private === 1, quiet: row.quiet === null ? null : JSON.parse(row.quiet) };
}

function toPhone(row: Row): Phone {
  const { viewer_id: viewer, platform, endpoint, p256dh, auth } = row;
  const whole = endpoint !== null && p256dh !== null && auth !== null;
  const subscription = whole ? { endpoint, keys: { p256dh, auth } } : null;
  return { viewer, platform, subscription, settings: settingsOf(row) };
}

/** The address itself stays here: whoever has it and the key can push. */
function toPushPhone(row: Row): PushPhone {
  const { viewer_id: viewer, platform, permission, endpoint, reason, sent_at } = row;
  const service = endpoint === null ? null : hostOf(endpoint);
  const tried = row.tested_at === null ? "untested" : "works";
  const state = endpoint === null ? "off" : row.refused_at === null ? tried : "refused";
  return { viewer, platform, permission, state, reason, service, sent_at, ...settingsOf(row) };
}
