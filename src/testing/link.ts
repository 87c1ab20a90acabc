// A wrapper as the server sees one: speaks the sealed protocol over a real WebSocket, says what a test tells it to.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../digest.ts";
import type {
  DeviceId,
  Json,
  OptionId,
  Prompt,
  PromptId,
  Refused,
  ServerMessage,
  SessionId,
  SessionStatement,
  WrapperMessage,
} from "../protocol.ts";
import { type Channel, ClientHandshake, deviceSecret } from "../seal.ts";
import type { TestServer } from "./server.ts";
import { Changes } from "./wait.ts";

export type LinkOptions = { device?: DeviceId; secret?: Uint8Array; unix?: boolean; protocol?: number };

export class TestLink implements Disposable {
  readonly socket: WebSocket;
  /** Every message from the server, in order. */
  readonly heard: ServerMessage[] = [];
  refused: Refused | null = null;
  closed = false;
  /** What the server said when it closed the connection. */
  reason = "";
  channel: Channel | null = null;
  readonly #changes = new Changes();
  #beat: ReturnType<typeof setInterval> | undefined;

  private constructor(url: string, handshake: ClientHandshake) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.#received(data, handshake);
    this.socket.onclose = ({ reason }) => {
      this.closed = true;
      this.reason = reason;
      this.#changes.changed();
    };
    this.socket.onerror = () => {};
  }

  /** Connects; resolves when the channel is open, or refused, or closed. */
  static async connect(
    server: Pick<TestServer, "url" | "data">,
    options: LinkOptions = {},
  ): Promise<TestLink> {
    const { device = "local" as DeviceId, unix = false, protocol } = options;
    const master = new Uint8Array(readFileSync(join(server.data, "master.key")));
    const secret = options.secret ?? deviceSecret(master, device);
    const url = unix
      ? `ws+unix://${join(server.data, "server.sock")}:/ws`
      : `${server.url.replace("http", "ws")}/ws`;
    const link = new TestLink(
      url,
      new ClientHandshake({ device, secret, ...(protocol ? { protocol } : {}) }),
    );
    await link.until("the handshake", () => link.channel ?? link.refused ?? link.closed);
    return link;
  }

  /** Connects and states a session. */
  static async session(
    server: Pick<TestServer, "url" | "data">,
    change: Partial<SessionStatement> = {},
    options: LinkOptions = {},
  ) {
    const link = await TestLink.connect(server, options);
    const session = statement(change);
    link.say({ type: "session", session });
    await link.until("watch", () => link.heard.find(({ type }) => type === "watch"));
    return { link, id: session.id };
  }

  say(...messages: WrapperMessage[]): void {
    for (const message of messages) this.sayText(JSON.stringify(message));
  }

  /** Seals any text. */
  sayText(text: string): void {
    if (this.channel) this.socket.send(this.channel.seal(text) as Uint8Array<ArrayBuffer>);
  }

  /** Waits for what must come true. */
  until<T>(what: string, look: (link: this) => T | null | undefined | false): Promise<T> {
    return this.#changes.until(what, () => look(this));
  }

  /** Waits until the server ends the connection for that; its silence ends one as well, later, and must not pass for it. */
  async cutOff(why = "made no sense"): Promise<void> {
    await this.until(`the close: ${why}`, () => this.closed);
    if (!this.reason.includes(why)) throw new Error(`it was closed for another reason: ${this.reason}`);
  }

  /** Waits for a message of that kind, and takes it and what came before off the list. */
  async next<T extends ServerMessage["type"]>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    const at = await this.until(type, () => {
      const index = this.heard.findIndex((message) => message.type === type);
      return index < 0 ? null : { index };
    });
    return this.heard.splice(0, at.index + 1).at(-1) as Extract<ServerMessage, { type: T }>;
  }

  /** Says a prompt and waits until it is on disk. */
  async ask(change: Partial<Prompt> = {}): Promise<Prompt> {
    const asked = prompt(change);
    this.say({ type: "prompt", prompt: asked });
    await this.acked("prompt", asked.id);
    return asked;
  }

  acked(fact: string, id: PromptId): Promise<ServerMessage> {
    return this.until(`the ack of ${fact}`, () =>
      this.heard.find(
        (m) => m.type === "ack" && m.stream === "prompts" && m.fact === fact && m.prompt === id,
      ),
    );
  }

  #received(data: string | ArrayBuffer, handshake: ClientHandshake) {
    if (this.channel && typeof data !== "string") {
      const message: ServerMessage = JSON.parse(this.channel.open(new Uint8Array(data)));
      if (message.type === "refused") this.refused = message;
      this.heard.push(message);
    } else if (typeof data === "string") this.#shake(handshake.receive(data));
    this.#changes.changed();
  }

  #shake(step: ReturnType<ClientHandshake["receive"]>) {
    if (step.step === "send") this.socket.send(step.send);
    if (step.step === "refused") this.refused = step.refused;
    if (step.step === "open") this.channel = step.channel;
  }

  /** From now on it says that it is there, as a wrapper does: what is silent for 15 s is dead, and a browser may take longer. */
  beats(): this {
    this.#beat = setInterval(() => this.say({ type: "ping" }), BEAT_MS);
    return this;
  }

  [Symbol.dispose]() {
    clearInterval(this.#beat);
    this.socket.close();
  }
}

const BEAT_MS = 2_000;

/** A session that works in a terminal of 80 by 24. */
export function statement(change: Partial<SessionStatement> = {}): SessionStatement {
  return {
    id: Bun.randomUUIDv7() as SessionId,
    ...{
      status: "working",
      waiting_for: null,
      hooks: "alive",
      terminal: true,
      title: "a title",
      cols: 80,
      rows: 24,
    },
    ...{ permission_mode: "default", conversation: null, cwd: "/home/me/project", command: ["claude"] },
    ...{ claude_version: "2.1.329", age_ms: 0, open: [] },
    ...change,
  };
}

/** Enrols another machine. */
export async function enrolled(
  server: Pick<TestServer, "admin">,
  name: string,
): Promise<{ device: DeviceId; secret: Uint8Array }> {
  const { id, secret } = await server.admin("POST", "/devices", { name });
  return { device: id as DeviceId, secret: new Uint8Array(Buffer.from(String(secret), "base64url")) };
}

/** `Bash npm test`, with the four usual ways to answer. */
export function prompt(change: Partial<Prompt> = {}): Prompt {
  const id = Bun.randomUUIDv7() as PromptId;
  const option = (name: string) => name as OptionId;
  const whole: Omit<Prompt, "digest"> = {
    ...{
      id,
      kind: "permission",
      tool: "Bash",
      input: { command: "npm test" } as Json,
      prompt_text: "npm test",
    },
    ...{ cwd: "/home/me/project", agent: null, diff: null, questions: null, age_ms: 0 },
    options: [
      { id: option("approve"), label: "Yes", effect: "approve" },
      {
        id: option("approve_always"),
        label: "Always",
        effect: "approve_always",
        scope: "npm test, in this project",
      },
      { id: option("reject"), label: "No", effect: "reject" },
      { id: option("reject_message"), label: "No, and tell claude", effect: "reject", text: "required" },
    ],
    ...change,
  };
  const shown = { ...whole, prompt: whole.id, options: whole.options.map((one) => one.id) };
  return { digest: digestOf(shown), ...whole };
}
