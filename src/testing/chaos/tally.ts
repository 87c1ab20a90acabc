// Counts what was done and how long things took, for the table at the end.

export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #times = new Map<string, number[]>();
  readonly #begunAt = performance.now();

  /** One more of this, in this window of a prompt's life. */
  count(what: string, window = "at any time") {
    const row = this.#counts.get(what) ?? new Map<string, number>();
    this.#counts.set(what, row);
    row.set(window, (row.get(window) ?? 0) + 1);
  }

  /** How often in all, or in this window. */
  of(what: string, window?: string): number {
    const row = this.#counts.get(what) ?? new Map<string, number>();
    return window === undefined ? [...row.values()].reduce((sum, n) => sum + n, 0) : (row.get(window) ?? 0);
  }

  /** It took so many ms. */
  took(what: string, ms: number) {
    const times = this.#times.get(what) ?? [];
    this.#times.set(what, times);
    times.push(ms);
  }

  times(what: string): readonly number[] {
    return [...(this.#times.get(what) ?? [])].sort((a, b) => a - b);
  }

  /** The whole, as lines of text. */
  table(title: string): string {
    const rows = [...this.#counts].flatMap(([what, row]) =>
      [...row].map(([window, n]) => [what, window, String(n)] as const),
    );
    const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
    const seconds = ((performance.now() - this.#begunAt) / 1_000).toFixed(1);
    return [
      `── ${title}, ${seconds} s`,
      ...rows
        .sort(([a, x], [b, y]) => a.localeCompare(b) || x.localeCompare(y))
        .map(
          ([what, window, n]) => `   ${what.padEnd(width(0))}  ${window.padEnd(width(1))}  ${n.padStart(5)}`,
        ),
      ...[...this.#times.keys()].map((what) => `   ${what}: ${spread(this.times(what))}`),
    ].join("\n");
  }
}

function spread(sorted: readonly number[]): string {
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return `median ${at(0.5)} ms, 95 of 100 below ${at(0.95)} ms, most ${at(1)} ms (${sorted.length})`;
}
