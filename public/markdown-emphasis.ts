// Runs of `*`, `_` and `~`: which of them open emphasis and which close it, by CommonMark's rules, in linear time.

/** A run of `*`, `_` or `~`: what it closes stands before what is left of it, what it opens behind. */
export type Run = {
  kind: "run";
  sign: string;
  length: number;
  left: number;
  /** It might open as well as close. */
  both: boolean;
  closes: number;
  opens: Emphasis[];
};
export type Emphasis = "strong" | "em" | "strike";

/** The runs of one paragraph that are still open. */
export function emphasis() {
  const runs: Run[] = [];
  /** For each sign: up to here in `runs` nothing opens what it closes. */
  const bottoms = new Map<string, number>();

  /** Finds what the run closes, nearest first; what was opened in between stays text. */
  function close(run: Run) {
    const key = `${run.sign}${run.both}${run.length % 3}`;
    while (run.left > 0) {
      const bottom = Math.min(bottoms.get(key) ?? 0, runs.length);
      let i = runs.length - 1;
      while (i >= bottom && !pairs(runs[i], run)) i--;
      const opener = i >= bottom ? runs[i] : undefined;
      if (!opener) {
        bottoms.set(key, runs.length);
        return;
      }
      const two = run.left >= 2 && opener.left >= 2;
      opener.opens.unshift(run.sign === "~" ? "strike" : two ? "strong" : "em");
      opener.left -= two ? 2 : 1;
      run.left -= two ? 2 : 1;
      run.closes++;
      runs.length = opener.left > 0 ? i + 1 : i;
    }
  }

  return {
    /** How many are open. */
    get open() {
      return runs.length;
    },
    /** What was opened since there were so many stays text. */
    cut(to: number) {
      runs.length = Math.min(runs.length, to);
    },
    /** The run of `length` signs at `at`, which closes what it can and is open for the rest. */
    meet(text: string, at: number, length: number): Run {
      const sign = text[at] ?? "";
      const [opens, closes] = flanks(sign, text[at - 1] ?? " ", text[at + length] ?? " ");
      const run: Run = {
        kind: "run",
        sign,
        length,
        left: length,
        both: opens && closes,
        closes: 0,
        opens: [],
      };
      if (sign === "~" && length !== 2) return run;
      if (closes) close(run);
      if (opens && run.left > 0) runs.push(run);
      return run;
    },
  };
}

/** Whether a run opens and closes emphasis, by what stands around it. */
function flanks(sign: string, before: string, after: string): [opens: boolean, closes: boolean] {
  const left = !isSpace(after) && (!isMark(after) || isSpace(before) || isMark(before));
  const right = !isSpace(before) && (!isMark(before) || isSpace(after) || isMark(after));
  if (sign !== "_") return [left, right];
  return [left && (!right || isMark(before)), right && (!left || isMark(after))];
}

const isSpace = (character: string) => /\s/.test(character);
/** Of ASCII by a simple look: there are many. */
const isMark = (character: string) =>
  character < "\x80" ? !/[\sA-Za-z0-9]/.test(character) : /[\p{P}\p{S}]/u.test(character);

/** CommonMark's rule of three: what might do both does not meet what it would leave a rest of. */
function pairs(opener: Run | undefined, closer: Run): boolean {
  if (opener?.sign !== closer.sign) return false;
  const thirds = opener.length % 3 !== 0 || closer.length % 3 !== 0;
  return !((opener.both || closer.both) && (opener.length + closer.length) % 3 === 0 && thirds);
}
