// From here to a devbox and back: a real claude there, in a session that outlives the line.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../conversations/folder.ts";
import { LEAVE } from "../attach/place.ts";
import { messagesApi } from "../messages-api.ts";
import { claudeHome, claudePath, claudeVersions } from "../real-claude.ts";
import { DevboxWorld, standIn } from "../ssh/world.ts";
import { until } from "../transparency/rig.ts";
import { READY, START, STEP, STORY_MS, say } from "./place.ts";

setDefaultTimeout(STORY_MS);

const api = await messagesApi();
afterAll(() => api[Symbol.asyncDispose]());

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

// What differs between versions is tried in claude.test.ts; here it is the way there and back that counts.
describe.each(claudeVersions.slice(-1))("claude %s", (version) => {
  const said = (name: string) => `${name}-${version.replaceAll(".", "-")}`;

  test("resume --on carries the files there, and what is said there comes back after the turn", async () => {
    await using made = await claudeHome({ api });
    const { HOME: _, TMPDIR: __, PATH: ___, ...env } = made.env;
    const exports = Object.entries(env).map(([name, value]) => `export ${name}=${word(value)}`);
    const script = standIn([...exports, `exec ${claudePath(version)} "$@"`].join("\n"));
    const files = { ".local/bin/claude*": script, "app/.keep": "" };
    await using world = await DevboxWorld.open([{ name: "box", files }]);
    Object.assign(world.env, env, { CLAUDE_REMOTE_CLAUDE: claudePath(version) });
    const host = world.hosts.host("box");
    const home = world.env.HOME ?? "";
    const [here, there] = [join(home, "app"), join(host.home, "app")];
    mkdirSync(here);
    const state = readFileSync(join(made.home, ".claude.json"), "utf8").replaceAll(made.project, there);
    host.put(".claude.json", state);
    await world.add("box");

    const claude = [claudePath(version), "-p", "--output-format", "json", `SAY: ${said("here")}`];
    const child = Bun.spawn(claude, { cwd: here, env: world.env, stdin: "ignore" });
    const { session_id: id } = (await new Response(child.stdout).json()) as { session_id: string };

    const desk = world.terminal("resume", id.slice(0, 8), "--on", "box", "--permission-mode", "default");
    await desk.waitFor(new RegExp(`[●⏺] ${said("here")}`), START);
    await desk.waitFor(READY, STEP);
    await say(desk, `SAY: ${said("there")}`);
    await desk.waitFor(new RegExp(`[●⏺] ${said("there")}`), STEP);
    const own = join(home, ".claude", "projects", projectFolder(here), `${id}.jsonl`);
    await until(
      "the turn's files",
      () => readFileSync(own, "utf8").includes(`"${said("there")}"`),
      STEP.timeout,
    );
    await until("word of them", async () => (await world.sessions())[0]?.copy != null, STEP.timeout);
    const [session] = await world.sessions();
    expect(session).toMatchObject({
      device_name: "box",
      cwd: there,
      conversation: id,
      copy: { problem: null },
    });

    // Open there: here it is refused without a terminal, with the line that attaches.
    const refused = await world.ran("resume", id, "-p", "SAY: never");
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toContain(`session ${session?.id.slice(0, 8)} on box`);
    desk.write(LEAVE);
    expect((await desk.exited).code).toBe(0);
    await world.run("stop", session?.id ?? "");
    expect(await world.run("resume", id, "-p", `SAY: ${said("back")}`)).toBe(said("back"));
    const { body } = await api.waitFor(({ prompt }) => prompt.includes(said("back")), STEP);
    expect(JSON.stringify(body)).toContain(said("there"));
    await world.clean("box");
  });
});
