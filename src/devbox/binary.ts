// Our own program for a devbox: ourselves where it runs what we run, else a file of that platform.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { executable, ourselves } from "../command.ts";
import { VERSION } from "../version.ts";
import { binaryName, type Examined } from "./examine.ts";
import type { Ssh } from "./ssh.ts";
import { LaunchError } from "./ssh-errors.ts";

/** Who may run it, and nobody else read it. */
const MODE = 0o700;

/** The platform that runs here, as our binaries are named. */
export function ownPlatform(): string {
  // What runs us, not what is installed beside it.
  const musl = process.platform === "linux" && readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-");
  return `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
}

/** The file of ours that runs on that platform, or null. `folder`: where the files of other platforms are. */
function binaryFor(platform: string, folder: string | undefined): string | null {
  const compiled = ourselves().length === 1;
  const beside = compiled ? dirname(executable()) : join(import.meta.dir, "..", "..", "dist");
  const own = platform === ownPlatform() ? [compiled ? executable() : join(beside, "claude-remote")] : [];
  const named = [folder, beside].flatMap((at) => (at ? [join(at, `claude-remote-${platform}`)] : []));
  return [...own, ...named].find((file) => existsSync(file)) ?? null;
}

/**
 * Sees that this version of ours is on the devbox, and says where. One of another size is replaced, also while it runs.
 * Throws LaunchError: no_binary, disk_full, forbidden.
 */
export async function putBinary(
  ssh: Ssh,
  there: Pick<Examined, "platform" | "home" | "size">,
  folder: string | undefined,
  onPercent: (percent: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const path = `${there.home}/${binaryName(VERSION)}`;
  const file = binaryFor(there.platform, folder);
  if (!file && there.size !== null) return path;
  if (!file)
    throw new LaunchError(
      "no_binary",
      `${ssh.devbox.name}: it is ${there.platform}, and there is no claude-remote for it here`,
      `Put claude-remote-${there.platform} beside ${executable()}, or name its folder with CLAUDE_REMOTE_BINARIES.`,
    );
  const { size } = Bun.file(file);
  if (size === there.size) return path;
  onPercent(0);
  const progress = (bytes: number) => onPercent(Math.floor((100 * bytes) / size));
  await ssh.copy(file, path, MODE, progress, signal);
  return path;
}
