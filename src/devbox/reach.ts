// Whether a server is reached from here; asked on a devbox, about the server that launches there.
import * as v from "valibot";
import { lineOf } from "./lines.ts";

const asked = v.strictObject({
  url: v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#@]+$/)),
  within_ms: v.pipe(v.number(), v.minValue(1), v.maxValue(60_000)),
});

/** Reads `{url, within_ms}` on stdin; says `claude-remote-reached` if a server of ours answers there. */
export async function reach(): Promise<number> {
  const { url, within_ms } = v.parse(asked, JSON.parse(await lineOf(Bun.stdin.stream())));
  const init = { signal: AbortSignal.timeout(within_ms), redirect: "manual" as const };
  const answer = await fetch(`${url}/health`, init).catch(() => null);
  const health = answer?.ok ? await answer.json().catch(() => null) : null;
  if (typeof health === "object" && health !== null) console.log("claude-remote-reached");
  return 0;
}
