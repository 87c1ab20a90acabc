// `claude-remote demo`: the same story for who has no claude here.
import { expect } from "bun:test";
import { claudeVersions } from "../real-claude.ts";
import { cardReady, leave, openCard, outcome } from "./acts.ts";
import { stories } from "./world.ts";

const story = stories();
const [version = ""] = claudeVersions;

story("the demo asks, is answered on the phone, and goes on to its end", version, async (world) => {
  const desk = world.terminal("demo");
  const phone = await world.phone();
  await openCard(phone, "Run this command?");
  await phone.picture("story-demo-card");
  await phone.part("approve").tap();
  await outcome(phone, /Claude accepted/);
  await phone.reads(phone.part("next"), /Next one waiting/);
  await phone.part("next").tap();
  await cardReady(phone, "Change this file?");
  await phone.part("approve").tap();
  await outcome(phone, /Claude accepted/);
  await desk.waitFor(/That was the story/);
  expect(await leave(desk)).toEqual({ code: 0, signal: null });
});
