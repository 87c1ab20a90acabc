// Every REST route, in one table: the page, the sessions, the prompts, pairing and viewers.
import * as v from "valibot";
import type {
  AnswerBody,
  ApproveBody,
  ConversationId,
  FileId,
  InputBody,
  Key,
  ModeBody,
  RejectBody,
  SessionId,
  Viewer,
  ViewerId,
} from "../protocol.ts";
import { type Assets, assetRoutes } from "./asset-routes.ts";
import type { By } from "./audit.ts";
import { auditExports } from "./audit-export.ts";
import type { Clock } from "./clock.ts";
import type { Commands } from "./commands.ts";
import { ApiError } from "./errors.ts";
import type { Events } from "./events.ts";
import type { FilePiece, Files } from "./files.ts";
import { historyRoutes } from "./history.ts";
import type { Inputs } from "./inputs.ts";
import { LIMITS } from "./limits.ts";
import { type Logins, setCookie } from "./logins.ts";
import type { Pairing } from "./pairing.ts";
import type { Prompts } from "./prompts.ts";
import { type Call, checked, plain, type Route, readBytes, route } from "./routes.ts";
import { searchRoutes } from "./search.ts";
import type { Sessions } from "./sessions.ts";
import type { Page } from "./store/page.ts";
import type { Store } from "./store.ts";
import { usageRoutes } from "./usage.ts";

export type ApiOptions = {
  version: string;
  assets: Assets;
  store: Store;
  clock: Clock;
  sessions: Sessions;
  prompts: Prompts;
  inputs: Inputs;
  commands: Commands;
  files: Files;
  events: Events;
  logins: Logins;
  pairing: Pairing;
  /** There is something to forget now. */
  sweepSoon: () => void;
  /** Ends a login everywhere. */
  revokeViewer: (viewer: ViewerId, by: By) => boolean;
  renameViewer: (viewer: ViewerId, name: string, by: By) => boolean;
};

const READ = ["viewer", "token:read"] as const;
const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.textChars));
/** Letters, digits and signs only: what else there is (control and format characters) is left out. */
const name = v.pipe(
  v.string(),
  v.transform((given) => given.replace(/\p{C}/gu, "").trim()),
  v.minLength(1),
  v.maxLength(LIMITS.nameChars),
);
const KEYS = [
  ...["escape", "tab", "shift_tab", "enter", "up", "down", "left", "right", "page_up", "page_down"],
  ...["home", "end", "backspace", "ctrl_c", "ctrl_j", "ctrl_o", "ctrl_r", "wheel_up", "wheel_down", "space"],
] as Key[];

/** Without one it is no answer to what stands there, whatever that is: refused like an answer to something else. */
const shown = v.optional(digest);
const approveBody = v.object({ digest: shown, answer_id: id, option: v.optional(id) });
const rejectBody = v.object({ digest: shown, answer_id: id, message: v.optional(text) });
const answerBody = v.object({
  ...{ digest: shown, answer_id: id, option: id, text: v.optional(text) },
  answers: v.optional(v.record(v.pipe(v.string(), v.maxLength(10_000)), text)),
});
const inputBody = v.pipe(
  v.object({
    id,
    text: v.optional(text),
    mode: v.optional(v.picklist(["if_empty", "append", "replace"])),
    key: v.optional(v.picklist(KEYS)),
  }),
  v.check((body) => (body.text === undefined) !== (body.key === undefined), "give either text or key"),
);
const MODES = ["default", "acceptEdits", "plan", "auto", "bypassPermissions"] as const;
const modeBody = v.object({ id, mode: v.picklist(MODES) });
/** What a piece of a file is, beside its bytes: `?id=…&name=…&size=…&at=…`. The name is shown, and never a path. */
const filePiece = v.object({
  id,
  name: v.pipe(
    v.string(),
    v.transform((given) => given.replace(/\p{C}/gu, "").slice(0, LIMITS.fileNameChars)),
  ),
  size: v.pipe(v.string(), v.regex(/^\d{1,12}$/), v.transform(Number), v.minValue(1)),
  at: v.pipe(v.string(), v.regex(/^\d{1,12}$/), v.transform(Number)),
});
const sizeBody = v.object({
  cols: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(500)),
  rows: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(200)),
});
const pairBody = v.object({
  code: v.pipe(v.string(), v.maxLength(50)),
  name,
  claim: v.optional(v.pipe(v.string(), v.maxLength(100))),
  bind: v.optional(v.boolean()),
});

/** The table. Whoever is not named by a route does not get in. */
export function api(options: ApiOptions): Route[] {
  return [
    ...assetRoutes(options.assets),
    plain("GET", "/health", ["public"], () => Response.json({ ok: true, version: options.version })),
    ...sessionRoutes(options),
    ...composingRoutes(options),
    ...promptRoutes(options),
    ...viewerRoutes(options),
    ...auditRoutes(options),
    ...foundAgain(options),
  ];
}

