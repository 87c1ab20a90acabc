// A launch: from a devbox to a session that runs there, step by step.
import * as v from "valibot";
import { ourselves } from "../command.ts";
import type { ConversationId, DeviceId, SessionId } from "../protocol.ts";
import { VERSION } from "../version.ts";
import { addressFor, type Elsewhere, type Enrolled, keepingOpen, wordsOf } from "./address.ts";
import { putBinary } from "./binary.ts";
import type { Connections } from "./connections.ts";
import { type Devbox, devboxSchema } from "./devbox.ts";
import { examine } from "./examine.ts";
import { hello } from "./hello.ts";
import type { PermissionMode } from "./modes.ts";
import { asciiJson, DEVBOX_DATA, hostedFolder, type Order, type Reply, wishes } from "./order.ts";
import { type ScriptResult, shellWord } from "./script.ts";
import { type Ssh, stopped } from "./ssh.ts";
import { LaunchError, saidBy } from "./ssh-errors.ts";

export { PERMISSION_MODES, type PermissionMode } from "./modes.ts";

/** Made by whoever launches, once per launch; the wrapper says it in its session statement (`launch`). */
export type LaunchId = string;

export type LaunchRequest = {
  devbox: Devbox;
  /** Where claude starts; null: the devbox's own folder. */
  dir: string | null;
  /** claude's arguments as somebody typed them at a terminal. Never from a phone: what a phone says is `prompt`, text. */
  args: string[];
  /** Typed into claude once it is idle. */
  prompt: string | null;
  mode: PermissionMode | null;
  resume: ConversationId | null;
  /** The terminal that will attach to it; 80 by 24 if not given. */
  size?: { cols: number; rows: number };
};

/** `percent`, of copying: how much of our binary is there. `note`: what whoever launches should know of the way back. */
export type LaunchStep = {
  step: "connecting" | "checking" | "copying" | "tunnel" | "starting";
  percent?: number;
  note?: string;
};

/**
 * What a launch needs of the server. In the server's own process the annex gives it; a command asks the owner's socket:
 * `POST /devboxes/:name/enrol` → Enrolled, and `GET /launches/:launch` → `{session: SessionId | null}`, again and again.
 */
export type LaunchContext = {
  /** The device of that devbox, made if there is none; the same one each time. */
  enrol(devbox: Devbox): Promise<Enrolled>;
  /** Resolves when the wrapper of that launch has stated its session. `signal` ends the waiting. */
  waitFor(launch: LaunchId, signal: AbortSignal): Promise<SessionId>;
  /** Connections to devboxes, which this launch shares with others. */
  connections: Connections;
  /** Where a way back leads: this server's socket for wrappers (`<data>/server.sock`), or the server that is elsewhere. */
  socket: string | Elsewhere;
  /** The data folder, where tunnels are written down. */
  data: string;
  /** Where our binaries for other platforms are, besides the folder of our own. */
  binaries?: string | undefined;
  /** The id of this launch, if somebody has to know it before; made if not given. */
  launch?: LaunchId;
  /** Ends the launch. */
  signal?: AbortSignal;
};

/** A login shell's start-up files, and claude's. */
const BEGINS_WITHIN_MS = 90_000;
/** Somebody called it off: a line that is still there has the wrapper's answer by then. */
const ENDED_WITHIN_MS = 15_000;
/** What is left to do there at the end of a launch takes a moment; of a devbox that hangs nobody waits for it. */
const TIDIED_WITHIN_MS = 10_000;
const tidying = () => ({ signal: AbortSignal.timeout(TIDIED_WITHIN_MS) });
const USUAL_SIZE = { cols: 80, rows: 24 };

const wished = v.object({ ...wishes, devbox: devboxSchema });

/**
 * Starts a session on that devbox, and resolves when it is there. Throws LaunchError; then nothing is left there but our
 * binary. The session goes on whatever becomes of the connection.
 */
export async function launch(
  request: LaunchRequest,
  context: LaunchContext,
  onStep: (step: LaunchStep) => void,
): Promise<{ session: SessionId }> {
  const { devbox } = checked(request);
  onStep({ step: "connecting" });
  const ssh = await context.connections.get(devbox, context.signal);
  const { program, claude } = await prepared(ssh, context, onStep);
  const enrolled = await context.enrol(devbox);
  const id = context.launch ?? Bun.randomUUIDv7();
  const order = { ...orderOf(request, enrolled, id), claude };
  try {
    const way = { ssh, program, enrolled, id, context };
    const address = await addressFor(way, (note) => onStep({ step: "tunnel", ...(note ? { note } : {}) }));
    onStep({ step: "starting" });
    const begun = await begin(ssh, program, { ...order, address }, context.signal);
    const enough = keepingOpen(way, address);
    const { signal } = context;
    const waitFor = (end: AbortSignal) => context.waitFor(id, end);
    return { session: await hello(ssh, begun, { waitFor, signal }).finally(enough) };
  } finally {
    if (devbox.kind === "ssh") await settled(ssh, enrolled.device, id);
  }
}

