// A place in which sessions run and terminals attach to them: a home with a server and a phone, and what is typed and shown.
import type { Session, SessionId } from "../../protocol.ts";
import { rowText, type Screen } from "../../screen.ts";
import { Emulator } from "../../wrapper/emulator.ts";
import { ended } from "../ended.ts";
import { program } from "../program.ts";
import type { Terminal, TerminalOptions } from "../terminal.ts";
import { Rig, type RigOptions, type Side, until } from "../transparency/rig.ts";
import { TestViewer } from "../viewer.ts";

/** How long a test waits for what takes a moment on a quiet machine. */
export const PATIENT = { timeout: 30_000 };
/** Ctrl-\ twice. */
export const LEAVE = "\x1c\x1c";

export class Place implements AsyncDisposable {
  readonly rig: Rig & { viewer: TestViewer };
  readonly side: Side;
  readonly viewer: TestViewer;
  readonly #given = new Set<SessionId>();

  private constructor(rig: Rig & { viewer: TestViewer }) {
    this.rig = rig;
    this.side = rig.wrapped;
    this.viewer = rig.viewer;
  }

  static async open(options?: RigOptions): Promise<Place> {
    return new Place(await Rig.paired(options));
  }

  /** A terminal that attaches to that session. */
  attach(session: { id: string }, options: TerminalOptions = {}, ...flags: string[]): Terminal {
    return this.side.terminal(["attach", session.id, ...flags], options);
  }

  /** One of our commands, run to its end. */
  async run(...words: string[]): Promise<{ out: string; err: string; code: number }> {
    const { env, cwd } = { env: this.side.env, cwd: this.rig.cwd };
    const child = Bun.spawn([program(), ...words], { env, cwd, stdin: "ignore", stderr: "pipe" });
    return ended(child);
  }

  /** The open session that looks like this. */
  session(wanted?: (session: Session) => boolean): Promise<Session> {
    return this.rig.session(this.viewer, wanted);
  }

  /** The session that was started last, once it is connected; each is given once. */
  async newest(): Promise<Session> {
    const session = await this.session((one) => one.connected && !this.#given.has(one.id));
    this.#given.add(session.id);
    return session;
  }

  /** Waits until the session's wrapper has heard all that the server said so far: it answers to a key that is none. */
  async heard(session: SessionId): Promise<void> {
    await using watching = await new TestViewer(this.viewer.server, this.viewer.cookie).listen();
    const id = Bun.randomUUIDv7();
    await this.viewer.post(`/api/sessions/${session}/input`, { id, key: "wheel_up" });
    // A wrapper that has no screen yet refuses it, and has heard it as well.
    await until("an answer to the key", () => /delivered|refused/.test(watching.inputs.get(id) ?? ""));
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

/** What a terminal shows after these bytes, with styles, cursor and modes. */
export async function shownBy(bytes: Uint8Array, cols = 100, rows = 40): Promise<Screen> {
  using emulator = new Emulator({ cols, rows });
  emulator.write(bytes);
  await emulator.settled();
  return emulator.screen();
}

/** Waits until both terminals show the same in every respect; resolves with that. */
export async function same(one: Terminal, other: Terminal, cols = 100, rows = 40): Promise<Screen> {
  let a: Screen | undefined;
  let b: Screen | undefined;
  try {
    return await until("two equal screens", async () => {
      [a, b] = await Promise.all([shownBy(one.bytes(), cols, rows), shownBy(other.bytes(), cols, rows)]);
      return Bun.deepEquals(a, b) && a;
    });
  } catch (error) {
    const text = (screen: Screen | undefined) => screen?.lines.map(rowText).join("\n").trimEnd();
    const rest = (screen: Screen | undefined) => JSON.stringify({ ...screen, lines: [] });
    const lines = a?.lines.flatMap((row, y) =>
      Bun.deepEquals(row, b?.lines[y])
        ? []
        : [`${y}: ${JSON.stringify(row)}\n   ${JSON.stringify(b?.lines[y])}`],
    );
    throw new Error(`${error}\n${text(a)}\n──\n${text(b)}\n${rest(a)}\n${rest(b)}\n${lines?.join("\n")}`);
  }
}
