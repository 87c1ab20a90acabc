import { expect, test } from "bun:test";
import { Crowd } from "./crowd.ts";
import { OwnServer } from "./own-server.ts";

test("SEC-075 fifty pages and twenty-five machines on one server: each question is on every page, and memory is given back", async () => {
  const env = { CLAUDE_REMOTE_PORT: "0", CLAUDE_REMOTE_MAX_STREAMS: "50", CLAUDE_REMOTE_MAX_WRAPPERS: "25" };
  await using server = await OwnServer.start({ env });
  using crowd = new Crowd(server);
  await crowd.join(25);
  await crowd.watch(50);
  const before = server.rss;
  for (const machine of crowd.machines.slice(0, 5)) {
    const times = await crowd.ask(machine);
    expect(times).toHaveLength(50);
  }
  for (let round = 0; round < 5; round++) for (const machine of crowd.machines) machine.paint();
  expect(await server.admin("GET", "/status")).toMatchObject({ wrappers: 25, streams: 50 });
  // The settings are limits: one more page ends the oldest, one more machine is told that the server is busy.
  await crowd.watch(1);
  expect(await server.admin("GET", "/status")).toMatchObject({ streams: 50 });
  const late = new Crowd(server);
  const joined = late.join(1);
  joined.catch(() => {}); // It is let in only once another one has gone.
  while (!late.machines[0]?.link.refused) await Bun.sleep(10);
  expect(late.machines[0].link.refused).toMatchObject({ code: "busy" });
  late[Symbol.dispose]();
  crowd.leave();
  while (Number((await server.admin("GET", "/status")).streams) > 0) await Bun.sleep(20);
  expect(server.rss - before).toBeLessThan(64);
}, 120_000);
