// A viewer as a test wants it: pairs, listens, and folds every event into plain fields.
import type {
  InputStage,
  Launch,
  LogLine,
  Message,
  PromptId,
  PromptState,
  Session,
  SessionId,
  Viewer,
  ViewerEvents,
} from "../protocol.ts";
import { apply, blank, rowText, type Screen } from "../screen.ts";
import type { TestServer } from "./server.ts";
import { Changes } from "./wait.ts";

type Reply = { status: number; headers: Headers; body: Record<string, never> & { error?: { code: string } } };

const isJson = ({ headers }: Response) =>
  headers.get("content-type")?.startsWith("application/json") === true;

export class TestViewer implements AsyncDisposable {
  readonly server: Pick<TestServer, "url">;
  /** "name=value", as the browser sends it. */
  cookie: string;
  readonly sessions = new Map<SessionId, Session>();
  readonly prompts = new Map<PromptId, PromptState>();
  readonly inputs = new Map<string, InputStage>();
  viewers: Viewer[] = [];
  /** What was told of launches, in order. */
  launches: Launch[] = [];
  screen: Screen = blank(0, 0);
  lines: LogLine[] = [];
  messages: Message[] = [];
  /** The last `state`, as it came. */
  state: ViewerEvents["state"] | null = null;
  /** Names of all events, in order. */
  events: string[] = [];
  /** The cursor to resume from. */
  cursor: string | null = null;
  frames = 0;
  heartbeats = 0;
  closed = true;
  readonly #changes = new Changes();
  readonly #folds: { [N in keyof ViewerEvents]: (data: ViewerEvents[N]) => void } = {
    state: (state) => this.#state(state),
    session_start: ({ session }) => void this.sessions.set(session.id, session),
    session_end: ({ session }) => void this.sessions.set(session.id, session),
    session_gone: ({ session }) => void this.sessions.delete(session),
    prompt: ({ prompt }) => void this.prompts.set(prompt.id, prompt),
    prompt_response: ({ prompt }) => void this.prompts.set(prompt.id, prompt),
    output: ({ frame }) => {
      this.frames++;
      this.screen = apply(this.screen, frame);
    },
    lines: ({ lines }) => void this.lines.push(...lines),
    message: ({ message }) => void this.messages.push(message),
    input: ({ id, stage }) => void this.inputs.set(id, stage),
    launch: ({ launch }) => void this.launches.push(launch),
    viewers: ({ viewers }) => {
      this.viewers = viewers;
    },
    heartbeat: () => {
      this.heartbeats++;
    },
  };
  #abort = new AbortController();

  constructor(server: Pick<TestServer, "url">, cookie: string) {
    this.server = server;
    this.cookie = cookie;
  }

  /** Pairs by the owner's socket, with nobody asked. */
  static async pair(server: Pick<TestServer, "url" | "admin">, name = "Phone"): Promise<TestViewer> {
    const { code } = await server.admin("POST", "/pair", { yes: true });
    return TestViewer.enter(server, String(code), name);
  }

  /** Pairs with a code that `pair --yes` showed. */
  static async enter(server: Pick<TestServer, "url">, code: string, name = "Phone"): Promise<TestViewer> {
    const reply = await new TestViewer(server, "").post("/api/pair", { code, name });
    const cookie = reply.headers.get("set-cookie")?.split(";")[0];
    if (reply.status !== 200 || !cookie) throw new Error(`pairing failed: ${JSON.stringify(reply.body)}`);
    return new TestViewer(server, cookie);
  }

  async request(method: string, path: string, init: RequestInit = {}): Promise<Reply> {
    const headers = { cookie: this.cookie, ...(init.headers as Record<string, string>) };
    const response = await fetch(this.server.url + path, { ...init, method, headers });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text.startsWith("{") && isJson(response) ? JSON.parse(text) : {},
    };
  }

  get(path: string): Promise<Reply> {
    return this.request("GET", path);
  }

  post(path: string, body: unknown = {}): Promise<Reply> {
    const headers = { "content-type": "application/json", origin: this.server.url };
    return this.request("POST", path, { headers, body: JSON.stringify(body) });
  }

  /** Approves, rejects or answers what this viewer was shown. */
  answer(verb: "approve" | "reject" | "answer", prompt: PromptState, more: object = {}): Promise<Reply> {
    const answer_id = Bun.randomUUIDv7();
    return this.post(`/api/prompts/${prompt.id}/${verb}`, { digest: prompt.digest, answer_id, ...more });
  }

  /** Opens the event stream and folds it until it ends; resolves when the first `state` is there. */
  async listen(session?: SessionId, headers: Record<string, string> = {}): Promise<this> {
    this.#abort = new AbortController();
    this.state = null;
    const query = session ? `?session=${session}` : "";
    const resume = this.cursor === null ? {} : { "last-event-id": this.cursor };
    const init = { headers: { cookie: this.cookie, ...resume, ...headers }, signal: this.#abort.signal };
    const response = await fetch(`${this.server.url}/events${query}`, init);
    if (response.status !== 200 || !response.body) throw new Error(`no events: ${response.status}`);
    this.closed = false;
    this.#read(response.body);
    await this.until("state", () => this.state);
    return this;
  }

  /** Ends the stream from this side. */
  leave(): void {
    this.#abort.abort();
  }

  /** Waits for what must come true. */
  until<T>(what: string, look: (viewer: this) => T | null | undefined | false): Promise<T> {
    return this.#changes.until(what, () => look(this));
  }

  /** What the screen shows, blank lines at its end left out. */
  get text(): string {
    return this.screen.lines.map(rowText).join("\n").trimEnd();
  }

  async #read(body: ReadableStream<Uint8Array>) {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of body) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          this.#fold(block);
          this.#changes.changed();
        }
      }
    } catch {
      // Aborted, here or there.
    }
    this.closed = true;
    this.#changes.changed();
  }

  #fold(block: string) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
    const name = field("event");
    this.events.push(name);
    this.cursor = field("id") || this.cursor;
    const fold = this.#folds[name as keyof ViewerEvents] as ((data: unknown) => void) | undefined;
    if (!fold) throw new Error(`an event nobody knows: ${name}`);
    fold(JSON.parse(field("data")));
  }

  #state(state: ViewerEvents["state"]) {
    this.state = state;
    this.sessions.clear();
    this.prompts.clear();
    for (const session of state.sessions) this.sessions.set(session.id, session);
    for (const prompt of state.prompts) this.prompts.set(prompt.id, prompt);
  }

  async [Symbol.asyncDispose]() {
    this.leave();
  }
}
