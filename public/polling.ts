// The event stream's stand-in where something on the way keeps streams back: the same events, asked for batch by batch.
import { type ApiFailure, isAnswer, loginHeaders, refusalIn } from "./api.ts";
import type { StreamEvent } from "./sse.ts";

/** Where it is kept that streams do not come through, with since when: per origin, as all that is kept here. */
const KEPT = "polling-since";
/** So often a stream is tried again meanwhile: each try is a connection more. */
export const TRY_STREAM_EVERY_MS = 600_000;

/** Since when streams do not come through here, ms since 1970; null where they do. */
export function pollingSince(): number | null {
  const since = Number(localStorage.getItem(KEPT) ?? "");
  return since > 0 ? since : null;
}

/** Keeps that streams do not come through, or that they do again. */
export function keepPolling(since: number | null) {
  if (since === null) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, String(since));
}

type Batch = { next: string; events: { event: string; id: string; data: unknown }[] };

/**
 * Asks for batch after batch until it is aborted; each event is handed to `take`, its data as it is. Resolves with the
 * refusal that ended it, null if none did: `unauthorized` logged out, `not_found` what was watched is gone, `gone` a batch
 * was missed. Rejects where no answer came.
 */
export async function poll(
  path: string,
  cursor: string,
  signal: AbortSignal,
  take: (event: Omit<StreamEvent, "data"> & { data: unknown }) => void,
): Promise<ApiFailure | null> {
  const joint = path.includes("?") ? "&" : "?";
  let next = "new";
  for (;;) {
    const headers: Record<string, string> = loginHeaders();
    if (next === "new" && cursor) headers["last-event-id"] = cursor;
    const init: RequestInit = { headers, signal, cache: "no-store", redirect: "manual" };
    const response = await fetch(`${path}${joint}poll=${next}`, init);
    if (!isAnswer(response)) return refusalIn(response);
    const batch = (await response.json()) as Batch;
    if (signal.aborted) return null;
    for (const { event, id, data } of batch.events) take({ name: event, id, data });
    next = batch.next;
  }
}
