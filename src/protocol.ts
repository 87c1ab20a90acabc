// Every message on every wire. Imports nothing but the screen's types; wrapper, server and page import it, never each other.
// Names on the wire are snake_case, as in the database, so that nothing is renamed on its way from a row to the page.
import type { Frame } from "./screen.ts";

/** Both ends name the protocol they speak; a server speaks this one and the one before. */
export const PROTOCOL = 1;
/** Silence sent against: each end sends at least this often. */
export const HEARTBEAT_MS = 5_000;
/** No word for this long means the other end is gone; a session so silent cannot be answered. */
export const DEAD_AFTER_MS = 15_000;
/** A tap not confirmed by then is shown as "not confirmed", with a safe retry. */
export const CONFIRM_WITHIN_MS = 10_000;

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };
export type SessionId = Id<"session">;
export type PromptId = Id<"prompt">;
export type DeviceId = Id<"device">;
export type ViewerId = Id<"viewer">;
export type ConversationId = Id<"conversation">;
/** Made by the viewer, once per tap: the same id again is the same answer. */
export type AnswerId = Id<"answer">;
/** Made by the viewer, once per text or key sent. */
export type InputId = Id<"input">;
/** Made by the viewer, once per session it starts: the same id again is the same launch. */
export type LaunchId = Id<"launch">;
/** Made by the viewer, once per file that it hands over: the same id again is the same file. */
export type FileId = Id<"file">;
/** A terminal that `claude-remote attach` opened on a session. Made there, and the same over reconnects. */
export type DeskId = Id<"desk">;
/** What an option *is* (`approve`, `approve_always`, `reject` …), never where it stands on a screen. */
export type OptionId = Id<"option">;
/** SHA-256, hex, of the canonical JSON of what was shown (see digest.ts). */
export type Digest = Id<"digest">;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

// ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `waiting`: claude is stopped on a question. `suspended`: Ctrl-Z at the desk; nothing can be answered from afar. */
export type SessionStatus = "starting" | "working" | "waiting" | "idle" | "suspended" | "ended";

/** `dead`: claude runs, but its hooks do not reach us (disabled by a setting): no cards, only screen and keys. */
export type HookHealth = "unknown" | "alive" | "dead";

/** What changes while a session runs; always said whole. */
export type SessionState = {
  status: SessionStatus;
  /** What claude says it waits for, in its own words, or null. */
  waiting_for: string | null;
  hooks: HookHealth;
  /** A desk is attached and decides the size. */
  terminal: boolean;
  title: string;
  cols: number;
  rows: number;
  /** claude's own permission mode as its hooks name it, or null before the first hook. */
  permission_mode: string | null;
  conversation: ConversationId | null;
};

/** A session as its wrapper states it. */
export type SessionStatement = SessionState & {
  id: SessionId;
  cwd: string;
  /** argv as typed, program first, for people to read. */
  command: string[];
  claude_version: string | null;
  /** How long ago it began, in ms: wrappers send ages, since their clock may be wrong. */
  age_ms: number;
  /** Every prompt that is open now; the server withdraws what is not named. */
  open: PromptId[];
  /** The launch on a devbox that began it, by the id its launcher made. */
  launch?: string;
};

export type EndReason = "exit" | "signal" | "lost" | "hangup" | "stopped";

/** A session as viewers see it. Times are the server's, ms since 1970. */
export type Session = SessionState & {
  id: SessionId;
  device_id: DeviceId;
  device_name: string;
  devbox: string | null;
  cwd: string;
  command: string[];
  claude_version: string | null;
  started_at: number;
  ended_at: number | null;
  end_reason: EndReason | null;
  exit_code: number | null;
  signal: string | null;
  /** The launch on a devbox that began it. */
  launch?: string | null;
  /** The wrapper is connected now. */
  connected: boolean;
  /** How many terminals `claude-remote attach` has on it now; absent: none. */
  attached?: number;
  /** Other open sessions with the same conversation, which all write to claude's one file; absent: none. */
  also_open?: SessionId[];
  /** Of one on a devbox: its conversation's files on the server's machine; absent: nothing was fetched yet. */
  copy?: SessionCopy;
  /** When the wrapper was last heard. */
  heard_at: number;
  /** What a viewer called it; wins over claude's title. */
  name?: string | null;
  /** The first words of its conversation. */
  opening?: string | null;
  /** When an ended one will be forgotten. */
  kept_until?: number | null;
};

