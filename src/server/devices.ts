// Machines that may report sessions of their own: the owner's routes to let one in, list them, and end one's right.
import * as v from "valibot";
import type { DeviceId } from "../protocol.ts";
import { deviceSecret } from "../seal.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { plain, type Route, route } from "./routes.ts";
import type { Store } from "./store.ts";

/** This user's own wrappers: their secret comes from the master key, which only this user can read. */
export const LOCAL_DEVICE = "local" as DeviceId;

export type DevicesOptions = {
  store: Store;
  clock: Clock;
  masterKey: Uint8Array;
  revokeDevice: (device: DeviceId) => boolean;
};

const who = ["public"] as const; // Of the owner's socket, whose mode is the credential.
const nameBody = v.object({
  name: v.pipe(
    v.string(),
    v.trim(),
    v.minLength(1),
    v.maxLength(LIMITS.nameChars),
    v.regex(/^\P{C}+$/u, "must have no control characters"),
  ),
});

/** The table of the owner's routes about machines. */
export function devices(options: DevicesOptions): Route[] {
  const { store, clock, masterKey, revokeDevice } = options;
  return [
    plain("GET", "/devices", who, () => Response.json({ devices: store.devices() })),
    route("POST", "/devices", who, nameBody, ({ body: { name } }) => {
      const taken = store.devices().some((device) => device.name === name && device.revoked_at === null);
      if (taken) throw new ApiError("invalid", `There is a machine "${name}" already; name it differently.`);
      const id = Bun.randomUUIDv7() as DeviceId;
      store.addDevice(id, name, clock.now());
      return Response.json({ id, name, secret: toText(deviceSecret(masterKey, id)) });
    }),
    plain("DELETE", "/devices/:id", who, ({ params }) => {
      if (params.id === LOCAL_DEVICE)
        throw new ApiError("forbidden", "The server's own machine cannot be revoked: it holds the keys.");
      if (!revokeDevice((params.id ?? "") as DeviceId))
        throw new ApiError("not_found", "There is no such device.");
      return Response.json({ ok: true });
    }),
  ];
}

const toText = (secret: Uint8Array) => Buffer.from(secret).toString("base64url");
