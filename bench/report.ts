// How a benchmark tells what it saw: a table, then each aim with the figure beside it.
import { loadavg } from "node:os";

type Cell = string | number;
export type Table = { title: string; columns: string[]; rows: Cell[][] };
/** `seen` should be at most `limit`, or at least, if `least`. */
export type Aim = { what: string; seen: number; limit: number; unit: string; least?: boolean };
export type Report = { name: string; tables: Table[]; aims: Aim[]; notes?: string[] };

export type BenchOptions = {
  /** Small counts, to try whether it runs. */
  quick: boolean;
};

/** Runs one benchmark from the command line (`--quick` for small counts) and prints its report. */
export async function main(bench: (options: BenchOptions) => Promise<Report>) {
  const before = load();
  const startedAt = performance.now();
  const report = await bench({ quick: process.argv.includes("--quick") });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`\n## ${report.name} (${seconds} s; load ${before} before, ${load()} after)\n`);
  for (const table of report.tables) console.log(drawn(table));
  for (const note of report.notes ?? []) console.log(note);
  for (const aim of report.aims) console.log(line(aim));
}

/** Processes that wanted a core over the last minute: what a figure on a shared machine is worth. */
const load = () => (loadavg()[0] ?? 0).toFixed(1);

function line({ what, seen, limit, unit, least = false }: Aim): string {
  const met = least ? seen >= limit : seen <= limit;
  return `${met ? "met   " : "MISSED"} ${what}: ${text(seen)} ${unit} (aim ${least ? "≥" : "≤"} ${limit})`;
}

/** A Markdown table. */
function drawn({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(text))];
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map(
    (row) =>
      `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`,
  );
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return `${title}\n\n${lines[0]}\n${rule}\n${lines.slice(1).join("\n")}\n`;
}

/** Three figures that mean something. */
function text(cell: Cell): string {
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return "–";
  const size = Math.abs(cell);
  return cell.toFixed(size >= 100 || Number.isInteger(cell) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
