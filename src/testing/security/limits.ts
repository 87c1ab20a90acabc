// Every limit as docs/limits.md lists it, with the words that stand beside it in src/server/limits.ts.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LIMITS, RATES, type RateName } from "../../server/limits.ts";

const SOURCE = resolve(import.meta.dir, "../../server/limits.ts");

/** One name: what it holds, and the comment above it, which it may share with the names before it. */
export type Limit = { name: string; value: number; about: string };

/** The limits of the source, in its order. */
export function limits(): Limit[] {
  return named("LIMITS").flatMap(({ name, about }) => {
    const value = (LIMITS as Record<string, number>)[name];
    return value === undefined ? [] : [{ name, value, about }];
  });
}

/** The names of one of the source's tables, each with the comment above it. */
function named(table: string): { name: string; about: string }[] {
  let about = "";
  let open = "";
  const [, rest = ""] = readFileSync(SOURCE, "utf8").split(`export const ${table} = {`);
  return (rest.split("} as const;")[0] ?? "").split("\n").flatMap((line) => {
    const [, whole] = /^ {2}\/\*\* (.*) \*\/$/.exec(line) ?? [];
    const [, begun] = /^ {2}\/\*\* (.*[^/])$/.exec(line) ?? [];
    const [, ended] = /^ {3}\* (.*?) ?\*\/$/.exec(line) ?? [];
    const [, middle] = /^ {3}\* ([^/].*)$/.exec(line) ?? [];
    if (whole !== undefined) about = whole;
    else if (begun !== undefined) open = begun;
    else if (ended !== undefined) about = `${open} ${ended}`;
    else if (middle !== undefined) open += ` ${middle}`;
    const [, name = ""] = /^ {2}(\w+): .*,$/.exec(line) ?? [];
    return name === "" ? [] : [{ name, about }];
  });
}

const UNITS: [size: number, word: string][] = [
  [86_400_000, "days"],
  [60_000, "min"],
  [1_000, "s"],
  [1, "ms"],
];
const SIZES: [size: number, word: string][] = [
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
  [1, "bytes"],
];

/** `pairingMs` as minutes, `bodyBytes` as KiB, anything else as a count. */
function shown(name: string, value: number): string {
  const units = name.endsWith("Ms") ? UNITS : /bytes$/i.test(name) ? SIZES : [];
  const [size, word] = units.find(([size]) => value % size === 0) ?? [1, ""];
  const unit = value === size ? word.replace(/^days$/, "day") : word;
  return `${(value / size).toLocaleString("en-US")}${unit ? ` ${unit}` : ""}`;
}

/** The tables of docs/limits.md. */
export function tableOfLimits(): string {
  const rates = named("RATES").map(({ name, about }) => {
    const { most, withinMs } = RATES[name as RateName];
    return `| \`${name}\` | ${most.toLocaleString("en-US")} in ${shown("Ms", withinMs)} | ${about} |`;
  });
  // Names that share their words share a row.
  const rows = [...Map.groupBy(limits(), ({ about }) => about)].map(([about, together]) => {
    const names = together.map(({ name }) => `\`${name}\``).join(", ");
    const values = together.map(({ name, value }) => shown(name, value)).join(", ");
    return `| ${names} | ${values} | ${about.replaceAll("|", "\\|")} |`;
  });
  return (
    `| requests of one caller | at most | what and why |\n| --- | --- | --- |\n${rates.join("\n")}\n\n` +
    `| limit | value | what and why |\n| --- | --- | --- |\n${rows.join("\n")}\n`
  );
}
