// A master key that is another than before: whoever changed it wants everybody out that was let in with the old one.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_DEVICE } from "./devices.ts";
import type { Logger } from "./log.ts";
import type { Parts } from "./parts.ts";
import { KEY_MARK } from "./restored.ts";

/** Ends every login, token and machine but this one where the master key was changed since the last start. */
export function evictAfterKeyChange(
  data: string,
  { store, tokens, masterKey, revokeViewer, revokeDevice }: Parts,
  log: Logger,
): void {
  const path = join(data, KEY_MARK);
  const mark = createHash("sha256").update("claude-remote master key").update(masterKey).digest("hex");
  const before = existsSync(path) ? readFileSync(path, "utf8") : null;
  if (before === mark) return;
  if (before !== null) {
    const viewers = store.viewers.list();
    const known = tokens.list();
    const devices = store.devices.list().filter(({ id, revoked_at }) => id !== LOCAL_DEVICE && !revoked_at);
    for (const { id } of viewers) revokeViewer(id, "owner");
    for (const { id } of known) tokens.revoke(id, "owner");
    for (const { id } of devices) revokeDevice(id, "owner");
    log.warn({ phones: viewers.length, tokens: known.length, machines: devices.length }, EVICTED);
  }
  // Last: a server that ends before this evicts again, which does no harm.
  writeFileSync(`${path}.new`, mark, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const EVICTED =
  "The master key is another than before: every phone, token and other machine that was let in is out. " +
  "Pair and let in anew: claude-remote pair, token create, device add.";
