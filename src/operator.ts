// The owner's requests from another machine: to the server that it joined, with the operator's token it was given there.
import { CommandError, harmless, REFUSED, UNREACHABLE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { enrolment } from "./enrolment.ts";
import type { Paths } from "./paths.ts";
import { isLoopback } from "./server/front.ts";
import { OPERATED } from "./server/owner.ts";

/** Where the owner's routes of that server stand, and what opens them. */
export type Operated = { url: string; token: string };

/** The server elsewhere that this machine may operate, or null. Throws CommandError 5 where the way there is clear text. */
export function operated(paths: Paths): Operated | null {
  const joined = enrolment(paths);
  if (!joined?.operator) return null;
  const { url = joined.url, insecure_http: insecure } = loadConfig();
  if (isClear(url) && !insecure)
    throw new CommandError(
      `${url} is plain http, where whoever is on the way could take this machine's right to operate it: use https ` +
        "(docs/https.md), a tunnel, or on a network of yours alone CLAUDE_REMOTE_INSECURE_HTTP=1",
      REFUSED,
    );
  return { url: `${url}${OPERATED}`, token: joined.operator };
}

/** Plain http beyond this machine. */
export function isClear(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol !== "https:" && !isLoopback(hostname);
}

export const headersOf = ({ token }: Operated) => ({ authorization: `Bearer ${token}` });

/** A request there. Throws CommandError 4 where nobody answers, 5 where the right has ended, 1 with the server's words else. */
export async function operate(
  there: Operated,
  method: string,
  path: string,
  body: object | undefined,
  signal: AbortSignal | null,
): Promise<unknown> {
  const { headers, ...init } = initOf(method, body, signal);
  const all = { ...headers, ...headersOf(there) };
  // No redirect is followed: the token is for that server alone.
  const response = await fetch(`${there.url}${path}`, { ...init, headers: all, redirect: "manual" }).catch(
    (error: Error) => {
      throw new CommandError(`${new URL(there.url).origin} cannot be reached: ${error.message}`, UNREACHABLE);
    },
  );
  if (response.status === 401)
    throw new CommandError(
      `${new URL(there.url).origin} does not let this machine operate it any more: the right was revoked or has run out. ` +
        "There: claude-remote device add <name> --operate; here: claude-remote join",
      REFUSED,
    );
  return answerOf(response);
}

/** A request with a JSON body, or none. */
export const initOf = (method: string, body: object | undefined, signal: AbortSignal | null) => ({
  method,
  signal,
  headers: body ? { "content-type": "application/json" } : {},
  ...(body ? { body: JSON.stringify(body) } : {}),
});

/** The JSON of an answer. Throws CommandError with the server's own words, 5 for what it forbids. */
export async function answerOf(response: Response): Promise<unknown> {
  const said = harmless(await response.json().catch(() => ({})));
  const answer = said as { error?: { code?: string; message?: string } };
  if (response.ok) return answer;
  const wait =
    response.status === 429 ? `; try again in ${response.headers.get("retry-after") ?? "some"} s` : "";
  const why = answer.error?.message ?? `the server answered ${response.status}${wait}`;
  throw new CommandError(why, answer.error?.code === "forbidden" ? REFUSED : 1);
}
