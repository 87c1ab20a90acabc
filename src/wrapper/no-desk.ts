// In place of a desk where nobody sits before this claude: a size, and what we are sent as signals.
import type { DeskOptions, Front } from "./desk.ts";

/** What a wrapper is sent that is meant for the program it wraps. SIGHUP says nothing here: no terminal can close. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

/** A front without a terminal, of that size until somebody attaches. */
export function noDesk(size: { cols: number; rows: number }, onSignal: DeskOptions["onSignal"]): Front {
  const listeners = [
    ["SIGHUP", () => {}] as const,
    ...FORWARDED.map((signal) => [signal, () => onSignal?.(signal)] as const),
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    raw() {},
    restore() {},
    write() {},
    size: () => size,
    suspend: async () => {},
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners.splice(0)) process.off(signal, listener);
    },
  };
}
