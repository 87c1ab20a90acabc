import type { Key } from "../protocol.ts";
import type { Modes } from "../screen.ts";
export const keyBytes = (_key: Key, _modes: Modes): Uint8Array => new TextEncoder().encode("\x1b");
