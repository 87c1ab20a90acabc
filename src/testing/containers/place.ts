// Where the server of these tests runs: in a container, or, where no engine answers, under a container's conditions.

import { ended } from "../ended.ts";
import { freePort } from "../port.ts";

/** What the server's process may do, as the system says. */
export type Conditions = {
  uid: number;
  capabilities: string;
  noNewPrivileges: boolean;
  readOnlyRoot: boolean;
};

export interface Place extends AsyncDisposable {
  /** For people: which way this is. */
  readonly way: string;
  /** "http://127.0.0.1:<port>" */
  readonly url: string;
  /** Runs one of the server's commands where the server is, as its user; resolves with what it wrote to stdout. */
  command(...words: string[]): Promise<string>;
  conditions(): Promise<Conditions>;
  /** Kills the server as a power cut would, and resolves once it runs again. */
  killAndRestart(): Promise<void>;
  /** Ends it as `docker stop` does; resolves with its exit code. */
  stop(): Promise<number>;
  /** Bytes of memory that the server's process holds. */
  memory(): Promise<number>;
}

/** Runs a program to its end. Rejects with what it said if it failed. */
export async function output(
  command: string[],
  options: { env?: Record<string, string | undefined>; cwd?: string; input?: string } = {},
): Promise<string> {
  const { input = "", ...rest } = options;
  const child = Bun.spawn(command, { ...rest, stdin: new Blob([input]), stdout: "pipe", stderr: "pipe" });
  const { out, err, code } = await ended(child);
  if (code === 0) return out;
  throw new Error(`${command.join(" ")} ended with ${code}:\n${out}\n${err}`);
}

/** Of /proc/<pid>/status. */
export function conditionsIn(status: string): Omit<Conditions, "readOnlyRoot"> {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "";
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(field);
  return {
    uid: Number(field("Uid")),
    capabilities: sets.every((set) => /^0+$/.test(set)) ? "none" : sets.join(" "),
    noNewPrivileges: field("NoNewPrivs") === "1",
  };
}

export const memoryIn = (status: string) => Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;

/** The wanted port, or where that is taken a free one. */
export function port(first: number): number {
  try {
    Bun.listen({ port: first, hostname: "127.0.0.1", socket: { data() {} } }).stop(true);
    return first;
  } catch {
    return freePort();
  }
}

/** How often a server that starts is asked. */
const LOOK_MS = 20;

/** A start takes a tenth of a second; a busy machine more. */
const START_MS = 60_000;

/** Resolves once the server answers; rejects after a minute. */
export async function answers(url: string): Promise<void> {
  const end = performance.now() + START_MS;
  const ok = () =>
    fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await ok())) {
    if (performance.now() > end) throw new Error(`nothing answers at ${url}`);
    await Bun.sleep(LOOK_MS);
  }
}