// ── prompts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `permission`: may this tool run? `question`: claude asks (AskUserQuestion). `plan`: may this plan be carried out?
 * `dialog`: what no hook told of; `input.text` is what stands on claude's screen, and the answer is given by keys.
 */
export type PromptKind = "permission" | "question" | "plan" | "dialog";

export type Option = {
  id: OptionId;
  label: string;
  effect: "approve" | "approve_always" | "reject" | "answer";
  /** For `approve_always`: what will be allowed and where that is saved, written out. */
  scope?: string;
  /** A text may, or must, go with it. */
  text?: "optional" | "required";
};

/** One question of AskUserQuestion, as claude asks it. */
export type Question = {
  question: string;
  header: string;
  multi_select: boolean;
  options: { label: string; description: string; preview?: string }[];
};

/** A question claude is stopped on, as the wrapper holds it. Open until it is answered or withdrawn, either of which happens once. */
export type Prompt = {
  id: PromptId;
  kind: PromptKind;
  /** claude's tool name. */
  tool: string;
  /** The tool's input, exactly as claude's hook gave it. */
  input: Json;
  /** One line that says what would happen: the command, the path, the question. */
  prompt_text: string;
  /** The session's directory at that moment. */
  cwd: string;
  /** The subagent that asks, or null for the main conversation. */
  agent: string | null;
  /** Edits: the file before and after, where the wrapper could read it. */
  diff: { path: string; before: string; after: string } | null;
  questions: Question[] | null;
  options: Option[];
  digest: Digest;
  /** How long before that somebody pressed a key at the desk, ms; absent: nobody did. */
  desk_idle_ms?: number;
  /** How long it has been open, ms. */
  age_ms: number;
};

export type Decider = "viewer" | "desk" | "claude" | "exited" | "unknown";

/**
 * open → answered → delivered → accepted | too_late; open → withdrawn; answered or delivered → open (`not_applied`). Derived from the times below, never stored.
 */
export type PromptStage = "open" | "answered" | "delivered" | "accepted" | "too_late" | "withdrawn";

/** What the winner answered. `answers` is for questions: question text → chosen label(s) joined by ", " or free text. */
export type Answer = { option: OptionId; text?: string; answers?: Record<string, string> };

/** A prompt as viewers see it. */
export type PromptState = Omit<Prompt, "age_ms"> & {
  session_id: SessionId;
  created_at: number;
  stage: PromptStage;
  response: Answer | null;
  answer_id: AnswerId | null;
  responded_at: number | null;
  /** The viewer's name. */
  responded_by: string | null;
  delivered_at: number | null;
  withdrawn_at: number | null;
  withdrawn_by: Decider | null;
  /** What is known of the end: `accepted`, `too_late`, or what the desk chose (`approved`, `rejected`), or null. */
  outcome: "accepted" | "too_late" | "approved" | "rejected" | null;
  outcome_at: number | null;
};

// ── log and conversation ────────────────────────────────────────────────────────────────────────────────────────────

/** `screen`: a row that left the top. `transcript`: a line of a completed block. `gap`: rows a bounded buffer dropped. */
export type LogLine = {
  line_no: number;
  epoch: number;
  source: "screen" | "transcript" | "gap";
  text: string;
  /** For `gap`: how many lines are missing from `line_no` on. */
  count?: number;
  /** ms ago, from the wrapper; `at` in what viewers get. */
  age_ms?: number;
  at?: number;
};

/** One record of claude's transcript. `seq` grows along the conversation, with gaps; `uuid` is the record's own. */
export type Message = {
  conversation: ConversationId;
  uuid: string;
  seq: number;
  role: "user" | "assistant" | "system";
  /** A MessageBody; viewers take nothing of it for granted. */
  body: Json;
  /** ms ago, from the wrapper; `at` in what viewers get. */
  age_ms?: number;
  at?: number;
};

/** What a record shows. `time`: when it was written, by claude's own clock; good only for the time between two of them. */
export type MessageBody = { time: number; parts: MessagePart[]; usage?: MessageUsage };

/** Tokens of one answer of the API, by claude's own id for it: several records share one, each with what was known then. */
export type MessageUsage = {
  id: string;
  model: string;
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
};

