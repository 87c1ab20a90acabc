// A stranger's browser becomes a paired phone: by the typed code, or with a yes to two digits at a terminal.
import { expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { stories } from "./world.ts";

const story = stories();
const [version = ""] = claudeVersions;

story("the code may be typed, as people type it; a wrong one lets nobody in", version, async (world) => {
  const [phone, { url, code }] = await Promise.all([world.stranger(), world.pairing()]);
  await phone.goto(new URL("/", url).href);
  await phone.page.getByLabel("Code").fill("0000-0000");
  await phone.button("Pair this phone").tap();
  await phone.page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
  await phone.picture("story-pair-typed");
  await phone.page.getByLabel("Code").fill(` ${code.replace("-", "").toLowerCase()} `);
  await phone.button("Pair this phone").tap();
  await phone.page.getByText("No Claude session yet").waitFor();
  await phone.picture("story-list-empty");
});

story("the two digits of the phone are the terminal's; a yes there lets it in", version, async (world) => {
  const terminal = world.terminal("pair");
  const shown = await terminal.waitFor(/Code \S+,/);
  const [, code = ""] = /Code (\S+),/.exec(shown) ?? [];
  const [, page = ""] = /(http:\S+)\/pair/.exec(shown) ?? [];
  await terminal.waitFor(/^(5:00|4:\d\d) left$/m);
  const phone = await world.stranger();
  await phone.goto(`${page}/pair#${code}`);
  await phone.button("Pair this phone").tap();
  const digits = await phone.reads(phone.part("digits"), /^\d\d$/);
  await phone.picture("story-pair-digits");
  expect(await terminal.waitFor(/shows the number/)).toContain(
    `shows the number ${digits}. Let it in? [y/N]`,
  );
  terminal.write("y\r");
  await phone.page.getByText("No Claude session yet").waitFor();
  expect(await terminal.exited).toEqual({ code: 0, signal: null });
  expect(terminal.screen()).toMatch(/Paired: .*\(Chrome\)/);
});
