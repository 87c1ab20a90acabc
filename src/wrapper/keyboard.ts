// Whether a program takes keys as they are, by the terminal that it has.
import { closeSync, constants, openSync } from "node:fs";
import { isRaw, terminalSettings } from "./libc.ts";

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Whether the terminal on a program's stdin is raw; null where the system does not tell (macOS), or the program is gone. */
export function takesKeys(pid: number): boolean | null {
  try {
    const tty = openSync(`/proc/${pid}/fd/0`, FLAGS);
    const settings = terminalSettings(tty);
    closeSync(tty);
    return settings && isRaw(settings);
  } catch {
    return null;
  }
}