/** `cut`: so many characters at its end were left out. `call` ties a tool's result to what it was called with. */
export type MessagePart =
  | { type: "text" | "thinking" | "output" | "command" | "summary"; text: string; cut?: number }
  | { type: "call"; call: string; tool: string; input: Json; cut?: number }
  | {
      type: "result";
      call: string;
      text: string;
      cut?: number;
      failed?: "error" | "rejected";
      /** Edits: what changed in the file, as claude recorded it. */
      patch?: PatchHunk[];
      /** A subagent's work, which has a transcript of its own. */
      agent?: { tools: number; ms: number };
    }
  | { type: "image"; media_type: string; bytes: number }
  /** Something that happened rather than was said. */
  | {
      type: "event";
      event: "interrupted" | "compacted" | "turn" | "task" | "error";
      text: string;
      ms?: number;
    };

/** Lines begin with their sign: a blank, `-` or `+`. Line numbers count from 1. */
export type PatchHunk = { old_start: number; new_start: number; lines: string[] };

// ── wrapper ⇄ server, WebSocket /ws ─────────────────────────────────────────────────────────────────────────────────
// Handshake in clear text JSON (seal.ts); everything after `welcome` is sealed.

/** Base64 for every binary field. */
export type Challenge = { type: "challenge"; nonce: string; protocol: number };
export type Auth = {
  type: "auth";
  protocol: number;
  device: DeviceId;
  nonce: string;
  eph: string;
  mac: string;
};
export type Welcome = { type: "welcome"; eph: string; mac: string };
/** Before `welcome` it changes only the back-off and the message shown. */
export type Refused = { type: "refused"; code: RefusalCode; message: string };
export type RefusalCode = "protocol" | "device" | "revoked" | "replaced" | "busy";

/** A key that a viewer presses; the wrapper encodes it by the modes in force. */
export type Key =
  | "escape"
  | "tab"
  | "shift_tab"
  | "enter"
  | "up"
  | "down"
  | "left"
  | "right"
  | "page_up"
  | "page_down"
  | "home"
  | "end"
  | "backspace"
  | "ctrl_c"
  | "ctrl_j"
  | "ctrl_o"
  | "ctrl_r"
  | "wheel_up"
  | "wheel_down"
  | "space";

/** Why a text was not typed. `desk_typing`: the input box is not empty. `prompt_open`: claude is stopped on a question. */
export type InputRefusal =
  | "desk_typing"
  | "prompt_open"
  | "suspended"
  | "not_ready"
  | "exited"
  | "too_long"
  /** Of a permission mode: claude never showed it; it is in the mode it was in. */
  | "mode_not_offered"
  /** Of a permission mode: on the way there claude, which works, would pass through one that allows more. */
  | "mode_while_working";

/** claude's permission modes, by the names that its hooks use. */
export type PermissionMode = "default" | "acceptEdits" | "plan" | "auto" | "dontAsk" | "bypassPermissions";

/** A slash command that can be typed in a session, without its `/`. */
export type Command = {
  name: string;
  /** One line of what it does. */
  about: string;
  /** What may follow it, as claude writes it: `[name]`. */
  hint?: string;
  from: "claude" | "user" | "project" | "plugin";
  /** It opens a menu on claude's screen, which takes keys. */
  menu?: true;
};

/** Why a file was not taken. `full`: this session was handed too many, or too much. `gone`: it was removed, or never begun. */
export type FileRefusal = "too_large" | "full" | "disk" | "gone" | "exited";

/** How a text meets an input box that is not empty. `if_empty` is refused with `desk_typing` then. */
export type InputMode = "if_empty" | "append" | "replace";

