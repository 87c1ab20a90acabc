// What changes in who may be here, told to everybody whom it concerns, and at once.
import type { DeviceId, ViewerId } from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Logins } from "./logins.ts";
import type { Pairing } from "./pairing.ts";
import type { Store } from "./store.ts";
import type { Tokens } from "./tokens.ts";
import type { Uplinks } from "./uplink.ts";

export type RightsOptions = {
  store: Pick<Store, "devices" | "statements">;
  clock: Clock;
  logins: Logins;
  tokens: Tokens;
  events: Events;
  pairing: Pairing;
  uplinks: Uplinks;
  viewersChanged: () => void;
};

export function rights(options: RightsOptions) {
  const { store, clock, logins, tokens, events, pairing, uplinks, viewersChanged } = options;
  return {
    /** Gives a viewer another name, and tells everybody. False: there is none. */
    renameViewer(viewer: ViewerId, name: string, by: By): boolean {
      const renamed = logins.rename(viewer, name, by);
      if (renamed) viewersChanged();
      return renamed;
    },
    /** Ends a login everywhere, at once. False: there is none. */
    revokeViewer(viewer: ViewerId, by: By): boolean {
      if (!logins.revoke(viewer, by)) return false;
      pairing.close(viewer);
      events.end(viewer);
      viewersChanged();
      return true;
    },
    /** Ends a machine's right to report; `also` is stored with that, or neither is. False: there is no such right. */
    revokeDevice(device: DeviceId, by: By, also: () => void = () => {}): boolean {
      const ended = store.statements.tx(() => {
        also();
        return store.devices.revoke(device, clock.now(), by);
      });
      if (!ended) return false;
      tokens.ended(ended);
      uplinks.end(device);
      return true;
    },
  };
}
