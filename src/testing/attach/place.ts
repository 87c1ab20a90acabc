// A place in which sessions run and terminals attach to them: a home with a server and a phone, and what is typed and shown.
import { join } from "node:path";
import type { Session } from "../../protocol.ts";
import { rowText, type Screen } from "../../screen.ts";
import { Emulator } from "../../wrapper/emulator.ts";
import { program } from "../program.ts";
import type { Terminal, TerminalOptions } from "../terminal.ts";
import { Rig, type RigOptions, type Side, until } from "../transparency/rig.ts";
import type { TestViewer } from "../viewer.ts";

/** How long a test waits for what takes a moment on a quiet machine. */
export const PATIENT = { timeout: 20_000 };
/** Ctrl-\ twice. */
export const LEAVE = "\x1c\x1c";

export class Place implements AsyncDisposable {
  readonly rig: Rig & { viewer: TestViewer };
  readonly side: Side;
  readonly viewer: TestViewer;

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
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { out, err, code: await child.exited };
  }

  /** The open session that looks like this. */
  session(wanted?: (session: Session) => boolean): Promise<Session> {
    return this.rig.session(this.viewer, wanted);
  }

  /** The newest session that is connected. */
  async newest(): Promise<Session> {
    const found: Session[] = [];
    await this.session((session) => {
      if (session.connected) found.push(session);
      return session.connected;
    });
    return found[0] as Session;
  }

  get serverSocket() {
    return join(this.rig.own, "data", "admin.sock");
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