export type WrapperMessage =
  /** Everything about a session; first after `welcome`, and again whenever the constant part changes. */
  | { type: "session"; session: SessionStatement }
  | { type: "status"; state: SessionState }
  /** What changed on the screen since the last frame sent on this connection. */
  | { type: "output"; frame: Frame }
  | { type: "lines"; lines: LogLine[] }
  | { type: "message"; message: Message }
  /** What has been spent so far, in US dollars, by claude's own word, which goes on where it resumes or forks: a `chain`. */
  | { type: "cost"; conversation: ConversationId; chain: string; usd: number; age_ms?: number }
  /** A prompt is open. Said again after each `welcome` while it is. */
  | { type: "prompt"; prompt: Prompt }
  /** It ended without an answer of ours. `chosen` only where evidence says what. */
  | { type: "withdrawn"; prompt: PromptId; by: Decider; chosen: "approved" | "rejected" | null }
  /** The answer reached the wrapper and was handed to claude. */
  | { type: "delivered"; prompt: PromptId; answer_id: AnswerId }
  /** The dialog is gone and nothing says that somebody else closed it. */
  | { type: "accepted"; prompt: PromptId }
  /** Somebody else had decided before the answer came. */
  | { type: "too_late"; prompt: PromptId; by: Decider; chosen: "approved" | "rejected" | null }
  /** That answer could not be given to claude, and the question still stands: it is open as before. `reason` is for people. */
  | { type: "not_applied"; prompt: PromptId; answer_id: AnswerId; reason: string }
  | { type: "input_delivered"; id: InputId }
  /** claude took it up as a prompt of its own. */
  | { type: "input_seen"; id: InputId }
  | { type: "input_refused"; id: InputId; reason: InputRefusal }
  /** Every slash command that can be typed now; whole, after `welcome` and at each change. */
  | { type: "commands"; commands: Command[] }
  /** So many bytes of the file are on disk. `path`: it is whole, and that is where claude finds it. */
  | { type: "file_taken"; id: FileId; upto: number; path: string | null }
  | { type: "file_refused"; id: FileId; reason: FileRefusal }
  /** What was typed at that attached desk is written up to here. */
  | { type: "desk_taken"; desk: DeskId; upto: number }
  | { type: "exit"; code: number | null; signal: string | null; reason: EndReason }
  /** An earlier run of this machine ended without being able to say so; nor what became of its last questions: `facts`. */
  | {
      type: "left";
      session: SessionId;
      code: number | null;
      signal: string | null;
      reason: EndReason;
      facts?: UnheardFact[];
    }
  | { type: "ping" };

/** The prompt facts that the server acknowledges one by one; the wrapper repeats them after each `welcome` until then. */
export type PromptFact = "withdrawn" | "delivered" | "accepted" | "too_late";
/** One that was not acknowledged while its run lasted. */
export type UnheardFact = Extract<WrapperMessage, { type: PromptFact }>;

export type ServerMessage =
  /** Everything up to and including this number is on disk (-1: nothing). Also sent right after `session`: where to go on from. */
  | { type: "ack"; stream: "lines"; upto: number }
  | { type: "ack"; stream: "messages"; conversation: ConversationId; upto: number }
  | { type: "ack"; stream: "prompts"; prompt: PromptId; fact: PromptFact | "prompt" }
  /** `exit` and `left` are on disk. */
  | { type: "ack"; stream: "exit"; session: SessionId }
  /** Repeated until `delivered`, `too_late` or `not_applied`. */
  | { type: "answer"; prompt: PromptId; digest: Digest; answer_id: AnswerId; answer: Answer }
  | { type: "input"; id: InputId; text: string; mode: InputMode }
  | { type: "key"; id: InputId; key: Key }
  /** Shift-Tab until claude is in that mode; told as an input is: `input_delivered`, `input_refused`. */
  | { type: "mode"; id: InputId; mode: PermissionMode }
  /** A piece of a file that a viewer hands over: `bytes` in base64, from `at` on. `name` is what the viewer calls it. */
  | { type: "file"; id: FileId; name: string; size: number; at: number; bytes: string }
  /** The viewer does not want it any more. */
  | { type: "file_gone"; id: FileId }
  /** A viewer's wish; ignored while a desk is attached. */
  | { type: "resize"; cols: number; rows: number }
  /** An attached desk is there, of this size. Said again at each change, and by a server that the wrapper comes back to. */
  | ({ type: "desk"; desk: DeskId } & DeskSize)
  | ({ type: "desk_keys"; desk: DeskId } & DeskKeys)
  | { type: "desk_gone"; desk: DeskId }
  /** How many watch this session's screen, the most frames a second they want, and whether any phone is paired at all. */
  | { type: "watch"; viewers: number; rate: number; paired: boolean }
  /** Interrupt claude, as Esc does. */
  | { type: "interrupt" }
  | { type: "stop" }
  | { type: "ping" }
  | Refused;

// ── attached desk ⇄ server, WebSocket /attach on the owner's socket ─────────────────────────────────────────────────

/** `idle_ms`: since somebody typed there last; null if nobody did. Of several desks the newest decides the size. */
export type DeskSize = { cols: number; rows: number; idle_ms: number | null };
/**
 * What was typed, as bytes in base64. `no` grows by one; `first` is the oldest that the desk still holds. It says each
 * again until that is taken, and the wrapper writes each once.
 */
export type DeskKeys = { no: number; first: number; bytes: string };

