import { expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PromptId, SessionId, UnheardFact } from "../protocol.ts";
import { Runs } from "./runs.ts";

function world() {
  const folder = mkdtempSync(join(tmpdir(), "cr-runs-"));
  mkdirSync(join(folder, "runs"));
  const files = () => readdirSync(join(folder, "runs"));
  return {
    folder,
    files,
    runs: new Runs(folder),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
const id = (text: string) => text as SessionId;

test("a run that goes on is not reported; one that left word is, until the server knows", () => {
  using here = world();
  here.runs.began(id("s1"));
  expect(here.runs.left()).toEqual([]);
  const facts: UnheardFact[] = [{ type: "accepted", prompt: "p1" as PromptId }];
  here.runs.ended(id("s1"), { code: 7, signal: null, reason: "exit" }, facts);
  expect(here.runs.left()).toEqual([{ session: id("s1"), code: 7, signal: null, reason: "exit", facts }]);
  here.runs.reported(id("s1"));
  expect(here.runs.left()).toEqual([]);
  expect(here.files()).toEqual([]);
});

test("a run that is alone is found in its folder, until it has a terminal again, has ended, or is gone", async () => {
  using here = world();
  const { runs } = here;
  runs.began(id("s1"));
  runs.began(id("s2"));
  expect(runs.aloneIn("/project")).toEqual([]);
  runs.alone(id("s2"), "/project");
  runs.alone(id("s1"), "/project");
  expect(new Runs(here.folder).aloneIn("/project")).toEqual([id("s1"), id("s2")]);
  expect(runs.aloneIn("/elsewhere")).toEqual([]);
  runs.alone(id("s1"), null);
  expect(runs.aloneIn("/project")).toEqual([id("s2")]);
  runs.ended(id("s2"), { code: 0, signal: null, reason: "exit" }, []);
  expect(runs.aloneIn("/project")).toEqual([]);
  const child = Bun.spawn(["true"]);
  await child.exited;
  const gone = { session: "gone", pid: child.pid, born: "1", alone: "/project" };
  writeFileSync(join(here.folder, "runs", "gone.json"), JSON.stringify(gone));
  writeFileSync(join(here.folder, "runs", "cut.json"), "{");
  expect(runs.aloneIn("/project")).toEqual([]);
  expect(new Runs(join(here.folder, "nowhere")).aloneIn("/project")).toEqual([]);
});

test("what several runs left is told in the order in which they ended", () => {
  using here = world();
  const ended = ["s3", "s1", "s4", "s2"];
  for (const [i, name] of ended.entries()) {
    here.runs.ended(id(name), { code: 0, signal: null, reason: "exit" }, []);
    utimesSync(join(here.folder, "runs", `${name}.json`), i, i);
  }
  expect(here.runs.left().map(({ session }) => String(session))).toEqual(ended);
});

test("a run whose process is gone is lost, also when its pid is another process by now", async () => {
  using here = world();
  const child = Bun.spawn(["true"]);
  await child.exited;
  const run = (session: string, pid: number, born: string) =>
    writeFileSync(join(here.folder, "runs", `${session}.json`), JSON.stringify({ session, pid, born }));
  run("gone", child.pid, "1");
  run("reused", process.pid, "another time");
  const lost = here.runs.left().map(({ session, reason }) => `${session} ${reason}`);
  expect(lost.sort()).toEqual(["gone lost", "reused lost"]);
});

test("a file that was cut says nothing and goes away", () => {
  using here = world();
  writeFileSync(join(here.folder, "runs", "cut.json"), '{"session":"cut","pi');
  expect(here.runs.left()).toEqual([]);
  expect(here.files()).toEqual([]);
});

test("a folder that cannot be made loses the record and nothing else", () => {
  using here = world();
  writeFileSync(join(here.folder, "file"), "");
  const runs = new Runs(join(here.folder, "file"));
  runs.began(id("s1"));
  runs.reported(id("s1"));
  expect(runs.left()).toEqual([]);
});

test("a run whose process has ended is lost, although nobody has asked how it ended", async () => {
  using here = world();
  const parent = Bun.spawn(["sh", "-c", "sleep 0.05 & echo $!; exec sleep 100"]);
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  const born = stat()[21];
  while (stat()[2] !== "Z") await Bun.sleep(5);
  writeFileSync(join(here.folder, "runs", "s1.json"), JSON.stringify({ session: "s1", pid, born }));
  expect(here.runs.left().map(({ session, reason }) => [session, reason])).toEqual([[id("s1"), "lost"]]);
  parent.kill();
});
