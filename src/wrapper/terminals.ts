// Where one sits before this claude: the terminal that we were started in, if there is one, and the desks that are
// attached. Knows who is there, what they type, and which of them decides claude's size.
import type { ServerMessage, WrapperMessage } from "../protocol.ts";
import { Desk, type Front } from "./desk.ts";
import { attachedDesks } from "./desks.ts";
import { noDesk } from "./no-desk.ts";
import type { Pty } from "./pty.ts";

/** What a terminal sends although nobody pressed a key: focus, the mouse's moves and wheel, its answers to queries. */
const NO_KEYS =
  /^(\x1b\[[IO]|\x1b\[<(3[2-9]|[4-9]\d);\d+;\d+[Mm]|\x1b\[[?>]?[\d;]*[cRny]|\x1b[P\]][^\x07\x1b]*(\x07|\x1b\\))+$/;
/** claude paints everything for a size that differs, in more than one write; that long after the first it differs back. */
const REPAINT_MS = 50;
/** On a busy machine it sees that late, and would not see at all what differs back before; one that paints nothing never does. */
const SEEN_WITHIN_MS = 2_000;
/** No terminal has fewer rows. */
const LEAST_ROWS = 2;

export type Size = { cols: number; rows: number };

export type TerminalsOptions = {
  /** Nobody sits here: claude's size until somebody attaches. */
  hosted: Size | undefined;
  claude: () => Pick<Pty, "write" | "resize" | "kill">;
  tell: (message: WrapperMessage) => void;
  /** `pressed`: somebody pressed a key, it was no word of the terminal itself. `afar`: at an attached desk. */
  onTyped: (text: string, how: { pressed: boolean; afar: boolean }) => void;
  /** claude's terminal has this size now. */
  onSize: (size: Size) => void;
  /** One came or went; `some`: there is any. */
  onChange: (some: boolean) => void;
  /** The one that we were started in is gone; whether claude goes on. `others`: somebody is attached. */
  onHangup: (others: boolean) => boolean;
};

/** The terminals of one run. The one in front is raw from `raw` until `restore`, and gets every byte of claude. */
export class Terminals implements Disposable {
  readonly #options: TerminalsOptions;
  readonly #front: Front;
  readonly #attached = attachedDesks();
  /** The terminal that we were started in is there. */
  #here: boolean;
  #size: Size;
  #typedAt: number | null = null;
  /** claude has another size for a moment; whether it has painted nothing since. */
  #back: ReturnType<typeof setTimeout> | undefined;
  #unseen = false;

  constructor(options: TerminalsOptions) {
    this.#options = options;
    this.#here = options.hosted === undefined;
    const onSignal = (signal: NodeJS.Signals) => options.claude().kill(signal);
    this.#front = options.hosted ? noDesk(options.hosted, onSignal) : this.#desk(onSignal);
    this.#size = this.#front.size();
  }

  #desk(onSignal: (signal: NodeJS.Signals) => void): Desk {
    return new Desk({
      onInput: (bytes) => this.#typedHere(bytes),
      onResize: () => this.fit(),
      onHangup: () => this.#hungUp(),
      onSignal,
      onReturn: () => this.repaint(),
    });
  }

  /** The one that we were started in is there. */
  get here() {
    return this.#here;
  }

  /** How long ago somebody pressed a key at one of them, ms; null before the first. */
  get idleMs(): number | null {
    return this.#typedAt === null ? null : performance.now() - this.#typedAt;
  }

  /** What the terminal wants where somebody typed last. */
  get wanted(): Size {
    return this.#attached.size(this.#here) ?? (this.#here ? this.#front.size() : this.#size);
  }

  raw() {
    this.#front.raw();
  }

  /** `clean`: claude ended by itself, so that nothing of its output can be cut. */
  restore(clean: boolean) {
    this.#front.restore(clean);
  }

  /** claude's bytes, to the terminal in front of us; attached ones draw the screen that viewers get. */
  write(bytes: Uint8Array) {
    this.#front.write(bytes);
    if (!this.#unseen) return;
    this.#unseen = false;
    this.#backIn(REPAINT_MS);
  }

  /** Stops us as Ctrl-Z does; resolves when we are continued. */
  suspend(): Promise<void> {
    return this.#front.suspend();
  }

  // ── the size ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives claude that size. */
  resize({ cols, rows }: Size) {
    this.#size = { cols, rows };
    this.#options.claude().resize(cols, rows);
    this.#options.onSize(this.#size);
  }

  /** Gives claude the wanted size, also if it is the one that it has. */
  fit() {
    this.resize(this.wanted);
  }

  #decideSize() {
    const { cols, rows } = this.wanted;
    if (cols !== this.#size.cols || rows !== this.#size.rows) this.resize({ cols, rows });
  }

  /** A size that differs and differs back makes claude paint everything. */
  repaint() {
    const { cols, rows } = this.#size;
    this.#options.claude().resize(cols, rows > LEAST_ROWS ? rows - 1 : rows + 1);
    this.#unseen = true;
    this.#backIn(SEEN_WITHIN_MS);
  }

  /** To whatever size it has by then. */
  #backIn(ms: number) {
    clearTimeout(this.#back);
    this.#back = setTimeout(() => {
      this.#unseen = false;
      this.#options.claude().resize(this.#size.cols, this.#size.rows);
    }, ms);
  }

  // ── what is typed ───────────────────────────────────────────────────────────────────────────────────────────────

  #typedHere(bytes: Uint8Array) {
    const pressed = this.#typed(bytes, false);
    if (this.#attached.count === 0) return;
    if (pressed) this.#attached.typedHere();
    this.#decideSize();
  }

  /** Keys of an attached desk, each byte once. */
  typedAttached({ desk, ...keys }: Extract<ServerMessage, { type: "desk_keys" }>) {
    const bytes = this.#attached.keys(desk, keys);
    if (bytes && this.#typed(bytes, true)) this.#attached.typedAt(desk);
    this.#options.tell({ type: "desk_taken", desk, upto: this.#attached.upto(desk) });
    this.#decideSize();
  }

  /** At whatever terminal; whether somebody pressed a key. */
  #typed(bytes: Uint8Array, afar: boolean): boolean {
    this.#options.claude().write(bytes);
    const text = Buffer.from(bytes).toString("latin1");
    const pressed = !NO_KEYS.test(text);
    if (pressed) this.#typedAt = performance.now();
    this.#options.onTyped(text, { pressed, afar });
    return pressed;
  }

  // ── who comes and goes ──────────────────────────────────────────────────────────────────────────────────────────

  /** A desk is attached, or has another size. */
  attached(desk: Extract<ServerMessage, { type: "desk" }>) {
    this.#attached.set(desk.desk, desk);
    this.changed();
  }

  detached({ desk }: Extract<ServerMessage, { type: "desk_gone" }>) {
    this.#attached.gone(desk);
    this.changed();
  }

  /** Nobody can be attached without the server. */
  offline() {
    if (this.#attached.count === 0) return;
    this.#attached.allGone();
    this.changed();
  }

  #hungUp() {
    if (!this.#options.onHangup(this.#attached.count > 0)) return;
    this.#here = false;
    this.changed();
  }

  /** Says who is there, and takes the size of whoever counts now. */
  changed() {
    this.#options.onChange(this.#here || this.#attached.count > 0);
    this.#decideSize();
  }

  [Symbol.dispose]() {
    clearTimeout(this.#back);
    this.#front[Symbol.dispose]();
  }
}