export type DeskMessage =
  /** First on each connection. */
  | ({ type: "attach"; protocol: number; session: SessionId; desk: DeskId } & DeskSize)
  | ({ type: "size" } & DeskSize)
  | ({ type: "keys" } & DeskKeys);

export type ToDeskMessage =
  /** What the session is now; first, and at each change. */
  | { type: "session"; session: Session }
  /** A whole frame first, then differences. */
  | { type: "output"; frame: Frame }
  | { type: "taken"; upto: number }
  /** That session cannot be attached to; the connection closes. */
  | { type: "refused"; message: string }
  | { type: "ping" };

// ── server ⇄ viewer, SSE /events and REST ───────────────────────────────────────────────────────────────────────────

export type InputStage = "sent" | "delivered" | "seen" | "refused" | "unconfirmed";

/** Data of each SSE event, by its name. Every one says what a thing is now, so that hearing it twice does no harm. */
export type ViewerEvents = {
  /** First on each connection, and again where the stream could not be resumed. */
  state: {
    now: number;
    protocol: number;
    version: string;
    viewer: { id: ViewerId; name: string };
    /** The page travels in clear text beyond this machine. */
    insecure: boolean;
    /** Open sessions, then the 50 newest ended. */
    sessions: Session[];
    /** Open prompts, and those answered whose end is not known yet. */
    prompts: PromptState[];
    /** Of the last hour, the newest first; those under way have no `ended_at`. */
    launches?: Launch[];
  };
  /** A session began or changed. */
  session_start: { session: Session };
  session_end: { session: Session };
  /** A viewer deleted it. */
  session_gone: { session: SessionId };
  /** Only with ?session=<id>: a first frame with `size`, then differences. */
  output: { session: SessionId; frame: Frame };
  lines: { session: SessionId; lines: LogLine[] };
  message: { session: SessionId; message: Message };
  prompt: { prompt: PromptState };
  /** The prompt was answered, delivered, accepted, withdrawn … */
  prompt_response: { prompt: PromptState };
  input: { session: SessionId; id: InputId; stage: InputStage; reason: InputRefusal | null };
  /** A session that a viewer started on a devbox is on its way, is there, or failed. */
  launch: { launch: Launch };
  /** Somebody paired or was revoked. */
  viewers: { viewers: Viewer[] };
  heartbeat: { now: number };
};

export type Viewer = {
  id: ViewerId;
  name: string;
  /** Where it paired from. */
  address?: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};

/** What a token is for. `operate`: the owner's commands, from a machine that was let in for that (`device add --operate`). */
export type TokenScope = "read" | "input" | "metrics" | "operate";
/** A credential of a program, as it is listed; its secret is shown once and stored nowhere. */
export type ApiToken = {
  id: string;
  name: string;
  scopes: TokenScope[];
  /** The machine whose operator it is; they end together. */
  device_id: DeviceId | null;
  created_at: number;
  expires_at: number;
  last_used: number | null;
};

/** Sums of what was used. `cost_usd`: null where claude tells of none. `worked_ms`: the turns' own length. */
export type Used = {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
  cost_usd: number | null;
  worked_ms: number;
};

/** A place where something that was searched for stands. `marks`: places in `text`, [from, to). */
export type SearchHit = {
  /** Grows with each message, or with each line of all logs: where a page goes on from. */
  id: number;
  session: SessionId;
  /** When it was said, ms since 1970. */
  at: number;
  text: string;
  marks: [from: number, to: number][];
  /** There is more of the text on that side. */
  before: boolean;
  after: boolean;
} & (
  | {
      in: "messages";
      conversation: ConversationId;
      uuid: string;
      seq: number;
      role: Message["role"];
      /** What kind of part the text is of; null where that is not known. */
      part: MessagePart["type"] | null;
    }
  | { in: "lines"; line_no: number; source: LogLine["source"] }
);

/** One row of the audit log. */
export type AuditEntry = {
  /** Grows with each row; where a page of them goes on from. */
  id: number;
  at: number;
  /** `viewer <id>`, `token <id>`, `session <id>` (its wrapper), `device <id>`, `desk`, `claude`, `owner`, `nobody`, `unknown`. */
  actor: string;
  /** The viewer's or the machine's. */
  name: string | null;
  /** The other end of the viewer's or the device's socket. */
  address: string | null;
  session: SessionId | null;
  action: string;
  /** The id of what it was done to. */
  subject: string;
  detail: { [key: string]: Json };
  /** What the prompt asked at that moment. */
  asked: Asked | null;
};
export type Asked = Omit<Prompt, "id" | "age_ms" | "diff" | "questions">;

