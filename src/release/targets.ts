// The platforms of a release, the names of their files, and the sums by which a copy is known to be whole.
import { createHash } from "node:crypto";

/** Bun's name of each. `baseline` runs on every x64 processor, also on those of before 2013 and in emulators. */
export const TARGETS: Readonly<Record<string, string>> = {
  "linux-x64": "bun-linux-x64-baseline",
  "linux-arm64": "bun-linux-arm64",
  "linux-x64-musl": "bun-linux-x64-musl-baseline",
  "linux-arm64-musl": "bun-linux-arm64-musl",
  "darwin-x64": "bun-darwin-x64-baseline",
  "darwin-arm64": "bun-darwin-arm64",
};

/** As a devbox of that platform is given it. */
export const fileOf = (platform: string) => `claude-remote-${platform}`;

/** As `sha256sum -c` reads them. */
export function sums(files: Readonly<Record<string, Uint8Array>>): string {
  const lines = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`);
  return lines.join("");
}
