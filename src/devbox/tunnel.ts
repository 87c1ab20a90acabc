// The way back from a devbox to this server: a socket there that leads here, kept open by a process of its own for as long
// as a session runs there.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { ourselves } from "../command.ts";
import type { DeviceId } from "../protocol.ts";
import { alive, bornAt } from "../wrapper/birth.ts";
import { devboxSchema, type SshDevbox, type SshSetup } from "./devbox.ts";
import { lineOf } from "./lines.ts";
import { DEVBOX_DATA, hostedFolder } from "./order.ts";
import { Ssh, shellWord, stopped } from "./ssh.ts";
import { FAILURES, LaunchError, type LaunchFailure, saidBy } from "./ssh-errors.ts";

/** A way that is asked for is there by then, or it never comes. */
const UP_WITHIN_MS = 60_000;
/** A connection attempt of a lost tunnel: soon given up, for the next one is near. */
const CONNECT_SECONDS = 4;
/** Waits between attempts, ms, by how long the connection has been lost: at first often, since somebody may be watching. */
const WAITS: { lostMs: number; waitMs: number }[] = [
  { lostMs: 5_000, waitMs: 250 },
  { lostMs: 10 * 60_000, waitMs: 1_000 },
  { lostMs: 60 * 60_000, waitMs: 5_000 },
  { lostMs: Number.POSITIVE_INFINITY, waitMs: 30_000 },
];
/** sshd bans whoever is refused often; what was let in before and is not now needs a person anyway. */
const REFUSED_WAIT_MS = 15 * 60_000;
const REFUSED: ReadonlySet<LaunchFailure> = new Set([
  ...([
    "auth",
    "too_many_keys",
    "key_file",
    "host_key_unknown",
    "host_key_changed",
    "host_key_revoked",
  ] as const),
]);
/** A wall clock that runs ahead of the steady one: the machine slept, and the network may be another. */
const SLEPT_MS = 30_000;

export type TunnelOrder = {
  devbox: SshDevbox;
  setup: Pick<SshSetup, "run" | "folder">;
  device: DeviceId;
  /** The server's socket for wrappers, here. */
  socket: string;
  /** This server's data folder. */
  data: string;
  /** It was open before: the first attempt may fail like any other. */
  again?: boolean | undefined;
};

export const tunnelOrder = v.object({
  devbox: v.pipe(
    devboxSchema,
    v.check((devbox) => devbox.kind === "ssh"),
    v.transform((devbox) => devbox as SshDevbox),
  ),
  setup: v.object({ run: v.string(), folder: v.nullable(v.string()) }),
  device: v.pipe(
    v.string(),
    v.transform((id) => id as DeviceId),
  ),
  socket: v.string(),
  data: v.string(),
  again: v.optional(v.boolean()),
});
const record = v.object({ pid: v.number(), born: v.string(), order: tunnelOrder });

export type TunnelReply = { up: true } | { error: { class: string; message: string; next: string } };

const folderIn = (data: string) => join(data, "tunnels");
const fileOf = ({ data, device }: Pick<TunnelOrder, "data" | "device">) =>
  join(folderIn(data), `${device}.json`);

/** Whether a process keeps that way open, or opens it again. */
export function tunnelRuns(at: Pick<TunnelOrder, "data" | "device">): boolean {
  const known = read(fileOf(at));
  return known !== null && alive(known.pid, known.born);
}

/**
 * Sees that there is a way back, opening one if there is none. Throws LaunchError. `signal` ends the waiting for it; it
 * goes by itself then, since nothing there needs it.
 */
export async function openTunnel(order: TunnelOrder, signal?: AbortSignal): Promise<void> {
  if (tunnelRuns(order)) return;
  const child = startTunnel(order);
  const late = setTimeout(() => child.kill(), UP_WITHIN_MS);
  const left = Promise.withResolvers<null>();
  signal?.addEventListener("abort", () => left.resolve(null), { once: true });
  const line = await Promise.race([lineOf(child.stdout), left.promise]);
  clearTimeout(late);
  child.unref();
  if (signal?.aborted) throw stopped(order.devbox.name);
  const reply = (line ? JSON.parse(line) : null) as TunnelReply | null;
  if (reply && "up" in reply) return;
  const { class: failure = "tunnel", message, next } = reply?.error ?? {};
  throw new LaunchError(
    FAILURES.find((one) => one === failure) ?? "tunnel",
    message ?? `${order.devbox.name}: the way back to this server did not open in time`,
    next ?? "Try again.",
  );
}

