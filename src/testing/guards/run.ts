// `just guards [SEC-0NN or part of a file …]`: takes away one guard after another, and runs the tests of its case alone.
// Ends with 1 where a guard is not missed, or a test fails with the guard in its place.
import { loadavg } from "node:os";
import { Copy } from "../mutations/copy.ts";
import { GUARDS, type Guard } from "./list.ts";

type Verdict = "caught" | "MISSED" | "fails anyway" | "no such test";

const words = ({ test, name }: Pick<Guard, "test" | "name">) => [
  ...["test", "--timeout=60000", `./${test}`, "-t"],
  name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
];

/** Whether tests of that name pass with the program as it is. Asked once for each. */
function sound(
  copy: Copy,
  known: Map<string, Promise<Verdict | null>>,
  guard: Guard,
): Promise<Verdict | null> {
  const key = `${guard.test} ${guard.name}`;
  const asked =
    known.get(key) ??
    copy.run(words(guard)).then(({ code, out }) => {
      if (!/^\s*[1-9]\d* pass$/m.test(out)) return "no such test" as const;
      return code === 0 ? null : ("fails anyway" as const);
    });
  known.set(key, asked);
  return asked;
}

async function judge(
  copy: Copy,
  known: Map<string, Promise<Verdict | null>>,
  guard: Guard,
): Promise<Verdict> {
  const before = await sound(copy, known, guard);
  if (before) return before;
  using _ = copy.changed(guard.file, guard.text, guard.instead);
  const { code, out } = await copy.run(words(guard));
  // A test that never ends has noticed as well.
  return code === null || (code !== 0 && /^\(fail\) /m.test(out)) ? "caught" : "MISSED";
}

const wanted = process.argv.slice(2);
const guards = GUARDS.filter(
  (guard) => wanted.length === 0 || wanted.some((part) => guard.case === part || guard.file.includes(part)),
);
const verdicts: { guard: Guard; verdict: Verdict }[] = [];
{
  using copy = new Copy();
  const known = new Map<string, Promise<Verdict | null>>();
  for (const guard of guards) {
    const verdict = await judge(copy, known, guard);
    verdicts.push({ guard, verdict });
    console.log(
      `${verdict.padEnd(12)}  ${guard.case}  ${guard.file}: ${guard.text.split("\n")[0]?.trim().slice(0, 80)}`,
    );
  }
}
const caught = verdicts.filter(({ verdict }) => verdict === "caught").length;
const cases = new Set(guards.map((guard) => guard.case)).size;
console.log(
  `\n${caught} of ${verdicts.length} guards caught, of ${cases} cases (load ${(loadavg()[0] ?? 0).toFixed(1)})`,
);
process.exitCode = caught === verdicts.length && caught > 0 ? 0 : 1;