/** Whatever is on no list of ours is refused before any program is started (SEC-058 to SEC-064). */
function checked(request: LaunchRequest): Pick<LaunchRequest, "devbox"> {
  const parsed = v.safeParse(wished, request);
  if (parsed.success) return { devbox: parsed.output.devbox };
  const [{ message, path }] = parsed.issues;
  const field = path?.map(({ key }) => String(key)).join(".") ?? "launch";
  throw new LaunchError("failed", `${field} ${message}`, "Name it differently.");
}

function orderOf(
  request: LaunchRequest,
  { device, secret }: Enrolled,
  id: LaunchId,
): Omit<Order, "address" | "claude"> {
  const { args, prompt, mode, resume, size = USUAL_SIZE } = request;
  const dir = request.dir ?? request.devbox.dir;
  return { launch: id, device, secret, dir, args, prompt, mode, resume, size };
}

/** Our own program there, and the claude that a login finds. Of the machine itself, both are found when they start. */
async function prepared(ssh: Ssh, { signal, binaries }: LaunchContext, onStep: (step: LaunchStep) => void) {
  if (ssh.devbox.kind === "local") return { program: ourselves(), claude: null };
  onStep({ step: "checking" });
  const there = await examine(ssh, VERSION, signal);
  const onPercent = (percent: number) => onStep({ step: "copying", percent });
  const path = await putBinary(ssh, there, binaries, onPercent, signal);
  return { program: [path], claude: there.claude };
}

/**
 * Starts the wrapper; resolves when its claude runs. What is called off meanwhile is waited for: only whose process is
 * known can be ended.
 */
async function begin(ssh: Ssh, program: readonly string[], order: Order, signal: AbortSignal | undefined) {
  const { name } = ssh.devbox;
  if (signal?.aborted) throw stopped(name);
  const given = new AbortController();
  const limit = setTimeout(() => given.abort(), BEGINS_WITHIN_MS);
  const sooner = () => setTimeout(() => given.abort(), ENDED_WITHIN_MS).unref();
  signal?.addEventListener("abort", sooner, { once: true });
  const ended = await ssh
    .script(`${wordsOf(program)} hosted`, { stdin: `${asciiJson(order)}\n`, signal: given.signal })
    .catch((error) => {
      throw given.signal.aborted && !signal?.aborted ? notBegun(name) : error;
    })
    .finally(() => {
      clearTimeout(limit);
      signal?.removeEventListener("abort", sooner);
    });
  const reply = replyIn(ended.out);
  if (reply && "pid" in reply) return reply;
  if (!reply) throw notRun(name, ended);
  const next = {
    no_dir: "Name a folder that is there, and that this user may enter.",
    claude_missing: "Install it there.",
    failed: "Try again.",
  };
  const { class: failure, message } = reply.error;
  throw new LaunchError(failure, `${name}: ${saidBy(message)}`, next[failure]);
}

const notBegun = (name: string) =>
  new LaunchError(
    "failed",
    `${name}: claude did not begin there within ${BEGINS_WITHIN_MS / 1_000} s`,
    "Log in there and start claude: what keeps it waiting shows there. Then try again.",
  );

/** Why our own program said nothing there: the shell's word, where it does not run at all. */
function notRun(name: string, { err, out }: Pick<ScriptResult, "err" | "out">): LaunchError {
  const said = saidBy(`${err} ${out}`);
  if (/Exec format error|cannot execute|GLIBC|symbol not found|loading shared lib|: not found/i.test(said))
    return new LaunchError(
      "platform",
      `${name}: our program does not run there (${said})`,
      "It is built for Linux and macOS on x64 and arm64, with glibc 2.17 or musl and libstdc++: see what is missing there.",
    );
  if (/Permission denied/i.test(said))
    return new LaunchError(
      "forbidden",
      `${name}: our program may not be run there (${said})`,
      "See that the file system of ~/.local/share is not mounted noexec.",
    );
  return new LaunchError("failed", `${name}: ${said || "the wrapper did not start"}`, "Try again.");
}

function replyIn(out: string): Reply | null {
  const line = out.split("\n").findLast((one) => one.startsWith("{"));
  try {
    return line ? (JSON.parse(line) as Reply) : null;
  } catch {
    return null;
  }
}

/** From now on the wrapper itself says that a way back is needed, or nothing does. */
async function settled(ssh: Ssh, device: DeviceId, id: LaunchId): Promise<void> {
  const folder = `"$HOME"/${DEVBOX_DATA}/${hostedFolder(device)}`;
  const empty = `rmdir -- ${folder} "$HOME"/${DEVBOX_DATA}/hosted 2>/dev/null`; // Unless something needs them.
  const script = `rm -f -- ${folder}/${shellWord(`launching.${id}`)}; ${empty}; exit 0`;
  await ssh.script(script, tidying()).catch(() => {}); // It counts for two minutes at most.
}