/** Opens again what a restart of this machine ended, without waiting for it. */
export function restoreTunnels(data: string): void {
  for (const name of namesIn(folderIn(data))) {
    const known = read(join(folderIn(data), name));
    if (known && !alive(known.pid, known.born)) startTunnel({ ...known.order, again: true }).unref();
  }
}

/** Ends the way back; what runs there goes on, and is out of reach. */
export function endTunnel(at: Pick<TunnelOrder, "data" | "device">): void {
  const known = read(fileOf(at));
  rmSync(fileOf(at), { force: true });
  if (known && alive(known.pid, known.born)) process.kill(known.pid, "SIGTERM");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return []; // There is none yet.
  }
}

function read(file: string): v.InferOutput<typeof record> | null {
  try {
    return v.parse(record, JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

/** Of our environment, what says where files are, and where the keys are that ssh may use. */
const CARRIED = /^(HOME|PATH|USER|LOGNAME|LANG|TMPDIR|XDG_\w+|SSH_AUTH_SOCK|CLAUDE_REMOTE_\w+)$/;

function startTunnel(order: TunnelOrder) {
  const env = Object.entries(process.env).filter(([name]) => CARRIED.test(name));
  const child = Bun.spawn([...ourselves(), "tunnel"], {
    ...{ cwd: "/", env: Object.fromEntries(env), detached: true },
    ...{ stdin: "pipe", stdout: "pipe", stderr: "ignore" },
  });
  child.stdin.write(`${JSON.stringify(order)}\n`);
  child.stdin.end();
  return child;
}

/**
 * Keeps one way open until no session is left there, or `signal` ends it. `say`: how the first attempt went. Resolves with
 * the exit code, its connection closed.
 */
export async function keepTunnel(
  order: TunnelOrder,
  say: (reply: TunnelReply) => void,
  signal: AbortSignal,
): Promise<number> {
  if (!claim(order)) {
    say({ up: true });
    return 0;
  }
  const mine = () => read(fileOf(order))?.pid === process.pid;
  try {
    return await kept(order, say, () => mine() && !signal.aborted, signal);
  } finally {
    // Ended from outside: the next start of the server opens it again.
    if (mine() && !signal.aborted) rmSync(fileOf(order), { force: true });
  }
}

/** One process for each devbox: false where another one is at it. */
function claim(order: TunnelOrder): boolean {
  if (tunnelRuns(order)) return false;
  mkdirSync(folderIn(order.data), { recursive: true, mode: 0o700 });
  const file = fileOf(order);
  const text = JSON.stringify({ pid: process.pid, born: bornAt(process.pid), order });
  writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  return true;
}

async function kept(
  order: TunnelOrder,
  say: (reply: TunnelReply) => void,
  goesOn: () => boolean,
  signal: AbortSignal,
): Promise<number> {
  let told = order.again === true;
  let lost = { wall: Date.now(), steady: performance.now() };
  while (goesOn()) {
    try {
      await using ssh = await Ssh.open(order.devbox, {
        ...order.setup,
        ask: false,
        connectSeconds: CONNECT_SECONDS,
      });
      await openWay(ssh, order);
      if (!told) say({ up: true });
      told = true;
      if (await unneeded(ssh, order, signal)) return 0;
      lost = { wall: Date.now(), steady: performance.now() };
      await pause(waitAfter(lost), signal);
    } catch (error) {
      if (!told) {
        say({ error: toldOf(error) });
        return 1;
      }
      const refused = error instanceof LaunchError && REFUSED.has(error.class);
      await pause(refused ? REFUSED_WAIT_MS : waitAfter(lost), signal);
    }
    const slept = Date.now() - lost.wall - (performance.now() - lost.steady) > SLEPT_MS;
    if (slept) lost = { wall: Date.now(), steady: performance.now() };
  }
  return 0;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(ended.resolve, signal.aborted ? 0 : ms);
  signal.addEventListener("abort", () => ended.resolve(), { once: true });
  await ended.promise;
  clearTimeout(timer);
}

function waitAfter({ steady }: { steady: number }): number {
  const lostMs = performance.now() - steady;
  return WAITS.find((one) => lostMs < one.lostMs)?.waitMs ?? 0;
}

function toldOf(error: unknown): Extract<TunnelReply, { error: object }>["error"] {
  if (error instanceof LaunchError) return { class: error.class, message: error.message, next: error.next };
  return {
    class: "tunnel",
    message: error instanceof Error ? error.message : String(error),
    next: "Try again.",
  };
}

const enter = (device: DeviceId) => `
umask 077
d=$HOME/${DEVBOX_DATA}/${hostedFolder(device)}
mkdir -p -- "$d" && cd -- "$d" || exit 1`;

/** A socket's path ends at 107 bytes: where the home is too deep, it stands in a private folder of /tmp. */
const SOCKET_PATH = (device: DeviceId) => `
s=$d/s
if [ \${#s} -gt 100 ]; then
  t=/tmp/claude-remote-$(id -u)
  mkdir -m 700 -- "$t" 2>/dev/null
  [ -d "$t" ] && [ -O "$t" ] && [ ! -L "$t" ] || { echo "$t is not a folder of that user" >&2; exit 1; }
  s=$t/${hostedFolder(device).slice(-12)}
fi`;

/** A unix socket there, which only that user may enter; where sshd allows none, a port of that machine alone. */
async function openWay(ssh: Ssh, { device, socket }: TunnelOrder): Promise<void> {
  const start = enter(device) + SOCKET_PATH(device);
  const made = await ssh.script(`${start}\nrm -f -- "$s" && printf %s "$s"`);
  if (made.code !== 0)
    throw new LaunchError(
      "forbidden",
      `${ssh.devbox.name}: our folder there cannot be used (${saidBy(made.err)})`,
      "See that this user may write in its home.",
    );
  const path = made.out;
  const address = await ssh.forward(path, socket).then(
    () => path,
    async () => `127.0.0.1:${/\d+/.exec(await ssh.forward("127.0.0.1:0", socket))?.[0] ?? ""}`,
  );
  const noted = `${enter(device)}\nprintf '%s\\n' ${shellWord(address)} >address.new && mv -f address.new address`;
  await ssh.script(noted);
}

/**
 * Runs there until no wrapper of ours does, and cleans up. A launch that is on its way counts (`launching.*`, for two
 * minutes). Where a newer tunnel has taken over, or our own sshd is gone, this one is over, and cleans nothing up.
 */
const watchScript = (device: DeviceId, generation: string) => `${enter(device)}${SOCKET_PATH(device)}
g=${generation}
parent() {
  if [ -r "/proc/$$/stat" ]; then sed 's/.*) [A-Za-z] \\([0-9]*\\) .*/\\1/' "/proc/$$/stat"; else ps -o ppid= -p $$ | tr -d ' '; fi
}
printf '%s\\n' "$g" >tunnel
while :; do
  [ "$(cat tunnel 2>/dev/null)" = "$g" ] && [ "$(parent)" = "$PPID" ] || exit 8
  needed=
  for f in *.pid; do
    [ -f "$f" ] && read -r pid <"$f" || continue
    if kill -0 "$pid" 2>/dev/null && { [ ! -r "/proc/$pid/cmdline" ] || grep -q hosted "/proc/$pid/cmdline"; }
    then needed=1
    else rm -f -- "$f"
    fi
  done
  [ -n "$(find . -name 'launching.*' -mmin -2 2>/dev/null)" ] && needed=1
  [ "$needed" ] || break
  sleep 2
done
rm -f -- "$s" address tunnel launching.*
rmdir runs 2>/dev/null
cd .. && rmdir -- "$d" 2>/dev/null && rmdir ../hosted 2>/dev/null
exit 0`;

/** True once nothing there needs a way back; throws when the connection is lost. */
async function unneeded(ssh: Ssh, { device }: TunnelOrder, signal: AbortSignal): Promise<boolean> {
  const ended = new AbortController();
  const either = AbortSignal.any([ended.signal, signal]);
  const watch = ssh.script(watchScript(device, crypto.randomUUID()), { signal: either });
  const gone = ssh.closed.then(() => null);
  const result = await Promise.race([watch, gone]);
  if (result) return result.code === 0;
  ended.abort();
  await watch.catch(() => {});
  return false;
}
