// Every mutation, by a name of its own: the file's and the guard's. Those of src/<room>/x.ts stand in <room>/x.ts here.
import type { Guard } from "./guard.ts";
import { HOOK_GUARDS } from "./hook-guards.ts";
import { CONNECTION } from "./server/connection.ts";
import { PROMPTS as SERVER_PROMPTS } from "./server/prompts.ts";
import { RESPOND } from "./server/respond.ts";
import { SESSIONS } from "./server/sessions.ts";
import { UPLINK } from "./server/uplink.ts";
import { STORE_GUARDS } from "./store-guards.ts";
import { CALLS } from "./wrapper/calls.ts";
import { DECIDER } from "./wrapper/decider.ts";
import { FACTS } from "./wrapper/facts.ts";
import { HELD } from "./wrapper/held-prompt.ts";
import { LINK } from "./wrapper/link.ts";
import { PROMPTS } from "./wrapper/prompts.ts";

export type Mutation = Guard & { name: string; file: string; tests: string[]; simulated: boolean };

export const MUTATIONS: Mutation[] = [
  ...[PROMPTS, DECIDER, CALLS, FACTS, HELD, LINK],
  ...HOOK_GUARDS,
  ...[SERVER_PROMPTS, CONNECTION, UPLINK, SESSIONS, RESPOND],
  ...STORE_GUARDS,
].flatMap(({ file, tests, guards, outside }) =>
  guards.map((guard) => {
    const name = `${file.replace(/^src\//, "").replace(/\.ts$/, "")}: ${guard.id}`;
    return { ...guard, name, file, tests, simulated: !outside };
  }),
);
