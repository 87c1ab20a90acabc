// What was done, or refused, is so even where the audit cannot be written: then the server's log has it instead.
import type { Entry } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { AuditTable } from "./store/audit-table.ts";

/**
 * Writes an entry of the audit, or says in the log that there was no room for it. For what is safe without its row: ending,
 * taking back and refusing. Everything else is written down first, or in one transaction with its row, and is refused with
 * `storage` where that cannot be, with no effect.
 */
export type Note = (entry: Entry) => void;

export function notes(audit: Pick<AuditTable, "add">, clock: Clock, log: Logger): Note {
  return (entry) => {
    try {
      audit.add(entry, clock.now());
    } catch (error) {
      const { actor, action, subject, session = null } = entry;
      log.error({ actor, action, subject, session, error: String(error) }, "not written into the audit");
    }
  };
}
