// The REST calls of notifications: what a phone says of itself, its wishes, tests, snoozes, deliveries, and its buttons.
import * as v from "valibot";
import type {
  PushActBody,
  PushOverview,
  PushSettings,
  PushStatement,
  SessionId,
  ViewerId,
} from "../../protocol.ts";
import { byOf, viewerOf } from "../caller.ts";
import { ApiError } from "../errors.ts";
import type { Prompts } from "../prompts.ts";
import { counter } from "../rate.ts";
import { plain, type Route, route } from "../routes.ts";
import type { Sessions } from "../sessions.ts";
import { type EndpointRule, endpointProblem } from "./endpoint.ts";
import { isPublicKey } from "./keys.ts";
import type { Nonces } from "./nonces.ts";
import { isTimeZone } from "./quiet.ts";
import type { SendResult } from "./send.ts";
import type { Tables } from "./tables.ts";

export type PushRoutesOptions = {
  key: string;
  rule: EndpointRule;
  tables: Tables;
  nonces: Nonces;
  prompts: Prompts;
  sessions: Sessions;
  now: () => number;
  snoozed: () => PushOverview["snoozed"];
  snooze: (session: SessionId, ms: number) => void;
  test: (viewer: ViewerId) => Promise<SendResult | null>;
};

const MAX_SNOOZE_MINUTES = 60;

const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
const base64url = v.pipe(v.string(), v.regex(/^[\w-]{10,200}={0,2}$/, "must be base64url"));
const p256dh = v.pipe(base64url, v.check(isPublicKey, "is no key"));
const auth = v.pipe(
  base64url,
  v.check((text) => Buffer.from(text, "base64url").length === 16, "must have 16 bytes"),
);
const statement = v.object({
  platform: v.picklist(["ios", "android", "desktop"]),
  permission: v.picklist(["granted", "denied", "default", "unsupported"]),
  subscription: v.nullable(
    v.object({
      endpoint: v.pipe(v.string(), v.maxLength(2_000)),
      keys: v.object({ p256dh, auth }),
    }),
  ),
});
const time = v.pipe(v.string(), v.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time of day, as 22:00"));
const zone = v.pipe(v.string(), v.maxLength(60), v.check(isTimeZone, "is no time zone known here"));
const settings = v.object({
  private: v.boolean(),
  quiet: v.nullable(v.object({ from: time, to: time, time_zone: zone })),
});
const minutes = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SNOOZE_MINUTES));
const snooze = v.object({ session: id, minutes });
const act = v.object({
  prompt: id,
  digest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  nonce: v.pipe(v.string(), v.regex(/^[\w-]{22}$/)),
  action: v.picklist(["approve", "reject"]),
});

/** The table. All of it is for paired browsers alone. */
export function pushRoutes(options: PushRoutesOptions): Route[] {
  const { tables, rule, sessions } = options;
  const who = ["viewer"] as const;
  const ok = () => Response.json({ ok: true });
  const count = counter(options.now);
  return [
    plain("GET", "/api/push", who, (call) => {
      const own = viewerOf(call).id;
      const overview: PushOverview = {
        key: options.key,
        own,
        phones: tables.overview(),
        snoozed: options.snoozed(),
      };
      return Response.json(overview);
    }),
    route("POST", "/api/push/phone", who, statement, (call) => {
      const said = call.body as PushStatement;
      const problem = said.subscription && endpointProblem(said.subscription.endpoint, rule);
      if (problem) throw new ApiError("invalid", `subscription.endpoint: ${problem}`);
      tables.state(viewerOf(call).id, said);
      return ok();
    }),
    route("POST", "/api/push/settings", who, settings, (call) => {
      if (tables.wishes(viewerOf(call).id, call.body as PushSettings)) return ok();
      throw new ApiError(
        "not_found",
        "This browser has not said yet what it is: POST /api/push/phone first.",
      );
    }),
    route("POST", "/api/push/test", who, v.object({ viewer: v.optional(id) }), async (call) => {
      const viewer = (call.body.viewer ?? viewerOf(call).id) as ViewerId;
      count("tests", viewer);
      const result = await options.test(viewer);
      if (!result) throw new ApiError("not_found", "Notifications are off on that phone.");
      const { outcome, status } = result;
      return Response.json({ outcome, status, reason: "reason" in result ? result.reason : null });
    }),
    route("POST", "/api/push/tested", who, v.object({ arrived: v.boolean() }), (call) => {
      tables.tested(viewerOf(call).id, call.body.arrived ? options.now() : null);
      return ok();
    }),
    route("POST", "/api/push/snooze", who, snooze, ({ body }) => {
      options.snooze(sessions.get(body.session).id, body.minutes * 60_000);
      return Response.json({ snoozed: options.snoozed() });
    }),
    plain("GET", "/api/push/deliveries", who, (call) => {
      const viewer = (call.query.get("viewer") ?? viewerOf(call).id) as ViewerId;
      return Response.json({ deliveries: tables.deliveries(viewer) });
    }),
    route("POST", "/api/push/act", who, act, (call) => {
      const body = call.body as PushActBody;
      const answer_id = options.nonces.use(viewerOf(call).id, body);
      if (!answer_id) throw new ApiError("gone", "This notification is not good for an answer any more.");
      const given = { digest: body.digest, answer_id };
      const prompt = options.prompts[body.action](body.prompt, given, byOf(call));
      return Response.json({ prompt });
    }),
  ];
}
