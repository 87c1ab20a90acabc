// Ways back from devboxes, each kept open by a process of its own for as long as a session runs there: begun, looked for and
// ended from here.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { ourselves } from "../command.ts";
import type { DeviceId } from "../protocol.ts";
import { alive, bornAt } from "../wrapper/birth.ts";
import { devboxSchema, type SshDevbox, type SshSetup } from "./devbox.ts";
import { lineOf } from "./lines.ts";
import { stopped } from "./ssh.ts";
import { FAILURES, LaunchError } from "./ssh-errors.ts";

/** A way that is asked for is there by then, or it never comes. */
const UP_WITHIN_MS = 60_000;

export type TunnelOrder = {
  devbox: SshDevbox;
  setup: Pick<SshSetup, "run" | "folder">;
  device: DeviceId;
  /** Where it leads: the server's socket for wrappers, here; or the address at which this machine reaches one elsewhere. */
  to: string;
  /** This machine, among all those that keep ways to that server open: one that joined it has an id there. Null: the server's. */
  by: DeviceId | null;
  /** The data folder here. */
  data: string;
  /** It was open before: the first attempt may fail like any other. */
  again?: boolean | undefined;
};

const device = v.pipe(
  v.string(),
  v.transform((id) => id as DeviceId),
);
export const tunnelOrder = v.object({
  devbox: v.pipe(
    devboxSchema,
    v.check((devbox) => devbox.kind === "ssh"),
    v.transform((devbox) => devbox as SshDevbox),
  ),
  setup: v.object({ run: v.string(), folder: v.nullable(v.string()) }),
  device,
  to: v.string(),
  by: v.nullable(device),
  data: v.string(),
  again: v.optional(v.boolean()),
});
const record = v.object({ pid: v.number(), born: v.string(), order: tunnelOrder });

export type TunnelReply = { up: true } | { error: { class: string; message: string; next: string } };

const folderIn = (data: string) => join(data, "tunnels");
const fileOf = ({ data, device }: Pick<TunnelOrder, "data" | "device">) =>
  join(folderIn(data), `${device}.json`);

/** Somebody wanted that way, and nobody has ended it since. */
export const isKnown = (at: Pick<TunnelOrder, "data" | "device">) => recordOf(at) !== null;

const recordOf = (at: Pick<TunnelOrder, "data" | "device">) => read(fileOf(at));

/** Whether a process keeps that way open, or opens it again. */
export function tunnelRuns(at: Pick<TunnelOrder, "data" | "device">): boolean {
  const known = recordOf(at);
  return known !== null && alive(known.pid, known.born);
}

/** The way back of that device, or of the devbox of that name. `data`: the data folder here. */
type Of = { data: string } & ({ device: DeviceId } | { name: string });

/** Its machine was seen to answer, or somebody asks for it: a way that is lost is tried again at once. */
export function hurryTunnel(of: Of): void {
  for (const one of recordsOf(of)) tell(one, "SIGCONT"); // Whoever does not listen for this takes no harm from it.
}

function tell({ pid, born }: { pid: number; born: string }, signal: NodeJS.Signals) {
  try {
    if (alive(pid, born)) process.kill(pid, signal);
  } catch {
    // It ended in that moment.
  }
}

const agentFile = ({ data, device }: Pick<TunnelOrder, "data" | "device">) =>
  join(folderIn(data), `${device}.agent`);

/**
 * Has that way ask the agent from now on with which this process has just logged in there. One that was forwarded, or begun by
 * a login, ends with it; what keeps the way goes on.
 */
export function lendAgent(at: Pick<TunnelOrder, "data" | "device">): void {
  const { SSH_AUTH_SOCK: agent } = process.env;
  if (!agent) return;
  mkdirSync(folderIn(at.data), { recursive: true, mode: 0o700 });
  writeFileSync(`${agentFile(at)}.${process.pid}`, agent, { mode: 0o600 });
  renameSync(`${agentFile(at)}.${process.pid}`, agentFile(at));
}

/** The socket of the agent that was lent last; null where it is gone, as after a restart of this machine. */
export function agentOf(at: Pick<TunnelOrder, "data" | "device">): string | null {
  try {
    const socket = readFileSync(agentFile(at), "utf8");
    return existsSync(socket) ? socket : null;
  } catch {
    return null;
  }
}

/**
 * Sees that there is a way back, opening one if there is none. Throws LaunchError. `signal` ends the waiting for it; it
 * goes by itself then, since nothing there needs it.
 */
export async function openTunnel(order: TunnelOrder, signal?: AbortSignal): Promise<void> {
  if (tunnelRuns(order)) return;
  const child = startTunnel(order);
  const late = setTimeout(() => endGroup(child.pid), UP_WITHIN_MS);
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

/** Opens again what a restart of this machine ended, or what somebody killed, without waiting for it. */
export function restoreTunnels(data: string): void {
  for (const { pid, born, order } of recordsIn(data))
    if (!alive(pid, born)) startTunnel({ ...order, again: true }).unref();
}

/** It, and what watches over it. */
function endGroup(group: number) {
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // Both have ended.
  }
}

/** Ends that way back; what runs there goes on, and is out of reach. */
export function endTunnel(of: Of): void {
  for (const one of recordsOf(of)) {
    forget(one.order);
    tell(one, "SIGTERM");
  }
}

const recordsOf = (of: Of) =>
  recordsIn(of.data).filter(({ order }) =>
    "device" in of ? order.device === of.device : order.devbox.name === of.name,
  );

const recordsIn = (data: string) =>
  namesIn(folderIn(data)).flatMap((name) => read(join(folderIn(data), name)) ?? []);

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

/** Of our environment, what says where files are, where the keys are that ssh may use, and whose certificates count. */
const CARRIED =
  /^(HOME|PATH|USER|LOGNAME|LANG|TMPDIR|XDG_\w+|SSH_AUTH_SOCK|NODE_EXTRA_CA_CERTS|CLAUDE_REMOTE_\w+)$/;

/** Starts it again should it be killed: on a laptop nothing else may run that would notice. What ends by itself is over. */
const GUARD = `IFS= read -r first; IFS= read -r again
printf '%s\\n' "$first" | "$@"
while [ $? -gt 128 ]; do sleep 2; printf '%s\\n' "$again" | "$@"; done`;

function startTunnel(order: TunnelOrder) {
  const env = Object.entries(process.env).filter(([name]) => CARRIED.test(name));
  const child = Bun.spawn(["/bin/sh", "-c", GUARD, "sh", ...ourselves(), "tunnel"], {
    ...{ cwd: "/", env: Object.fromEntries(env), detached: true },
    ...{ stdin: "pipe", stdout: "pipe", stderr: "ignore" },
  });
  for (const one of [order, { ...order, again: true }]) child.stdin.write(`${JSON.stringify(one)}\n`);
  child.stdin.end();
  return child;
}

/** Writes down that this process keeps it: one for each devbox. False where another one is at it. */
export function claim(order: TunnelOrder): boolean {
  if (tunnelRuns(order)) return false;
  mkdirSync(folderIn(order.data), { recursive: true, mode: 0o700 });
  const file = fileOf(order);
  const text = JSON.stringify({ pid: process.pid, born: bornAt(process.pid), order });
  writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  return true;
}

/** Whether it is still this process that keeps it. */
export const isOurs = (order: TunnelOrder) => recordOf(order)?.pid === process.pid;

/** It is over. */
export function forget(order: TunnelOrder): void {
  for (const file of [fileOf(order), agentFile(order)]) rmSync(file, { force: true });
}
