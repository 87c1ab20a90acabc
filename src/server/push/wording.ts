// What stands in a push: the declarative form, which iOS shows by itself and our service worker reads elsewhere.
import type { Digest, PromptId, PromptState } from "../../protocol.ts";
import type { Notice } from "./notices.ts";
import type { Due } from "./queue.ts";
import { PAYLOAD_BYTES, type Parcel } from "./send.ts";
import { BODY_CHARS, cut, inputLine, mayApprove, visible } from "./shown.ts";

export type Wording = {
  /** "https://host": where the page is. */
  url: string;
  private: boolean;
  /** Sessions that wait, for the badge. */
  open: number;
  /** The phone's platform has buttons in notifications. */
  actions: boolean;
  /** Makes the word that a button is good for. */
  nonce: (prompt: PromptState) => string;
};

/** What the service worker finds beside what is shown. `tag` is also what older notifications are closed by. */
export type PushData = {
  id: string;
  kind: string;
  prompt?: PromptId;
  digest?: Digest;
  nonce?: string;
};
type Action = { action: string; title: string; navigate: string };
type Said = {
  kind: string;
  title: string;
  body: string;
  path: string;
  topic: string;
  silent?: true;
  data?: Partial<PushData>;
  actions?: { action: string; title: string }[];
};
/** A parcel, and its title for the list of deliveries. */
export type Wrapped = Parcel & { kind: string; title: string; subject: string };

/** Characters of a project's or a machine's name in a title. */
const NAME_CHARS = 40;
const URGENT = { urgency: "high", ttlSeconds: 600 } as const;
const CALM = { urgency: "normal", ttlSeconds: 3_600 } as const;
const SECRET = "A session needs you";

/** A notice, or several in one, as a push. */
export function pushOf(due: Due, wording: Wording): Wrapped {
  if (due.kind === "digest") return wrap(digestOf(due, wording), CALM, "", wording);
  const { notice } = due;
  const urgency = "prompt" in notice ? URGENT : CALM;
  const subject = "prompt" in notice ? notice.prompt.id : notice.topic;
  return wrap(
    wording.private ? inPrivate(notice, wording) : inFull(notice, wording),
    urgency,
    subject,
    wording,
  );
}

/** Replaces what stands there of that prompt, without a sound. Not for Apple, which shows every push anew. */
export function withdrawalOf(topic: string, prompt: PromptState, wording: Wording): Wrapped {
  const title = wording.private ? "Not waiting any more" : endOf(prompt);
  const body = wording.private ? "" : inputLine(prompt);
  const said: Said = { kind: "withdrawn", title, body, path: `/p/${prompt.id}`, topic, silent: true };
  return wrap(said, { ...CALM, ttlSeconds: 600 }, prompt.id, wording);
}

/** One to see whether they arrive at all. */
export function testOf(wording: Wording): Wrapped {
  const body = "This is how it looks when Claude needs you.";
  return wrap(
    { kind: "test", title: "It arrived", body, path: "/phones", topic: "test" },
    URGENT,
    "",
    wording,
  );
}

function wrap(
  said: Said,
  how: Pick<Parcel, "urgency" | "ttlSeconds">,
  subject: string,
  wording: Wording,
): Wrapped {
  const { kind, topic, path, actions, data, ...shown } = said;
  const navigate = wording.url + path;
  const payload = JSON.stringify({
    web_push: 8030,
    notification: {
      ...shown,
      ...{ navigate, tag: topic, lang: "en", dir: "auto", app_badge: String(wording.open) },
      data: { id: Bun.randomUUIDv7(), kind, ...data },
      // By its address an action only opens the prompt; to answer, the service worker sends the nonce.
      ...(actions && { actions: actions.map((action): Action => ({ ...action, navigate })) }),
    },
  });
  if (Buffer.byteLength(payload) > PAYLOAD_BYTES) throw new Error("the words of a push are too long");
  return { ...how, payload, topic, kind, title: said.title, subject };
}

