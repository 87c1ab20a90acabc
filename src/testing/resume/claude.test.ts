// Going on with real conversations: here, in another home and directory, and where somebody else has one open.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../conversations/folder.ts";
import { localShell } from "../../conversations/script.ts";
import { fetchTo } from "../../conversations/sync.ts";
import type { ConversationId } from "../../protocol.ts";
import { messagesApi } from "../messages-api.ts";
import { claudeVersions } from "../real-claude.ts";
import { until } from "../transparency/rig.ts";
import { leave, Place, READY, START, STEP, STORY_MS, say } from "./place.ts";

setDefaultTimeout(STORY_MS);

const api = await messagesApi();
afterAll(() => api[Symbol.asyncDispose]());

/** What the model was told before the prompt of that text. */
async function historyOf(text: string): Promise<string> {
  const { body } = await api.waitFor(({ prompt }) => prompt.includes(text), STEP);
  return JSON.stringify(body);
}

describe.each([...claudeVersions])("claude %s", (version) => {
  const word = (name: string) => `${name}-${version.replaceAll(".", "-")}`;

  test("a conversation of claude's own is adopted with --last, and gone on with by its id from anywhere", async () => {
    await using place = await Place.open(api, version);
    await using first = place.bare(["--permission-mode", "default"]);
    await first.waitFor(READY, START);
    await say(first, `SAY: ${word("adopted")}`);
    await first.waitFor(new RegExp(`[●⏺] ${word("adopted")}`), STEP);
    await place.wrote(word("adopted"));
    expect(await leave(first)).toMatchObject({ code: 0 });

    await using second = place.terminal(["resume", "--last", "--permission-mode", "default"]);
    await second.waitFor(new RegExp(`[●⏺] ${word("adopted")}`), START);
    await say(second, `SAY: ${word("second")}`);
    await second.waitFor(new RegExp(`[●⏺] ${word("second")}`), STEP);
    await place.wrote(word("second"));
    expect(await historyOf(word("second"))).toContain(word("adopted"));
    const session = await place.conversing();
    const id = session.conversation ?? "";
    expect(session).toMatchObject({
      cwd: place.project,
      command: ["claude", "--resume", id, "--permission-mode", "default"],
    });
    expect(await leave(second)).toMatchObject({ code: 0 });

    const listed = await place.run(["resume"]);
    expect(listed.out).toMatch(
      new RegExp(
        `^${id.slice(0, 8)}  here +\\d+ (?:s|min) +\\S*project  (A session|SAY: ${word("adopted")})$`,
        "m",
      ),
    );
    await using third = place.terminal(
      ["resume", session.id.slice(0, 13), "--permission-mode", "default"],
      "/",
    );
    await third.waitFor(new RegExp(`[●⏺] ${word("second")}`), START);
    expect(await place.conversing()).toMatchObject({ cwd: place.project, conversation: id });
    expect(await leave(third)).toMatchObject({ code: 0 });
    const files = readdirSync(join(place.projects, projectFolder(place.project)));
    expect(files.filter((name) => name.includes(".jsonl"))).toEqual([`${id}.jsonl`]);
  });

  test("a file of another home goes on in the folder of another directory, also a long and a strange one", async () => {
    await using there = await Place.open(api, version);
    const id = (await there.said(`SAY: ${word("moved")}`)) as ConversationId;
    await using here = await Place.open(api, version);
    const directory = join(here.project, `漢字 🙂 it's ${"long".repeat(50)}`);
    mkdirSync(directory);
    const devbox = { kind: "local", name: "there", dir: null } as const;
    const setup = { run: here.home, folder: null, ask: false };
    await fetchTo(directory, { devbox, setup, ...localShell(there.env) }, id, here.env);
    const listed = JSON.parse((await here.run(["resume", "--json"])).out) as { conversations: object[] };
    expect(listed.conversations).toMatchObject([{ id, first: `SAY: ${word("moved")}` }]);
    const { out, code } = await here.run(["resume", "--last", "-p", `SAY: ${word("there")}`], directory);
    expect({ out, code }).toEqual({ out: `${word("there")}\n`, code: 0 });
    expect(await historyOf(word("there"))).toContain(word("moved"));
    // Without --here its directory is needed; with it, it goes on wherever one stands.
    const elsewhere = join(here.project, "elsewhere");
    mkdirSync(elsewhere);
    expect((await here.run(["resume", id, "--here", "-p", `SAY: ${word("here")}`], elsewhere)).code).toBe(0);
    expect(await historyOf(word("here"))).toContain(word("there"));
    expect(existsSync(join(here.projects, projectFolder(elsewhere), `${id}.jsonl`))).toBe(true);
  });

  test("what a claude has open is asked about at the terminal, refused without one, and marked once it is open twice", async () => {
    await using place = await Place.open(api, version);
    await using bare = place.bare(["--permission-mode", "default"]);
    await bare.waitFor(READY, START);
    await say(bare, `SAY: ${word("alone")}`);
    await bare.waitFor(new RegExp(`[●⏺] ${word("alone")}`), STEP);
    await place.wrote(word("alone"));

    const refused = await place.run(["resume", "--last"]);
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toMatch(/a claude without us on this machine, .*project, process \d+/);
    await using asked = place.terminal(["resume", "--last", "--permission-mode", "default"]);
    await asked.waitFor(/Two claudes write to one file[\s\S]*Go on with it here as well\? \[y\/N\]/, STEP);
    asked.write("n\r");
    expect(await asked.exited).toEqual({ code: 5, signal: null });
    expect(await leave(bare)).toMatchObject({ code: 0 });

    // Its own state is gone with it: nobody is asked any more. A session of ours is named with the way to it.
    await using first = place.terminal(["resume", "--last", "--permission-mode", "default"]);
    await first.waitFor(new RegExp(`[●⏺] ${word("alone")}`), START);
    const session = await place.conversing();
    await using second = place.terminal(["resume", "--last", "--permission-mode", "default"]);
    const question = await second.waitFor(/as well\? \[y\/N\]/, STEP);
    expect(question).toContain(`session ${session.id.slice(0, 8)} on this machine`);
    expect(question).toContain(`claude-remote attach ${session.id.slice(0, 8)}`);
    expect(question).not.toContain("without us");
    second.write("y\r");
    await second.waitFor(new RegExp(`[●⏺] ${word("alone")}`), START);
    await until(
      "both sessions marked",
      async () => {
        const open = await place.sessions();
        return open.length === 2 && open.every(({ also_open }) => also_open?.length === 1);
      },
      STEP.timeout,
    );
    expect((await place.run(["resume"])).out).toContain("open 2×");
    await Promise.all([leave(first), leave(second)]);
  });
});

test("below a running claude nothing is gone on with", async () => {
  await using place = await Place.open(api, claudeVersions[0] ?? "");
  place.env.CLAUDECODE = "1";
  expect(await place.run(["resume", "--last"])).toMatchObject({ code: 5, out: "" });
});
