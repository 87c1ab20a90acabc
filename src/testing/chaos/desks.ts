// Who sits at a desk and asks: a demo that plays a script, or a real claude whose prompts are typed.
import { join } from "node:path";
import { claudePath } from "../real-claude.ts";
import { enter } from "../story/acts.ts";
import { childrenOf, textOf } from "../story/processes.ts";
import type { Exit, Terminal } from "../terminal.ts";
import { command, demo } from "./place.ts";
import { type Task, turns } from "./tasks.ts";
import { until } from "./until.ts";
import type { ChaosWorld } from "./world.ts";

/** `say` begins a turn that asks for these, as soon as the one before is over. */
export type Desk = { terminal: Terminal; say(turn: readonly Task[]): Promise<void> };

/** The first start of a claude reads some 300 MB, and a machine that does other things takes its time for all. */
const PATIENCE_MS = 120_000;
/** After a fault in which the desk pressed a key, claude works for so long: the key may have come after the answer. */
const PAUSE_MS = 250;
/** A session that is to be killed goes on for so long: it has to live until that. */
const LINGER_MS = 20_000;
/** What a key of the desk, or a turn that was stopped, may leave in the box. */
const CLEAR_BOX = "\x15";
/** claude takes what comes in one go for a paste. */
const KEY_MS = 100;

const asking = (turn: readonly Task[]) => turn.map(({ token }) => `RUN: ${command(token)}`);

/** A demo at a desk that asks for all of them and then exits; with none it waits until somebody types /exit. */
export function demoDesk(world: ChaosWorld, name: string, list: readonly Task[]): Desk {
  const pause = (turn: readonly Task[]) => {
    const { desk, ends } = turn.at(-1)?.fault ?? {};
    return ends ? [`SLOW: ${LINGER_MS}`] : desk ? [`SLOW: ${PAUSE_MS}`] : [];
  };
  const lines = turns(list).map((turn) => [...asking(turn), ...pause(turn)].join(" ;; "));
  const script = lines.length > 0 ? [...lines, "EXIT: 0"] : [];
  return { terminal: world.desk(demo(join(world.root, name), script)), say: async () => {} };
}

/** A real claude of that version, whose API is a stand-in that does as its prompts say. */
export function realDesk(world: ChaosWorld, version: string, home: string): Desk {
  const terminal = world.desk(claudePath(version), ["--permission-mode", "default"]);
  return { terminal, say: (turn) => typed(terminal, home, asking(turn).join(" ;; ")) };
}

/** Types /exit into a real claude once it waits for a prompt. */
export async function leave(terminal: Terminal, home: string): Promise<Exit> {
  await typed(terminal, home, "/exit");
  return leaves(terminal);
}

/** Once claude waits for a prompt, this is one. */
async function typed(terminal: Terminal, home: string, text: string) {
  await idle(terminal, home);
  terminal.write(CLEAR_BOX);
  await Bun.sleep(KEY_MS);
  await enter(terminal, text);
}

/** claude says of itself that it waits for a prompt, and shows where to type it. */
async function idle(terminal: Terminal, home: string) {
  const folder = join(home, ".claude", "sessions");
  const rests = (pid: number) => /"status":\s*"idle"/.test(textOf(join(folder, `${pid}.json`)));
  const late = () => `an idle claude\n${terminal.screen()}`;
  await until(late, () => childrenOf(terminal.pid).some(rests), PATIENCE_MS);
  await terminal.waitFor(/\? for shortcuts|(mode|edits) on/, { timeout: PATIENCE_MS });
}

/** Waits until a desk's program has ended. */
export async function leaves(desk: Terminal): Promise<Exit> {
  const late = Promise.withResolvers<never>();
  const why = () => late.reject(new Error(`the desk does not end:\n${desk.screen()}`));
  const timer = setTimeout(why, PATIENCE_MS);
  return Promise.race([desk.exited, late.promise]).finally(() => clearTimeout(timer));
}
