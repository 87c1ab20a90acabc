// `just tables`: writes the tables of docs/security.md and docs/limits.md anew from the tests and the source.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { tableOfCases } from "./cases.ts";
import { tableOfLimits } from "./limits.ts";

const DOCS = resolve(import.meta.dir, "../../../docs");
/** What stands between is written by this program. */
const [FROM, TO] = ["<!-- from here on by `just tables` -->", "<!-- up to here -->"];

/** Each document, and what has to stand in it. */
export const TABLES: Record<string, () => string> = {
  "security.md": tableOfCases,
  "limits.md": tableOfLimits,
};

/** A document as it is, and as it has to be. */
export function documentOf(name: string): { is: string; should: string } {
  const is = readFileSync(resolve(DOCS, name), "utf8");
  const [from, to] = [is.indexOf(FROM), is.indexOf(TO)];
  if (from < 0 || to < from) throw new Error(`docs/${name} has no place for its table`);
  return { is, should: `${is.slice(0, from)}${FROM}\n\n${TABLES[name]?.()}\n${is.slice(to)}` };
}

if (import.meta.main)
  for (const name of Object.keys(TABLES)) writeFileSync(resolve(DOCS, name), documentOf(name).should);
