// A key typed into an attached terminal until it is painted there, beside the same in the wrapped terminal itself.
import { Outer } from "./outer.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY, Rig } from "./rig.ts";
import { median, p99, shuffled } from "./samples.ts";
import { hasTmux, tmux } from "./tmux.ts";

/** Shows the last key that it read, and nothing else: what is painted for one key holds no other. */
const LAST_KEY = `stty raw -echo
printf READY
exec ${process.execPath} -e 'process.stdin.on("data", (key) => process.stdout.write("\\x1b[H\\x1b[J" + key))'`;
/** In no sequence that a terminal program writes beside the text itself; one after the other, since the same again is no change. */
const KEYS = Buffer.from("@#=+*&!~");
/** Nobody types faster than the one or slower than the other without a pause. */
const TYPING_MS = { least: 60, most: 200 };
/** A frame at most every 33 ms, and what a machine adds: a person who types does not notice 10 ms. */
const LIMIT_MS = 15;
const PATIENCE_MS = 10_000;

type Side = { name: string; outer: Outer; typed: number[] };

/** Two sides are one session: the next key is another one, whoever typed the last. */
let count = 0;

async function key({ name, outer }: Side): Promise<number> {
  const code = KEYS[count++ % KEYS.length] ?? 0;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  outer.onBytes = (bytes) => {
    if (bytes.includes(code)) resolve(performance.now());
  };
  const at = performance.now();
  outer.write(Uint8Array.of(code));
  const late = () => reject(new Error(`${name}: key ${count} was never painted`));
  const timer = setTimeout(late, PATIENCE_MS);
  return (await promise.finally(() => clearTimeout(timer))) - at;
}

export async function attach({ quick }: BenchOptions): Promise<Report> {
  await using rig = await Rig.open();
  await using open = new AsyncDisposableStack();
  const program = rig.script("last-key", LAST_KEY);
  const env = rig.env(program);
  const viewer = await rig.pair();
  const sides: Side[] = [];
  const add = async (name: string, command: string[]) => {
    const outer = open.use(new Outer(command, { env }));
    await outer.seen("READY");
    sides.push({ name, outer, typed: [] });
  };
  await add("wrapped", [BINARY]);
  const session = await rig.session(viewer);
  await add("attached to it", [BINARY, "attach", session]);
  if (hasTmux) {
    const { command, end } = await tmux(rig, program);
    open.defer(end);
    await add("tmux", command);
  }
  for (const side of sides) for (const _ of KEYS) await key(side);
  const { least, most } = TYPING_MS;
  for (let i = 0; i < (quick ? 100 : 500); i++) {
    for (const side of shuffled(sides)) {
      await Bun.sleep(least + Math.random() * (most - least));
      side.typed.push(await key(side));
    }
  }
  const [wrapped, attached] = sides.map(({ typed }) => median(typed));
  return {
    name: "attach",
    tables: [
      {
        title: `A key every ${least} to ${most} ms until it is painted, ${sides[0]?.typed.length} each`,
        columns: ["ms", "p50", "p99"],
        rows: sides.map(({ name, typed }) => [name, median(typed), p99(typed)]),
      },
    ],
    aims: [
      {
        what: "p50 added by attach",
        seen: (attached ?? 0) - (wrapped ?? 0),
        limit: LIMIT_MS,
        unit: "ms",
      },
    ],
  };
}

if (import.meta.main) await main(attach);
