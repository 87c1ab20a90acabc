// Every mutation, by a name of its own: the file's and the guard's.
import type { Guard } from "./guard.ts";
import { HOOK_GUARDS } from "./hook-guards.ts";
import { SERVER_GUARDS } from "./server-guards.ts";
import { STORE_GUARDS } from "./store-guards.ts";
import { WRAPPER_GUARDS } from "./wrapper-guards.ts";

export type Mutation = Guard & { name: string; file: string; tests: string[]; simulated: boolean };

export const MUTATIONS: Mutation[] = [
  ...WRAPPER_GUARDS,
  ...HOOK_GUARDS,
  ...SERVER_GUARDS,
  ...STORE_GUARDS,
].flatMap(({ file, tests, guards, outside }) =>
  guards.map((guard) => {
    const name = `${file.replace(/^src\//, "").replace(/\.ts$/, "")}: ${guard.id}`;
    return { ...guard, name, file, tests, simulated: !outside };
  }),
);
