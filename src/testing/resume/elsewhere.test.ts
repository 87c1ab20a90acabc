// A conversation that lives on a devbox, as a user meets it: found, fetched, gone on with here; and when the way is not there.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectFolder } from "../../conversations/folder.ts";
import { messagesApi } from "../messages-api.ts";
import { claudeVersions } from "../real-claude.ts";
import { Hosts } from "../ssh/hosts.ts";
import { Place, STEP, STORY_MS } from "./place.ts";

setDefaultTimeout(STORY_MS);

const api = await messagesApi();
afterAll(() => api[Symbol.asyncDispose]());

async function historyOf(text: string): Promise<string> {
  const { body } = await api.waitFor(({ prompt }) => prompt.includes(text), STEP);
  return JSON.stringify(body);
}

// What differs between versions is tried in claude.test.ts; here it is the way there and back that counts.
describe.each(claudeVersions.slice(-1))("claude %s", (version) => {
  const word = (name: string) => `${name}-${version.replaceAll(".", "-")}`;

  test("it is listed, asked about while open there, fetched, and gone on with here although the devbox is gone", async () => {
    await using hosts = await Hosts.open({ name: "buildbox" });
    const host = hosts.host("buildbox");
    await using place = await Place.open(api, version, {
      env: { CLAUDE_REMOTE_SSH_FOLDER: hosts.setup.folder ?? "" },
    });
    const [there, here] = [join(host.home, "app"), join(place.home, "app")];
    for (const folder of [there, here]) mkdirSync(folder);
    const id = await place.said(`SAY: ${word("there")}`, { cwd: there, home: host.home });
    expect((await place.run(["resume"])).err).toContain("no conversations yet");
    await place.admin("POST", "/devboxes", host.devbox);

    const listed = await place.run(["resume"]);
    const row = `^${id.slice(0, 8)}  buildbox  \\d+ (?:s|min) +\\S*app  SAY: ${word("there")}$`;
    expect(listed).toMatchObject({ err: "", out: expect.stringMatching(new RegExp(row, "m")) });

    const states = join(host.home, ".claude", "sessions");
    mkdirSync(states, { recursive: true });
    const state = { sessionId: id, cwd: there, startedAt: Date.now(), status: "idle" };
    writeFileSync(join(states, `${process.pid}.json`), JSON.stringify(state));
    const refused = await place.run(["resume", id.slice(0, 8), "-p", "SAY: never"]);
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toContain(`a claude without us on buildbox, ${there}, process ${process.pid}`);
    rmSync(join(states, `${process.pid}.json`));

    const gone = await place.run(["resume", id.slice(0, 8), "-p", `SAY: ${word("here")}`]);
    expect(gone).toEqual({ out: `${word("here")}\n`, err: "", code: 0 });
    expect(await historyOf(word("here"))).toContain(word("there"));
    const own = join(place.projects, projectFolder(here), `${id}.jsonl`);
    expect(readFileSync(own, "utf8")).toContain(word("here"));
    expect((await place.run(["resume"])).out).toMatch(/ {2}here \+1 {2}/);

    // Both went on: what is here is set aside for what is fetched, and nothing is lost.
    await Bun.sleep(1_100); // Which is newer is told by whole seconds.
    await place.said(`SAY: ${word("apart")}`, { cwd: there, home: host.home, resume: id });
    const both = await place.run(["resume", id, "-p", `SAY: ${word("again")}`]);
    expect(both.err).toMatch(/what stood here said something else; it is kept as \S+\.jsonl\.\d{14}/);
    expect(await historyOf(word("again"))).toContain(word("apart"));
    const aside = readdirSync(dirname(own)).find((name) => /\.jsonl\.\d{14}$/.test(name)) ?? "";
    expect(readFileSync(join(dirname(own), aside), "utf8")).toContain(word("here"));

    await host.stop(true);
    const list = await place.run(["resume"]);
    expect(list.err).toMatch(/buildbox.*what the server knows of buildbox is marked \*/);
    expect(list.out).toContain(id.slice(0, 8));
    const stale = await place.run(["resume", "--last", "-p", `SAY: ${word("alone")}`], here);
    expect(stale).toMatchObject({ out: `${word("alone")}\n`, code: 0 });
    expect(await historyOf(word("alone"))).toContain(word("again"));
  });
});
