// The whole audit log as a file, read and sent a page at a time, for as long as whoever asked for it takes it.
import type { AuditEntry } from "../protocol.ts";
import type { Clock } from "./clock.ts";
import { ApiError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { AuditTable } from "./store/audit-table.ts";

export type ExportFormat = "jsonl" | "csv";

const TYPES = { jsonl: "application/x-ndjson", csv: "text/csv;charset=utf-8" };
const COLUMNS = [
  ...["id", "at", "actor", "name", "address", "session", "action", "subject", "detail"],
  ...["digest", "tool", "input", "asked"],
];

/** Exports, of which a few may be under way. One that nobody reads any more is given up. */
export function auditExports(audit: Pick<AuditTable, "after" | "end">, clock: Clock) {
  let underWay = 0;

  /**
   * Oldest first, up to what is there now. `still` throws once whoever asked may not read any more. Throws `rate_limited`
   * where too many are under way.
   */
  return (format: ExportFormat, still: () => void): Response => {
    if (underWay >= LIMITS.exports)
      throw new ApiError("rate_limited", "The audit is being exported already. Wait until that is done.");
    const body = pages(audit, clock, format, still, () => underWay--);
    underWay++;
    const day = new Date(clock.now()).toISOString().slice(0, 10);
    const disposition = `attachment; filename="claude-remote-audit-${day}.${format}"`;
    return new Response(body, {
      headers: { "content-type": TYPES[format], "content-disposition": disposition },
    });
  };
}

/** One page whenever the last was taken. `onEnd` is called once, however it ends. */
function pages(
  audit: Pick<AuditTable, "after" | "end">,
  clock: Clock,
  format: ExportFormat,
  still: () => void,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const upto = audit.end();
  let after = 0;
  let stopWaiting = () => {};
  let end = () => {
    end = () => {};
    stopWaiting();
    onEnd();
  };
  const fail = (to: ReadableStreamDefaultController<Uint8Array>, why: unknown) => {
    end();
    to.error(why);
  };
  /** What is given now has to be taken in time. */
  const give = (to: ReadableStreamDefaultController<Uint8Array>, text: string) => {
    stopWaiting();
    stopWaiting = clock.after(LIMITS.stalledMs, () => fail(to, new Error("nobody reads it")));
    to.enqueue(bytesOf(text));
  };
  const pull = (to: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      still();
      const page = audit.after(after, upto);
      after = page.at(-1)?.id ?? upto;
      if (page.length > 0) return give(to, page.map(format === "csv" ? csvLine : jsonLine).join(""));
      end();
      to.close();
    } catch (error) {
      fail(to, error); // Whoever reads it sees that it is not whole.
    }
  };
  const start = (to: ReadableStreamDefaultController<Uint8Array>) => {
    if (format === "csv") give(to, `${COLUMNS.join(",")}\r\n`);
  };
  return new ReadableStream<Uint8Array>({ start, pull, cancel: () => end() }, { highWaterMark: 1 });
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

const jsonLine = (entry: AuditEntry) => `${JSON.stringify(entry)}\n`;

function csvLine(entry: AuditEntry): string {
  const { at, name, address, session, detail, asked } = entry;
  const cells = [
    ...[entry.id, new Date(at).toISOString(), entry.actor, name ?? "", address ?? "", session ?? ""],
    ...[entry.action, entry.subject, JSON.stringify(detail)],
    ...[asked?.digest ?? "", asked?.tool ?? "", asked ? JSON.stringify(asked.input) : ""],
    asked ? JSON.stringify(asked) : "",
  ];
  return `${cells.map((cell) => csvCell(String(cell))).join(",")}\r\n`;
}

/** A cell that no table program takes for a formula, quoted. What it takes for one gets an apostrophe in front. */
export function csvCell(text: string): string {
  const harmless = /^[\s\0]*[=+\-@＝＋－＠|%]/.test(text) || /^[\t\r\n\0]/.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}