/** POST /api/prompts/:id/approve, reject and answer. */
export type ApproveBody = { digest: Digest; answer_id: AnswerId; option?: OptionId };
export type RejectBody = { digest: Digest; answer_id: AnswerId; message?: string };
export type AnswerBody = {
  digest: Digest;
  answer_id: AnswerId;
  option: OptionId;
  text?: string;
  answers?: Record<string, string>;
};

/** POST /api/sessions/:id/input; exactly one of `text` and `key`. */
export type InputBody = { id: InputId; text?: string; mode?: InputMode; key?: Key };

/** POST /api/sessions/:id/mode. */
export type ModeBody = { id: InputId; mode: PermissionMode };

/** What POST /api/sessions/:id/files answers to each piece: go on at `upto`; `path` once the file is whole. */
export type FileState = { id: FileId; upto: number; path: string | null };

/** POST /api/pair. `check` comes back: the two digits that the terminal shows too. */
export type PairBody = {
  code: string;
  name: string;
  /** What the first answer (`pending`) gave this phone: ask again with it until the terminal has said yes. */
  claim?: string;
  /** The answer then has a `key` that every request must carry beside the cookie (x-claude-remote-key). */
  bind?: boolean;
};

// ── notifications, /api/push ────────────────────────────────────────────────────────────────────────────────────────

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

// ── devboxes, /api/devboxes, /api/launches and POST /api/sessions ───────────────────────────────────────────────────

/** `local`: the server's own machine, by that very name. */
export type DevboxKind = "local" | "ssh";
/** Why it failed there: `class` is one word of ours, `next` the one thing to do about it. */
export type DevboxError = { class: string; message: string; next: string };
/** `at`: when the copy was last made whole, or null. `problem`: since then it may be stale. */
export type SessionCopy = { at: number | null; problem: DevboxError | null };

/** `unreachable`: so it was when it was last tried; `error` says why. */
export type DevboxState = {
  name: string;
  kind: DevboxKind;
  /** As ssh takes it: a name, an address, or a host of ssh's own configuration. Null: this machine. */
  host: string | null;
  user: string | null;
  port: number | null;
  /** The file of the private key, where ssh's own configuration does not name it. */
  key: string | null;
  /** Where sessions begin unless told; null: the home folder. */
  dir: string | null;
  created_at: number;
  last_used: number | null;
  /** When it was reached last. */
  seen_at: number | null;
  state: "active" | "unreachable";
  error: DevboxError | null;
  /** "SHA256:…" of the host key that somebody said yes to here. */
  fingerprint: string | null;
};

export type LaunchStep = "connecting" | "checking" | "copying" | "tunnel" | "starting" | "started" | "failed";
export type Launch = {
  id: LaunchId;
  devbox: string;
  dir: string;
  /** Where it is; when it failed, `error` says where and why. */
  step: LaunchStep;
  /** Of `copying`, 0 to 100. */
  percent: number | null;
  began_at: number;
  ended_at: number | null;
  /** With `started`. */
  session: SessionId | null;
  error: DevboxError | null;
};

/** claude's own permission modes that a phone may start with, as far as the host allows them. */
export type LaunchMode = "default" | "plan" | "acceptEdits" | "auto";
/** POST /api/sessions. `resume`: a conversation of that devbox goes on. */
export type LaunchBody = {
  launch: LaunchId;
  devbox: string;
  dir: string;
  prompt?: string;
  mode?: LaunchMode;
  resume?: ConversationId;
  /** The conversation is alive elsewhere, and that is known to whoever asks. */
  anyway?: boolean;
};

/** What could be gone on with on a devbox. */
export type EarlierConversation = {
  id: ConversationId;
  dir: string;
  title: string;
  /** When something was last said in it. */
  last_at: number;
  /** The session it is alive in now. */
  alive_in: SessionId | null;
};

/** Every error a REST caller can meet; the status of each stands in server/errors.ts. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method"
  | "answered"
  | "changed"
  | "alive"
  | "gone"
  | "unreachable"
  | "too_large"
  | "media_type"
  | "rate_limited"
  | "misdirected"
  | "storage"
  | "internal";

export type ErrorBody = {
  error: { code: ErrorCode; message: string; request: string; winner?: PromptState };
};

/** The compiler's proof that a switch is exhausted. */
export function unreachable(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
