// Machines that may report sessions of their own: the owner lets them in, lists them and ends one's right; a paired phone does
// the latter two, for a laptop is lost while its owner sits at no terminal.
import * as v from "valibot";
import type { DeviceId } from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import type { By } from "./audit.ts";
import { byOf } from "./caller.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { nameOf, OWNER, ownerOf } from "./owner.ts";
import { type Call, plain, type Route, route } from "./routes.ts";
import type { Store } from "./store.ts";
import type { Tokens } from "./tokens.ts";

/** This user's own wrappers: their secret comes from the master key, which only this user can read. */
export const LOCAL_DEVICE = "local" as DeviceId;

export type DevicesOptions = {
  store: Store;
  clock: Clock;
  masterKey: Uint8Array;
  tokens: Tokens;
  revokeDevice: (device: DeviceId, by: By) => boolean;
};

/** `operate`: the owner's commands work from there as well. */
const newDevice = v.object({ name: nameOf, operate: v.optional(v.boolean(), false) });

/** The table of the owner's routes about machines. */
export function devices(options: DevicesOptions): Route[] {
  const { store, clock, masterKey, tokens, revokeDevice } = options;
  return [
    plain("GET", "/devices", OWNER, () => Response.json({ devices: store.devices.list() })),
    route("POST", "/devices", OWNER, newDevice, (call) => {
      const { name, operate } = call.body;
      const taken = store.devices.list().some((device) => device.name === name && device.revoked_at === null);
      if (taken) throw new ApiError("invalid", `There is a machine "${name}" already; name it differently.`);
      const id = Bun.randomUUIDv7() as DeviceId;
      const wanted = { name, scopes: ["operate"], days: LIMITS.operatorDays, device: id } as const;
      const operator = store.statements.tx(() => {
        store.devices.add(id, name, clock.now(), ownerOf(call));
        return operate ? tokens.make(wanted, ownerOf(call)) : null;
      });
      return Response.json({
        ...{ id, name, secret: toText(deviceSecret(masterKey, id)) },
        ...(operator && { token: operator.token, expires_at: operator.expires_at }),
      });
    }),
    plain("DELETE", "/devices/:id", OWNER, (call) => revoked(revokeDevice, call, ownerOf(call))),
  ];
}

/** What a paired phone may: see which machines there are, and take one's right away. */
export function deviceRoutes({
  store,
  revokeDevice,
}: Pick<DevicesOptions, "store" | "revokeDevice">): Route[] {
  return [
    plain("GET", "/api/devices", ["viewer"], () => Response.json({ devices: store.devices.list() })),
    plain("DELETE", "/api/devices/:id", ["viewer"], (call) => revoked(revokeDevice, call, byOf(call))),
  ];
}

function revoked(revoke: DevicesOptions["revokeDevice"], { params }: Call, by: By): Response {
  const id = (params.id ?? "") as DeviceId;
  if (id === LOCAL_DEVICE)
    throw new ApiError("forbidden", "The server's own machine cannot be revoked: it holds the keys.");
  if (!revoke(id, by)) throw new ApiError("not_found", "There is no such device.");
  return Response.json({ ok: true });
}

const toText = (secret: Uint8Array) => Buffer.from(secret).toString("base64url");