function inPrivate(notice: Notice, { url }: Wording): Said {
  const { kind, topic } = notice;
  const path =
    "prompt" in notice ? `/p/${notice.prompt.id}` : "session" in notice ? `/s/${notice.session.id}` : "/";
  const title =
    "prompt" in notice ? SECRET : kind === "done" ? "A session is done" : "A machine's state changed";
  return { kind, topic, path, title, body: new URL(url).host };
}

function inFull(notice: Notice, wording: Wording): Said {
  const { kind, topic } = notice;
  switch (kind) {
    case "done": {
      const title = `${projectOf(notice.session)}: done`;
      const body = cut(
        visible(notice.session.title) || `Claude worked for ${minutes(notice.ranMs)}.`,
        BODY_CHARS,
      );
      return { kind, topic, path: `/s/${notice.session.id}`, title, body };
    }
    case "host_lost": {
      const body = `No contact for ${minutes(notice.at - notice.since)}. Its sessions cannot be answered.`;
      return { kind, topic, path: "/", title: `${name(notice.host)} cannot be reached`, body };
    }
    case "host_back":
      return {
        kind,
        topic,
        path: "/",
        title: `${name(notice.host)} is back`,
        body: "Its sessions can be answered.",
      };
    default:
      return asking(notice, wording);
  }
}

type Asking = Extract<Notice, { prompt: PromptState }>;

function asking({ kind, topic, prompt, session }: Asking, { actions, nonce }: Wording): Said {
  const wants = WANTS[prompt.kind];
  const title = `${projectOf(session)}: ${kind === "reminder" ? "still " : ""}${wants}`;
  const said: Said = { kind, topic, title, body: inputLine(prompt), path: `/p/${prompt.id}` };
  const data = { prompt: prompt.id, digest: prompt.digest };
  if (!actions || kind === "reminder") return { ...said, data };
  if (!mayApprove(prompt)) return { ...said, data, actions: [{ action: "open", title: "Open" }] };
  const buttons = [
    { action: "approve", title: "Approve once" },
    { action: "reject", title: "Deny" },
  ];
  return { ...said, data: { ...data, nonce: nonce(prompt) }, actions: buttons };
}

const WANTS: Record<PromptState["kind"], string> = {
  permission: "needs approval",
  question: "asks you",
  plan: "has a plan",
  dialog: "waits for you",
};

function digestOf({ why, notices }: Extract<Due, { kind: "digest" }>, wording: Wording): Said {
  const many = notices.length;
  const waiting = notices.filter((notice) => "prompt" in notice).length;
  const title = why === "many" ? `and ${many} more` : `${many} things while it was quiet`;
  const names = [
    ...new Set(notices.flatMap((notice) => ("session" in notice ? [projectOf(notice.session)] : []))),
  ];
  const lead =
    waiting > 0 ? `${waiting} ${waiting === 1 ? "waits" : "wait"} for you` : "Nothing waits for you";
  const body = cut(wording.private || names.length === 0 ? lead : `${lead}: ${names.join(", ")}`, BODY_CHARS);
  return { kind: "digest", topic: "digest", path: "/", title, body };
}

/** "Answered on Pixel 8", "Answered at the desk", "Claude took the question back". */
function endOf({ responded_by, withdrawn_by }: PromptState): string {
  if (responded_by !== null) return `Answered on ${name(responded_by)}`;
  if (withdrawn_by === "desk") return "Answered at the desk";
  return withdrawn_by === "exited" ? "Claude has exited" : "Not open any more";
}

function projectOf({ cwd }: { cwd: string }): string {
  return name(cwd.split("/").findLast((part) => part !== "") ?? "/");
}

const name = (text: string) => cut(visible(text), NAME_CHARS);

function minutes(ms: number): string {
  const whole = Math.max(1, Math.round(ms / 60_000));
  return whole < 120 ? `${whole} min` : `${Math.round(whole / 60)} h`;
}
