// What claude asks the terminal, the terminal around us answers, once; our own emulator keeps silent.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { TestViewer } from "../viewer.ts";
import { Rig, type Side, TEST_MS, until } from "./rig.ts";

setDefaultTimeout(TEST_MS);

let rig: Rig & { viewer: TestViewer };
beforeAll(async () => {
  rig = await Rig.paired();
}, TEST_MS);
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

const ASKS = [process.execPath, join(import.meta.dir, "testdata/asks.ts")];
/** Each query, and an answer that only the terminal around us gives. */
const ANSWERS: [query: string, answer: string][] = [
  ["\x1b[c", "\x1b[?64;1;9;15;21;22c"],
  ["\x1b[>0q", "\x1bP>|OuterTerm 7.3\x1b\\"],
  ["\x1b[6n", "\x1b[17;23R"],
  ["\x1b]11;?\x1b\\", "\x1b]11;rgb:1234/5678/9abc\x1b\\"],
];
const ALL = ANSWERS.map(([, answer]) => answer).join("");

/** Everything that reaches a program which asks twice: at once, and when a viewer's screen shows that it has asked. */
async function answered(side: Side, watched: () => Promise<unknown>): Promise<string> {
  let looked = 0;
  await using outer = side.outer(ASKS, {
    onBytes: (_, terminal) => {
      const text = terminal.text();
      for (;;) {
        const next = ANSWERS.map(([query, answer]) => ({ at: text.indexOf(query, looked), query, answer }))
          .filter(({ at }) => at >= 0)
          .sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        looked = next.at + next.query.length;
        terminal.write(next.answer);
      }
    },
  });
  await outer.seen("[asked 1]");
  await watched();
  outer.write("\r");
  await outer.seen("[asked 2]");
  await watched();
  outer.write("\x03");
  const [, hex = ""] = (await outer.seen(/<[0-9a-f]+>/)).match(/<([0-9a-f]+)>/) ?? [];
  await outer.exited;
  return Buffer.from(hex, "hex").toString("latin1");
}

test("DA1, XTVERSION, the cursor's place and the background are each answered once, by the terminal around us", async () => {
  const bare = await answered(rig.bare, async () => {});
  let questions = 0;
  const wrapped = await answered(rig.wrapped, async () => {
    const { id } = await rig.session(rig.viewer);
    await using watching = await new TestViewer(rig.viewer.server, rig.viewer.cookie).listen(id);
    const asked = `asked ${++questions}`;
    await until("the question on the viewer's screen", () => watching.text.includes(asked));
  });
  expect(bare).toBe(`${ALL}\r${ALL}\x03`);
  expect(wrapped).toBe(bare);
});
