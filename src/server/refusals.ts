// Who was not let in, as the audit has it.
import { sparing, tried } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { RefusedDevice } from "./connection.ts";
import { LIMITS } from "./limits.ts";
import type { Note } from "./notes.ts";
import type { Store } from "./store.ts";

/** Writes down which devices were not let in: all of a few, some of many. */
export function refusedDevices(store: Store, note: Note, clock: Clock): (refused: RefusedDevice) => void {
  const { refusals: most, refusalsWithinMs: withinMs } = LIMITS;
  return sparing({ most, withinMs, now: clock.now }, ({ device, code, address }, left_out) => {
    const name = device === null ? null : (store.devices.get(device)?.name ?? null);
    const detail = { why: code, ...tried({ device }), left_out };
    const actor = name === null ? "nobody" : `device ${device}`;
    note({ actor, name, address, action: "device refused", subject: "channel", detail });
  });
}

/** Writes down who came with a code that is not valid. */
export function refusedPairing(note: Note) {
  return ({ name, address }: { name: string; address: string }) => {
    note({ actor: "nobody", name, address, action: "pairing refused", subject: "code", detail: {} });
  };
}
