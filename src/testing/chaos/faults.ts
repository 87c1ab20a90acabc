// What goes wrong, and when: each fault is struck while one prompt is answered, in a window that the wire itself shows.
import { DEAD_AFTER_MS, type PromptState } from "../../protocol.ts";
import { childrenOf, kill } from "../story/processes.ts";
import type { Terminal } from "../terminal.ts";
import { type Fate, type Passing, promptOf } from "./link-proxy.ts";
import type { Said, Verb } from "./phone.ts";
import type { Tally } from "./tally.ts";
import type { ChaosWorld } from "./world.ts";

/** One prompt that is open, and the means to answer it. */
export type Step = {
  world: ChaosWorld;
  tally: Tally;
  desk: Terminal;
  prompt: PromptState;
  /** What stands in its command and nowhere else. */
  token: string;
  verb: Verb;
  /** The first phone answers as it should, or the named one, or otherwise. */
  answer(phone?: number, verb?: Verb): Promise<Said>;
  /** Waits until its dialog is at the desk. */
  dialog(): Promise<unknown>;
  /** Presses yes or no there. */
  press(choice: "yes" | "no"): void;
  /** Its session is over from now on. */
  ended(): void;
};

export type Fault = {
  name: string;
  /** After it the desk may have stopped the turn. */
  desk?: true;
  /** After it the session is over. */
  ends?: true;
  /** It takes many seconds by itself. */
  long?: true;
  strike(step: Step): Promise<unknown>;
};

const COMMITTED = "after commit, before the reply";
export const SENT = "after the send, before delivered";
const DECIDED = "after the hook's answer, before accepted";
const RESTATING = "during the restate";
export const WINDOWS = [COMMITTED, SENT, DECIDED, RESTATING] as const;
type Window = (typeof WINDOWS)[number];

/** Stops last at random up to this, ms: far below the 15 s after which an end counts as dead. */
const STOP_MS = 600;
/** The desk's key comes at most this long before or after the phone's tap, ms. */
const RACE_MS = 30;
/** A stalled link holds every message back for this long, ms. */
const STALL_MS = 800;
/** A link that is down stays so for this long, ms. */
const DOWN_MS = 700;

const pick = <T>(...of: T[]): T => of[Math.floor(Math.random() * of.length)] as T;

// ── what is done ────────────────────────────────────────────────────────────────────────────────────────────────────

type Blow = { name: string; ends?: true; hit(step: Step): Promise<Fate | null> | Fate | null };

const BLOWS: Blow[] = [
  {
    name: "server killed",
    // What it has said may still arrive, or not.
    hit: async ({ world }) => ((await world.server.kill()) ? pick("cut", "last") : null),
  },
  { name: "link cut", hit: () => "cut" },
  { name: "link cut in a frame", hit: () => "half" },
  {
    name: "server stopped",
    hit({ world }) {
      world.server.freeze(Math.random() * STOP_MS);
      return "on";
    },
  },
  {
    name: "wrapper stopped",
    hit({ desk }) {
      kill(desk.pid, "SIGSTOP");
      setTimeout(() => kill(desk.pid, "SIGCONT"), Math.random() * STOP_MS);
      return "on";
    },
  },
];

const ENDS: Blow[] = [
  {
    name: "wrapper killed",
    ends: true,
    hit({ world, desk, ended }) {
      ended();
      world.killedWrappers++;
      desk.kill("SIGKILL");
      return pick("cut", "last");
    },
  },
  {
    name: "claude killed",
    ends: true,
    hit({ desk, ended }) {
      ended();
      for (const pid of childrenOf(desk.pid)) kill(pid, "SIGKILL");
      return "on";
    },
  },
];

// ── when ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Strikes once, at the first message that is meant; a blow that could not be struck waits for the next. */
function arm(step: Step, window: Window, blow: Blow, meant: (passing: Passing) => boolean) {
  const struck = Promise.withResolvers<void>();
  let done = false;
  const disarm = step.world.link.rule(async (passing) => {
    if (done || !meant(passing)) return null;
    done = true;
    const fate = await blow.hit(step);
    done = fate !== null;
    if (fate === null) return null;
    step.tally.count(blow.name, window);
    disarm();
    struck.resolve();
    return fate;
  });
  return { struck: struck.promise, disarm };
}

const about =
  ({ prompt }: Step, type: string) =>
  (passing: Passing) =>
    passing.message.type === type && promptOf(passing) === prompt.id;

/** The phone's next answer to this prompt is held back until `when`, and then lost. */
function loseReply({ world, prompt }: Step, when: Promise<void>) {
  const off = world.page.rule(({ method, path }) => {
    if (method !== "POST" || !path.includes(prompt.id)) return null;
    off();
    return { answer: () => when.then(() => false) };
  });
  return off;
}

async function inWindow(step: Step, window: Window, blow: Blow) {
  const armed = armedFor(step, window, blow);
  const kept = window === COMMITTED ? loseReply(step, armed.struck) : () => {};
  const answered = step.answer();
  // Where nobody is left, the answer's end is known only when somebody reports that.
  await (blow.ends ? Promise.race([armed.struck, answered]) : answered);
  armed.disarm();
  kept();
}

function armedFor(step: Step, window: Window, blow: Blow) {
  switch (window) {
    case COMMITTED:
      return arm(step, window, blow, about(step, "answer"));
    case SENT:
      return arm(step, window, blow, about(step, "delivered"));
    case DECIDED:
      return arm(step, window, blow, about(step, "accepted"));
    case RESTATING:
      return armedForRestate(step, blow);
  }
}

