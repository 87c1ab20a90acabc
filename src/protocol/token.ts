// Credentials of programs.
import type { DeviceId } from "./ids.ts";

/** What a token is for. `operate`: the owner's commands, from a machine that was let in for that (`device add --operate`). */
export type TokenScope = "read" | "input" | "metrics" | "operate";
/** A credential of a program, as it is listed; its secret is shown once and stored nowhere. */
export type ApiToken = {
  id: string;
  name: string;
  scopes: TokenScope[];
  /** The machine whose operator it is; they end together. */
  device_id: DeviceId | null;
  created_at: number;
  expires_at: number;
  last_used: number | null;
};
