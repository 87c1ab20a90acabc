// What wrapper and server hold and burn while claude waits for a word, beside claude itself.
import { ClaudeRig, childrenOf, VERSION } from "./claude.ts";
import { costOf, cpuOf } from "./process.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { watching } from "./watching.ts";

const LIMIT_MB = 70;
/** After the start, until everything that is loaded late is loaded and what was needed only once is given back. */
const SETTLE_MS = 10_000;

export async function memory({ quick }: BenchOptions): Promise<Report> {
  await using claude = await ClaudeRig.open();
  const { rig } = claude;
  const viewer = await rig.pair();
  const bare = await claude.start(false);
  const wrapped = await claude.start(true);
  const [inside = 0] = childrenOf(wrapped.outer.pid);
  const pids = {
    wrapper: wrapped.outer.pid,
    server: rig.serverPid,
    wrappedClaude: inside,
    bareClaude: bare.outer.pid,
  };
  const look = async () => {
    await Bun.sleep(quick ? 1_000 : SETTLE_MS);
    const cpu = await cpuOf(pids, quick ? 2_000 : 20_000);
    const cost = { wrapper: costOf(pids.wrapper), server: costOf(pids.server) };
    const claudes = { wrappedClaude: costOf(inside), bareClaude: costOf(bare.outer.pid) };
    return { cpu, costs: { ...cost, ...claudes } };
  };
  const alone = await look();
  await using _watcher = await watching(rig, viewer, await rig.session(viewer));
  const watched = await look();
  const row = (name: string, of: keyof typeof pids) => [
    name,
    ...[alone, watched].flatMap(({ cpu, costs }) => [costs[of].rss, costs[of].private, cpu[of]]),
  ];
  const aim = (name: "wrapper" | "server") => ({
    what: `${name}, RSS`,
    seen: Math.max(alone.costs[name].rss, watched.costs[name].rss),
    limit: LIMIT_MB,
    unit: "MB",
  });
  return {
    name: "memory",
    tables: [
      {
        title: `Idle, claude ${VERSION} at its prompt`,
        columns: ["", "RSS MB", "private MB", "CPU %", "watched: RSS MB", "private MB", "CPU %"],
        rows: [
          row("wrapper", "wrapper"),
          row("server", "server"),
          row("claude in it", "wrappedClaude"),
          row("claude, bare", "bareClaude"),
        ],
      },
    ],
    aims: [aim("wrapper"), aim("server")],
  };
}

if (import.meta.main) await main(memory);