function sessionRoutes({ store, clock, sessions, inputs, events }: ApiOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  const follow = (call: Call) => {
    const wanted = call.query.get("session");
    const session = wanted === null ? null : sessions.get(wanted).id;
    call.keep();
    const poll = call.query.get("poll");
    if (poll !== null) return polled(events, call, session, poll);
    return events.open(call.request, viewerOf(call), session, call.letGo);
  };
  return [
    { ...plain("GET", "/events", ["viewer"], follow), live: true },
    plain("GET", "/api/sessions", READ, () => {
      return Response.json({ sessions: [...sessions.open(), ...store.sessions.ended()] });
    }),
    plain("GET", "/api/sessions/:id", READ, (call) => {
      const session = sessions.get(call.params.id ?? "");
      return Response.json({ session, screen: sessions.screen(session.id) });
    }),
    plain("GET", "/api/sessions/:id/lines", READ, (call) => {
      return Response.json({ lines: store.lines.page(idOf(call), pageOf(call.query)) });
    }),
    plain("GET", "/api/sessions/:id/messages", READ, (call) => {
      const session = idOf(call);
      const known = store.conversations.of(session);
      const wanted = (call.query.get("conversation") ??
        sessions.get(session).conversation) as ConversationId | null;
      // Only what this session has passed through is its own.
      const page =
        wanted && known.includes(wanted) ? store.messages.page(wanted, pageOf(call.query)) : NOTHING_SAID;
      return packed(call.request, JSON.stringify({ conversation: wanted, conversations: known, ...page }));
    }),
    route("POST", "/api/sessions/:id/input", ["viewer", "token:input"], inputBody, (call) => {
      if (call.caller.kind === "token" && call.body.key !== undefined)
        throw new ApiError("forbidden", "Keys can answer a question: that is for a paired phone alone.");
      return Response.json(inputs.send(idOf(call), call.body as InputBody, byOf(call)));
    }),
    route("POST", "/api/sessions/:id/resize", ["viewer"], sizeBody, (call) => {
      sessions.reach(idOf(call)).tell({ type: "resize", ...call.body });
      return Response.json({ ok: true });
    }),
    ...(["interrupt", "stop"] as const).map((type) =>
      plain("POST", `/api/sessions/:id/${type}`, ["viewer"], (call) => {
        const session = idOf(call);
        sessions.reach(session).tell({ type });
        store.audit.add({ ...byOf(call), session, action: type, subject: session, detail: {} }, clock.now());
        return Response.json({ ok: true });
      }),
    ),
  ];
}

/** What was: searched, listed, named, deleted, summed up. */
function foundAgain({ store, sessions, events, clock, sweepSoon }: ApiOptions): Route[] {
  const { now } = clock;
  return [
    ...searchRoutes({ store, sessions }),
    ...historyRoutes({ store, sessions, events, now, byOf, onDeleted: sweepSoon }),
    ...usageRoutes({ store, sessions, now }),
  ];
}

/** What one writes to claude with: its commands, its modes, files. */
function composingRoutes({ sessions, inputs, commands, files }: ApiOptions): Route[] {
  const idOf = (call: Call) => sessions.get(call.params.id ?? "").id;
  return [
    plain("GET", "/api/sessions/:id/commands", READ, (call) => {
      return Response.json({ commands: commands.of(idOf(call)) });
    }),
    route("POST", "/api/sessions/:id/mode", ["viewer"], modeBody, (call) => {
      return Response.json(inputs.mode(idOf(call), call.body as ModeBody, byOf(call)));
    }),
    {
      ...plain("POST", "/api/sessions/:id/files", ["viewer"], async (call) => {
        const session = idOf(call);
        const about = checked(filePiece, Object.fromEntries(call.query));
        const bytes = await readBytes(call.request);
        call.keep(); // The wrapper may take longer than a silent connection lives; it has a limit of its own.
        return Response.json(await files.hand(session, { ...about, bytes } as FilePiece, byOf(call)));
      }),
      rate: "pieces",
    },
    plain("DELETE", "/api/sessions/:id/files/:file", ["viewer"], (call) => {
      files.remove(idOf(call), (call.params.file ?? "") as FileId, byOf(call));
      return Response.json({ ok: true });
    }),
  ];
}

function promptRoutes({ store, prompts }: ApiOptions): Route[] {
  const who = ["viewer"] as const;
  const idOf = (call: Call) => call.params.id ?? "";
  return [
    plain("GET", "/api/prompts", READ, ({ query }) => {
      const open = query.get("open") === "1";
      return Response.json({
        prompts: open ? store.prompts.list("open") : store.prompts.recent(limitOf(query)),
      });
    }),
    route("POST", "/api/prompts/:id/approve", who, approveBody, (call) => {
      return Response.json({ prompt: prompts.approve(idOf(call), call.body as ApproveBody, byOf(call)) });
    }),
    route("POST", "/api/prompts/:id/reject", who, rejectBody, (call) => {
      return Response.json({ prompt: prompts.reject(idOf(call), call.body as RejectBody, byOf(call)) });
    }),
    route("POST", "/api/prompts/:id/answer", who, answerBody, (call) => {
      return Response.json({ prompt: prompts.answer(idOf(call), call.body as AnswerBody, byOf(call)) });
    }),
  ];
}

