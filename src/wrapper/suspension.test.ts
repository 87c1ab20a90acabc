// Ctrl-Z: when claude is stopped, and how often and until when it is told to go on.
import { expect, test } from "bun:test";
import { type SuspensionOptions, suspension } from "./suspension.ts";

const NOTICE = Buffer.from("\r\nClaude Code has been suspended. Run `fg` to bring it back.\r\n");

/** A claude that hears after having been told so often to go on; `sees` is what the system tells of that. */
function world({ hearsAfter = 1, sees = true, onPause = () => {} } = {}) {
  const done: string[] = [];
  let told = 0;
  const stopped = Promise.withResolvers<void>();
  const ctrlZ = suspension({
    kill(signal) {
      done.push(signal);
      if (signal === "SIGCONT" && ++told === hearsAfter) ctrlZ.output(Buffer.from("\x1b[?2004h"));
    },
    stop: () => stopped.promise,
    hears: () => (sees ? told >= hearsAfter : null),
    onSuspended: () => void done.push("suspended"),
    onContinued: () => void done.push("continued"),
    async pause(ms) {
      done.push(`${ms} ms`);
      onPause();
      await null;
    },
  } satisfies SuspensionOptions);
  return {
    ctrlZ,
    done,
    continued: stopped.resolve,
    /** What was done, without the waits. */
    acts: () => done.filter((one) => !one.endsWith("ms")),
    press(afar = false) {
      ctrlZ.typed("\x1a", afar);
      ctrlZ.output(NOTICE);
    },
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a claude that hears at once is told once to go on, and counts as suspended until it does", async () => {
  const { press, continued, done, acts } = world();
  press();
  await settled();
  expect(done).toEqual(["suspended", "20 ms", "SIGSTOP"]);
  continued();
  await settled();
  expect(acts()).toEqual(["suspended", "SIGSTOP", "SIGCONT", "continued"]);
});

test.each([
  [3, ["SIGCONT", "SIGCONT", "SIGCONT", "continued"]],
  [9, ["SIGCONT", "SIGCONT", "SIGCONT", "SIGCONT", "continued"]],
])(
  "one that stays deaf until it was told %i times is told again, four times at most",
  async (hearsAfter, told) => {
    const { press, continued, done, acts } = world({ hearsAfter });
    press();
    continued();
    await settled();
    expect(acts()).toEqual(["suspended", "SIGSTOP", ...told]);
    const [first, second] = done.flatMap((one, i) => (one === "SIGCONT" ? [i] : []));
    expect(done.slice(first, second).filter((one) => one === "10 ms")).toHaveLength(50);
  },
);

test("where the system does not tell whether it hears, its first output since counts, and none from before", async () => {
  const { press, continued, acts } = world({ hearsAfter: 2, sees: false });
  press();
  continued();
  await settled();
  expect(acts()).toEqual(["suspended", "SIGSTOP", "SIGCONT", "SIGCONT", "continued"]);
});

test("a second Ctrl-Z while it is being woken stops it again, and nothing of the first is done any more", async () => {
  let waits = 0;
  const here = world({
    hearsAfter: 5,
    onPause: () => {
      if (++waits === 3) here.press();
    },
  });
  here.press();
  here.continued();
  await settled();
  const again = here.acts().lastIndexOf("suspended");
  expect(here.acts().slice(0, again)).toEqual(["suspended", "SIGSTOP", "SIGCONT"]);
  expect(here.acts().slice(again)).toEqual([
    ...["suspended", "SIGSTOP", "SIGCONT", "SIGCONT", "SIGCONT", "SIGCONT", "continued"],
  ]);
});

test("typed at an attached desk it stops nobody, and claude goes on at once", async () => {
  const { press, acts } = world({ hearsAfter: 2 });
  press(true);
  await settled();
  expect(acts()).toEqual(["SIGCONT", "SIGCONT"]);
});

test("the same words are somebody's text where nobody pressed Ctrl-Z", async () => {
  const { ctrlZ, done } = world();
  ctrlZ.output(NOTICE);
  ctrlZ.typed("z", false);
  ctrlZ.output(NOTICE);
  await settled();
  expect(done).toEqual([]);
});
