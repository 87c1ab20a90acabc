// What is read again and again, in whatever order the answers come.
import { expect, test } from "bun:test";
import { reading } from "./reading.ts";

function at() {
  const asked: PromiseWithResolvers<string>[] = [];
  const taken: string[] = [];
  const said: unknown[] = [];
  const read = () => {
    const answer = Promise.withResolvers<string>();
    asked.push(answer);
    return answer.promise;
  };
  const one = reading({ read, take: (found) => void taken.push(found), say: (it) => void said.push(it) });
  return { ...one, asked, taken, said };
}

test("an answer that comes after that of a later question is nobody's", async () => {
  const { load, asked, taken, said } = at();
  const both = [load(), load()];
  asked[1]?.resolve("new");
  await both[1];
  asked[0]?.resolve("old");
  await both[0];
  expect([taken, said]).toEqual([["new"], []]);
});

test("what a tap has said stays; only what a reading has said is taken back by one", async () => {
  const { load, asked, taken, said } = at();
  for (const [i, ok] of [true, false, true, true].entries()) {
    const done = load();
    if (ok) asked[i]?.resolve(`${i}`);
    else asked[i]?.reject("no line");
    await done;
  }
  expect([taken, said]).toEqual([
    ["0", "2", "3"],
    ["no line", null],
  ]);
});

test("after the end nothing is taken or said", async () => {
  const { load, close, asked, taken, said } = at();
  const both = [load(), load()];
  close();
  asked[0]?.resolve("late");
  asked[1]?.reject("late");
  await Promise.all(both);
  expect([taken, said]).toEqual([[], []]);
});
