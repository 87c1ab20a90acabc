// What viewers see of this run, from claude's first byte: the view is loaded while claude starts already, and what claude
// writes meanwhile is kept for it.
import type { Screen } from "../screen.ts";
import type { Link } from "./link.ts";
import type { RunningClaude } from "./running-claude.ts";
import type { SessionFacts } from "./session.ts";
import type { Terminals } from "./terminals.ts";
import type { View } from "./view.ts";

/** Output that arrives before the emulator is loaded; claude's whole start is below 10 kB. */
const MAX_EARLY_BYTES = 8 * 1024 * 1024;

/** What a view is between: claude's side and the server's. */
type Around = {
  terminals: Pick<Terminals, "wanted" | "here" | "repaint">;
  claude: Pick<RunningClaude, "write">;
  facts: Pick<SessionFacts, "titled">;
  link: Pick<Link, "tell" | "full" | "up">;
};

export type LateView = ReturnType<typeof lateView>;

/** A view that is not there before `load`; until then it has no screen, and what it is told but the output says nothing. */
export function lateView() {
  let view: View | null = null;
  const early: Uint8Array[] = [];
  let earlyBytes = 0;
  /** What the server said before that, on the connection that is open: who watches, and how much of the log it holds. */
  let watchedBy: { viewers: number; rate: number } | null = null;
  let heldLine: number | null = null;

  return {
    /** Loads the emulator, and shows it what was written before. */
    async load({ terminals, claude, facts, link }: Around) {
      const { View } = await import("./view.ts");
      const loaded = new View({
        ...terminals.wanted,
        tell: (message) => link.tell(message),
        full: () => link.full,
        onTitle: (title) => facts.titled(title),
        onReply: (bytes) => claude.write(bytes),
        onSkip: () => terminals.repaint(),
      });
      loaded.answering = !terminals.here;
      for (const bytes of early.splice(0)) loaded.write(bytes);
      view = loaded;
      if (!link.up) return;
      view.online();
      if (heldLine !== null) view.acked(heldLine);
      if (watchedBy) view.watched(watchedBy.viewers, watchedBy.rate);
    },
    write(bytes: Uint8Array) {
      if (view) return view.write(bytes);
      earlyBytes += bytes.length;
      if (earlyBytes <= MAX_EARLY_BYTES) early.push(bytes.slice());
    },
    screen: (): Screen | null => view?.screen() ?? null,
    settled: async () => view?.settled(),
    /** Whether claude's queries are answered here, since no terminal does. */
    set answering(on: boolean) {
      if (view) view.answering = on;
    },
    resize: (cols: number, rows: number) => view?.resize(cols, rows),
    watched(viewers: number, rate: number) {
      if (view) view.watched(viewers, rate);
      else watchedBy = { viewers, rate };
    },
    online: () => view?.online(),
    offline() {
      watchedBy = heldLine = null;
      view?.offline();
    },
    acked(lineNo: number) {
      if (view) view.acked(lineNo);
      else heldLine = lineNo;
    },
    block: (text: string) => view?.block(text),
    flush: () => void view?.flush(),
    ended: async () => view?.ended(),
    [Symbol.dispose]() {
      view?.[Symbol.dispose]();
    },
  };
}
