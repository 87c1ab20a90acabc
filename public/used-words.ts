// What was used, as people read it.
import type { Used } from "../src/protocol.ts";

const MINUTE = 60_000;

/** "12.3k in, 4.5k out, 210k from cache · 3 min worked · $0.42": only what is known. */
export function usedWords(used: Used): string {
  return [tokenWords(used), workedWords(used), costWords(used)].filter((words) => words !== "").join(" · ");
}

/** What Claude read anew, wrote, and had read before. */
export function tokenWords({ input, output, cache_read, cache_write }: Used): string {
  if (input + output + cache_read + cache_write === 0) return "";
  const words = [`${short(input + cache_write)} in`, `${short(output)} out`];
  return [...words, ...(cache_read > 0 ? [`${short(cache_read)} from cache`] : [])].join(", ");
}

/** "3 min worked"; "" for nothing. */
export function workedWords({ worked_ms }: Used): string {
  if (worked_ms <= 0) return "";
  if (worked_ms < MINUTE) return `${Math.max(1, Math.round(worked_ms / 1_000))} s worked`;
  const minutes = Math.round(worked_ms / MINUTE);
  return minutes < 60 ? `${minutes} min worked` : `${Math.floor(minutes / 60)} h ${minutes % 60} min worked`;
}

/** "$0.42", by Claude's own word; "" where it says none. */
export function costWords({ cost_usd }: Used): string {
  if (cost_usd === null) return "";
  return cost_usd < 0.005 ? "under $0.01" : `$${cost_usd.toFixed(2)}`;
}

/** "950", "12.3k", "1.2M". */
export function short(count: number): string {
  if (count < 1_000) return String(count);
  const [size, sign] = count < 999_500 ? [count / 1_000, "k"] : [count / 1_000_000, "M"];
  return `${size < 99.5 ? size.toFixed(1).replace(/\.0$/, "") : Math.round(size)}${sign}`;
}
