// The permission modes of claude that a launch may ask for.
import type { LaunchMode } from "../protocol.ts";

/** `bypassPermissions` and `dontAsk` are typed at a terminal, or not at all (SEC-064). */
export const PERMISSION_MODES = ["default", "plan", "acceptEdits", "auto"] as const satisfies LaunchMode[];
export type PermissionMode = LaunchMode;
