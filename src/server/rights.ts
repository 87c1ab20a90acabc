// What changes in who may be here, told to everybody whom it concerns, and at once.
import type { DeviceId, ViewerId } from "../protocol.ts";
import type { By } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Logins } from "./logins.ts";
import type { Pairing } from "./pairing.ts";
import type { DeviceTable } from "./store/device-table.ts";
import type { Tokens } from "./tokens.ts";
import type { Uplinks } from "./uplink.ts";

export type RightsOptions = {
  devices: DeviceTable;
  clock: Clock;
  logins: Logins;
  tokens: Tokens;
  events: Events;
  pairing: Pairing;
  uplinks: Uplinks;
  viewersChanged: () => void;
};

export function rights(options: RightsOptions) {
  const { devices, clock, logins, tokens, events, pairing, uplinks, viewersChanged } = options;
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
    /** Ends a machine's right to report. False: there is none. */
    revokeDevice(device: DeviceId, by: By = "owner"): boolean {
      const ended = devices.revoke(device, clock.now(), by);
      if (!ended) return false;
      tokens.ended(ended);
      uplinks.end(device);
      return true;
    },
  };
}