/** First the link is cut, so that there is something to say again; then it is struck somewhere in the middle of that. */
function armedForRestate(step: Step, blow: Blow) {
  const { session_id } = step.prompt;
  const [direction, nth] = pick<["up" | "down", number]>(
    ["up", 1],
    ["up", 2],
    ["up", 3],
    ["down", 1],
    ["down", 2],
  );
  const before = step.world.link.wireOf(session_id);
  const type = pick("answer", "delivered", "accepted");
  const first = step.world.link.rule((passing) => {
    if (!about(step, type)(passing)) return null;
    first();
    step.tally.count("link cut");
    return "cut";
  });
  const again = (passing: Passing) =>
    passing.wire !== before &&
    passing.wire.session === session_id &&
    passing.direction === direction &&
    passing.nth === nth;
  const armed = arm(step, RESTATING, blow, again);
  return {
    struck: armed.struck,
    disarm() {
      first();
      armed.disarm();
    },
  };
}

// ── faults without a window of the link ─────────────────────────────────────────────────────────────────────────────

/** No fault at all. */
export const NOTHING: Fault = { name: "nothing", strike: (step) => step.answer() };

const OTHERS: Fault[] = [
  NOTHING,
  {
    name: "request lost",
    strike(step) {
      const off = step.world.page.rule(({ path, method }) => {
        if (method !== "POST" || !path.includes(step.prompt.id)) return null;
        off();
        step.tally.count("request lost");
        return "unasked";
      });
      return step.answer();
    },
  },
  {
    name: "reply lost",
    strike(step) {
      const off = step.world.page.rule(({ path, method }) => {
        if (method !== "POST" || !path.includes(step.prompt.id)) return null;
        off();
        step.tally.count("reply lost");
        return "unanswered";
      });
      return step.answer();
    },
  },
  {
    name: "phones' streams cut",
    async strike(step) {
      const answered = step.answer();
      await Bun.sleep(Math.random() * RACE_MS);
      step.tally.count("phones' streams cut");
      step.world.page.cut(({ path }) => path.startsWith("/events"));
      await answered;
    },
  },
  {
    name: "two phones at once",
    strike(step) {
      step.tally.count("two phones at once");
      return Promise.all([step.answer(0), step.answer(1, step.verb === "approve" ? "reject" : "approve")]);
    },
  },
  {
    name: "link stalled",
    async strike(step) {
      const { session_id } = step.prompt;
      const until = performance.now() + STALL_MS;
      const off = step.world.link.rule(async ({ wire }) => {
        if (wire.session === session_id) await Bun.sleep(Math.max(0, until - performance.now()));
        return null;
      });
      step.tally.count("link stalled");
      await step.answer();
      off();
    },
  },
  {
    name: "desk within 30 ms",
    desk: true,
    async strike(step) {
      const offset = (2 * Math.random() - 1) * RACE_MS;
      await step.dialog();
      step.tally.count("desk within 30 ms");
      await Promise.all([
        Bun.sleep(Math.max(0, offset)).then(() => step.press(pick("yes", "no"))),
        Bun.sleep(Math.max(0, -offset)).then(() => step.answer(0, pick("approve", "reject"))),
      ]);
    },
  },
  {
    name: "desk while the link is down",
    desk: true,
    async strike(step) {
      const { session_id } = step.prompt;
      await step.dialog();
      const off = step.world.link.rule(({ wire }) => (wire.session === session_id ? "cut" : null));
      step.world.link.wireOf(session_id)?.cut();
      step.tally.count("desk while the link is down");
      setTimeout(off, DOWN_MS);
      step.press(pick("yes", "no"));
      await step.answer();
    },
  },
];

/** Silence of so many ms is taken for death by both ends: 15 s and some. */
const DEAD_MS = DEAD_AFTER_MS + 2_500;

/** Faults that take long. */
export const PATIENT: readonly Fault[] = [
  {
    name: "wrapper stopped for 17 s",
    long: true,
    async strike(step) {
      step.tally.count("wrapper stopped for 17 s");
      kill(step.desk.pid, "SIGSTOP");
      setTimeout(() => kill(step.desk.pid, "SIGCONT"), DEAD_MS);
      await step.answer();
    },
  },
  {
    name: "server stopped for 17 s",
    long: true,
    async strike(step) {
      step.tally.count("server stopped for 17 s");
      step.world.server.freeze(DEAD_MS);
      await step.answer();
    },
  },
];

/** The session ends while its prompt is open and nobody has answered. */
const whileOpen = (blow: Blow): Fault => ({
  name: `${blow.name}, unanswered`,
  ends: true,
  async strike(step) {
    await blow.hit(step);
    step.tally.count(blow.name, "while it is open");
    step.answer();
  },
});

const windowed = (blow: Blow, windows: readonly Window[]): Fault[] =>
  windows.map((window) => ({
    name: `${blow.name} ${window}`,
    ...(blow.ends ? { ends: true as const } : {}),
    strike: (step) => inWindow(step, window, blow),
  }));

/** After these a session goes on. */
export const FAULTS: readonly Fault[] = [...BLOWS.flatMap((blow) => windowed(blow, WINDOWS)), ...OTHERS];
/** A kill of the server in each window, and a desk that decides while nobody hears it. */
export const GRAVEST: readonly Fault[] = FAULTS.filter(
  ({ name }) => name.startsWith("server killed") || name === "desk while the link is down",
);
/** The kill of the server in that window. */
export const killIn = (window: Window): Fault[] =>
  FAULTS.filter(({ name }) => name === `server killed ${window}`);
/** Each of these is the end of a session. */
export const ENDINGS: readonly Fault[] = ENDS.flatMap((blow) => [
  whileOpen(blow),
  ...windowed(blow, WINDOWS),
]);
