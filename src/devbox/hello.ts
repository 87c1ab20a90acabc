// The end of a launch: the wrapper's own word to the server, or why it could not give it, as its log there has it.
import * as v from "valibot";
import type { SessionId } from "../protocol.ts";
import { killScript } from "./examine.ts";
import { shellWord } from "./script.ts";
import { type Ssh, stopped } from "./ssh.ts";
import { LaunchError, saidBy } from "./ssh-errors.ts";

/** The wrapper that a launch began: its process, its session, and the file that it writes its log to. */
export type Begun = { pid: number; session: string; log: string };

export type Waiting = {
  /** Resolves when the session is there; `signal` ends the waiting. */
  waitFor: (signal: AbortSignal) => Promise<SessionId>;
  signal: AbortSignal | undefined;
};

/** From the wrapper's start to its word to the server, over whatever network. */
const HELLO_WITHIN_MS = 30_000;
/** Its log is looked at so soon, then after twice as long each time: most are there within a tenth of a second. */
const LOOK_MS = 100;
const LONGEST_LOOK_MS = 2_000;
/** What is left to do there takes a moment; of a devbox that hangs nobody waits for it. */
const TIDIED_WITHIN_MS = 10_000;
const tidying = () => ({ signal: AbortSignal.timeout(TIDIED_WITHIN_MS) });

/** Why it has no link: in words, and the code of a refusal. */
const offline = v.object({ reason: v.string(), refused: v.optional(v.string()) });
type Offline = v.InferOutput<typeof offline>;

/** The session, once its wrapper has said hello. One that cannot say it is ended. Throws LaunchError. */
export async function hello(ssh: Ssh, begun: Begun, { waitFor, signal }: Waiting): Promise<SessionId> {
  const { name } = ssh.devbox;
  const [limit, over] = [AbortSignal.timeout(HELLO_WITHIN_MS), new AbortController()];
  const end = AbortSignal.any([limit, over.signal, ...(signal ? [signal] : [])]);
  try {
    return await Promise.race([waitFor(end), refused(ssh, begun, end)]);
  } catch (error) {
    const why = error instanceof LaunchError ? null : await lastWord(ssh, begun, tidying());
    await ssh.script(killScript(begun.pid), tidying()).catch(() => {});
    if (error instanceof LaunchError) throw error;
    if (signal?.aborted) throw stopped(name);
    throw limit.aborted ? unreached(name, why?.reason ?? "") : unasked(name, error);
  } finally {
    over.abort();
  }
}

/**
 * Rejects once its log says that the server does not let it in, or with whatever ends the waiting. A wrapper that was refused
 * dials again only after half a minute: nobody waits for that.
 */
async function refused(ssh: Ssh, begun: Begun, end: AbortSignal): Promise<never> {
  for (let wait = LOOK_MS; ; wait = Math.min(2 * wait, LONGEST_LOOK_MS)) {
    await Promise.race([Bun.sleep(wait), aborted(end)]);
    end.throwIfAborted();
    const said = await lastWord(ssh, begun, { signal: end });
    if (said?.refused !== undefined) throw notLetIn(ssh.devbox.name, said);
  }
}

const aborted = (end: AbortSignal) =>
  new Promise<void>((done) =>
    end.aborted ? done() : end.addEventListener("abort", () => done(), { once: true }),
  );

/** What that session's wrapper wrote down when it lost its link last, or was not let in. */
async function lastWord(
  ssh: Ssh,
  { session, log }: Begun,
  how: { signal: AbortSignal },
): Promise<Offline | null> {
  const script = `grep -F -- ${shellWord(`"session":"${session}","event":"offline"`)} ${shellWord(log)} | tail -n 1; exit 0`;
  const { out } = await ssh.script(script, how).catch(() => ({ out: "" }));
  try {
    return v.parse(offline, JSON.parse(out));
  } catch {
    return null; // Nothing yet, or half a line.
  }
}

/** By the code of the refusal, what mends it. */
const MENDS: Record<string, string> = {
  protocol: "Update claude-remote where it is older: on this machine, or where the server runs.",
  device: "Remove this devbox and add it again.",
  revoked: "Remove this devbox and add it again.",
  busy: "End sessions that nobody needs, or raise max_wrappers on the server.",
};

const notLetIn = (name: string, { reason, refused = "" }: Offline) =>
  new LaunchError(
    "server",
    `${name}: claude ran there, but the server does not let its wrapper in (${saidBy(reason)})`,
    MENDS[refused] ?? "Try again.",
  );

const unreached = (name: string, why: string) =>
  new LaunchError(
    "server",
    `${name}: claude ran there, but its wrapper did not reach this server (${saidBy(why) || "its log says nothing"})`,
    "See that the server runs and that its address leads there, then try again.",
  );

/** It was this machine that lost the server. */
const unasked = (name: string, error: unknown) =>
  new LaunchError(
    "server",
    `${name}: claude ran there, but the server could not be asked about it (${saidBy(error instanceof Error ? error.message : String(error))})`,
    "See that the server runs, and that this machine may operate it, then try again.",
  );
