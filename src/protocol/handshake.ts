// The handshake of wrapper and server in clear text JSON (seal.ts); everything after `welcome` is sealed.
import type { DeviceId } from "./ids.ts";

/** Both ends name the protocol they speak; a server speaks this one and the one before. */
export const PROTOCOL = 1;

/** Base64 for every binary field. */
export type Challenge = { type: "challenge"; nonce: string; protocol: number };
export type Auth = {
  type: "auth";
  protocol: number;
  device: DeviceId;
  nonce: string;
  eph: string;
  mac: string;
};

export type Welcome = { type: "welcome"; eph: string; mac: string };
/** Before `welcome` it changes only the back-off and the message shown. */
export type Refused = { type: "refused"; code: RefusalCode; message: string };
export type RefusalCode = "protocol" | "device" | "revoked" | "replaced" | "busy";