function viewerRoutes({ logins, pairing, revokeViewer, renameViewer }: ApiOptions): Route[] {
  return [
    route("POST", "/api/pair", ["public"], pairBody, ({ body, address, name }) => {
      if (!name.cookie) throw new ApiError("forbidden", NO_LOGIN);
      const result = pairing.enter({ ...body, address });
      if (result.status === "pending") return Response.json(result);
      const { secret, ...paired } = result;
      return Response.json(paired, { headers: { "set-cookie": setCookie(name.cookie, secret) } });
    }),
    plain("GET", "/api/viewers", ["viewer"], (call) => {
      return Response.json({ viewers: logins.list(), own: viewerOf(call).id });
    }),
    route("PATCH", "/api/viewers/:id", ["viewer"], v.object({ name }), (call) => {
      const renamed = renameViewer((call.params.id ?? "") as ViewerId, call.body.name, byOf(call));
      if (!renamed) throw new ApiError("not_found", "There is no such viewer.");
      return Response.json({ ok: true });
    }),
    plain("DELETE", "/api/viewers/:id", ["viewer"], (call) => {
      const revoked = revokeViewer((call.params.id ?? "") as ViewerId, byOf(call));
      if (!revoked) throw new ApiError("not_found", "There is no such viewer.");
      return Response.json({ ok: true });
    }),
    plain("POST", "/api/logout", ["viewer"], (call) => {
      const { id } = viewerOf(call);
      revokeViewer(id, byOf(call));
      const headers = new Headers({ "clear-site-data": '"cache", "cookies", "storage"' });
      if (call.name.cookie) headers.set("set-cookie", setCookie(call.name.cookie, ""));
      return Response.json({ ok: true }, { headers });
    }),
  ];
}

function auditRoutes({ store, clock }: ApiOptions): Route[] {
  const exported = auditExports(store.audit, clock);
  return [
    plain("GET", "/api/audit", ["viewer"], ({ query }) => {
      const limit = limitOf(query, LIMITS.auditPageRows);
      const entries = store.audit.before(numberOf(query, "before") ?? Number.MAX_SAFE_INTEGER, limit);
      const last = entries.at(-1)?.id ?? 0;
      const before = store.audit.before(last, 1).length > 0 ? last : null;
      return Response.json({ entries, before });
    }),
    {
      ...plain("GET", "/api/audit/export", ["viewer"], ({ query, keep }) => {
        const format = query.get("format") ?? "jsonl";
        if (format !== "jsonl" && format !== "csv")
          throw new ApiError("invalid", "format: must be jsonl or csv");
        const response = exported(format);
        keep();
        return response;
      }),
      live: true,
    },
  ];
}

/** Who asks, and from where, as the audit has it. */
export function byOf({ caller, address }: Call): Exclude<By, "owner"> {
  if (caller.kind === "viewer")
    return { actor: `viewer ${caller.viewer.id}`, name: caller.viewer.name, address };
  if (caller.kind === "token") return { actor: `token ${caller.token.id}`, name: caller.token.name, address };
  throw new ApiError("forbidden", "This needs a paired browser.");
}

const NO_LOGIN =
  "This address is plain http, where a login would travel in clear text. Reach the server by https (for example `tailscale serve`), or start it with --insecure-http.";

export function viewerOf({ caller }: Call): Viewer {
  if (caller.kind === "viewer") return caller.viewer;
  throw new ApiError("forbidden", "This needs a paired browser.");
}

/** A batch of events; they are JSON already. */
async function polled(events: Events, call: Call, session: SessionId | null, poll: string) {
  const { next, events: batch } = await events.poll(call.request, viewerOf(call), session, poll);
  return packed(call.request, `{"next":"${next}","events":[${batch.join(",")}]}`);
}

const NOTHING_SAID = { messages: [], more: false };
/** Bytes; less than that is not worth packing. */
const PACKED_FROM = 2_048;

/** JSON, packed for whoever takes it: a conversation is a fifth of its size then. */
function packed(request: Request, text: string): Response {
  const takes = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
  const headers = { "content-type": "application/json;charset=utf-8", vary: "accept-encoding" };
  if (!takes || text.length < PACKED_FROM) return new Response(text, { headers });
  return new Response(Bun.gzipSync(Buffer.from(text)), {
    headers: { ...headers, "content-encoding": "gzip" },
  });
}

/** `?after=`, `?before=`, `?limit=`. Throws `invalid` for what is no number. */
function pageOf(query: URLSearchParams): Page {
  return { after: numberOf(query, "after"), before: numberOf(query, "before"), limit: limitOf(query) };
}

/** At least one: of a negative limit SQLite thinks that there is none. */
function limitOf(query: URLSearchParams, most: number = LIMITS.pageRows): number {
  return Math.min(Math.max(1, numberOf(query, "limit") ?? most), most);
}

function numberOf(query: URLSearchParams, field: string): number | undefined {
  const given = query.get(field);
  if (given === null) return undefined;
  if (!/^-?\d{1,15}$/.test(given)) throw new ApiError("invalid", `${field}: must be a whole number`);
  return Number(given);
}
