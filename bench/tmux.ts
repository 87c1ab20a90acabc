// tmux as something to compare with: it too stands between a program and a terminal.
import { join } from "node:path";
import type { Rig } from "./rig.ts";

export const hasTmux = Bun.which("tmux") !== null;

/** The words that run `program` in a tmux of its own, without a status line. */
export async function tmux(rig: Rig, program: string): Promise<{ command: string[]; end: () => void }> {
  const socket = join(rig.folder, "tmux.sock");
  const config = join(rig.folder, "tmux.conf");
  await Bun.write(config, "set -g status off\nset -sg escape-time 0\n");
  return {
    command: ["tmux", "-S", socket, "-f", config, "new-session", program],
    end: () => void Bun.spawnSync(["tmux", "-S", socket, "kill-server"], { stderr: "ignore" }),
  };
}
