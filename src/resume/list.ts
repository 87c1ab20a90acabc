// The conversations that there are, on this machine and on devboxes, as a table or as JSON.
import { printable } from "../command.ts";
import type { Atlas } from "../conversations/atlas.ts";
import type { Known, Opened } from "../conversations/known.ts";
import { ageOf, homeless, shortId } from "../sessions.ts";

/** Conversations that a person wants to see; `--json` has all that were found. */
const SHOWN = 25;
/** A devbox that says nothing for so long is left out of a listing. */
export const ASKED_MS = 12_000;
/** A terminal of unknown width. */
const COLUMNS = 100;

/** On stderr, as this program says everything that is no data. */
export const say = (text: string) => process.stderr.write(`claude-remote: ${text}\n`);

/** Asks every machine and prints what there is, newest first. `problem`: why the server could not be asked. */
export async function list(atlas: Atlas, json: boolean, problem: string | null): Promise<number> {
  const signal = AbortSignal.timeout(ASKED_MS);
  await Promise.all([
    atlas.here(),
    ...atlas.server.devboxes.map((devbox) => atlas.there(devbox, {}, { signal })),
  ]);
  const all = atlas.known();
  if (problem) say(`only this machine's conversations: ${problem}`);
  for (const [name, { message }] of atlas.problems)
    say(`${printable(message)}; what the server knows of ${name} is marked *`);
  if (json) {
    const unreachable = Object.fromEntries(atlas.problems);
    console.log(JSON.stringify({ now: Date.now(), conversations: all, unreachable }));
    return 0;
  }
  if (all.length === 0) console.error("There are no conversations yet.");
  for (const line of table(all.slice(0, SHOWN), all)) console.log(line);
  if (all.length > SHOWN) console.error(`… and ${all.length - SHOWN} older ones (--json has them)`);
  return 0;
}

/** What a row says of where it is: the newest copy, and how many other machines have one. */
function table(shown: readonly Known[], all: readonly Known[]): string[] {
  const now = Date.now();
  const rows = shown.map((one) => {
    const [copy] = one.copies;
    const others = new Set(one.copies.slice(1).map(({ where }) => where));
    others.delete(copy?.where ?? null);
    const place = `${copy?.where ?? "here"}${copy?.recorded ? "*" : ""}${others.size > 0 ? ` +${others.size}` : ""}`;
    const directory = copy?.directory ? printable(homeless(copy.directory)) : "?";
    const age = copy ? ageOf(now - copy.at) : "";
    return [
      shortId(one.id, all),
      place,
      age,
      stateOf(one.open),
      directory,
      printable(one.title ?? one.first),
    ];
  });
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const most = process.stdout.isTTY ? process.stdout.columns || COLUMNS : Number.POSITIVE_INFINITY;
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
      .slice(0, most),
  );
}

const stateOf = (open: readonly Opened[]) =>
  open.length === 0 ? "" : open.length === 1 ? "open" : `open ${open.length}×`;
