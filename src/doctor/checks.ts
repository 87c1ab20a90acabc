// `claude-remote doctor`: what can be wrong on this machine, each looked at for itself, with the one thing to do next.
import type { Config } from "../config.ts";
import { claudeCheck, ptyCheck } from "./checks-claude.ts";
import { clockCheck, databaseCheck, diskCheck, modesCheck, networkDiskCheck } from "./checks-files.ts";
import { logoutCheck, phonesCheck, publicUrlCheck, pushCheck, serverCheck } from "./checks-server.ts";
import { hooksCheck, rsyncCheck, serviceCheck, sshCheck } from "./checks-tools.ts";
import type { Found } from "./found.ts";

export type Checked = Found & { check: string };
export type Check = (config: Config) => Found | Promise<Found>;

/** In the order in which they are shown: what others need first. */
export const CHECKS: Record<string, Check> = {
  claude: claudeCheck,
  terminal: ptyCheck,
  "network disk": networkDiskCheck,
  "free space": diskCheck,
  "file modes": modesCheck,
  database: databaseCheck,
  clock: clockCheck,
  server: serverCheck,
  "public url": publicUrlCheck,
  notifications: pushCheck,
  phones: phonesCheck,
  hooks: hooksCheck,
  service: serviceCheck,
  logout: logoutCheck,
  ssh: sshCheck,
  rsync: rsyncCheck,
};

/** Looks at everything. A check that cannot be made has failed. */
export async function checkAll(config: Config, checks: Record<string, Check> = CHECKS): Promise<Checked[]> {
  const all = Object.entries(checks).map(async ([check, look]): Promise<Checked> => {
    try {
      return { check, ...(await look(config)) };
    } catch (error) {
      const reason = `it cannot be looked at: ${error instanceof Error ? error.message : error}`;
      return { check, status: "fail", reason, next: null };
    }
  });
  return Promise.all(all);
}

/** False: something does not work. */
export const healthy = (checked: readonly Checked[]) => checked.every(({ status }) => status !== "fail");

/** A line for each, and below it what to do. */
export function checksText(checked: readonly Checked[]): string {
  const width = Math.max(...checked.map(({ check }) => check.length));
  const lines = checked.flatMap(({ check, status, reason, next }) => [
    `${status.padEnd(5)} ${check.padEnd(width)}  ${printable(reason)}`,
    ...(next === null ? [] : [`${" ".repeat(width + 8)}→ ${printable(next)}`]),
  ]);
  return lines.join("\n");
}

/** Paths and answers come from outside: no control character of theirs reaches the terminal. */
const printable = (text: string) => text.replace(/\p{C}/gu, "?");
