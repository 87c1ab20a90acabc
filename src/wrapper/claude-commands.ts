// claude's own slash commands by version, as its list shows them, and which of them open a menu: recorded by typing each.
import type { Command } from "../protocol.ts";
import older from "./commands/2.1.197.json" with { type: "json" };
import newer from "./commands/2.1.329.json" with { type: "json" };

type Recorded = { name: string; about: string; hint?: string; menu?: boolean };

const RECORDED: [version: string, commands: Recorded[]][] = [
  ["2.1.197", older],
  ["2.1.329", newer],
];

/** Versions whose commands are known. */
export const commandVersions: readonly string[] = RECORDED.map(([version]) => version);

/** Those of that version; of another, those of the nearest one before it, or of the oldest; none of what is no version. */
export function claudeCommands(version: string | null): Command[] {
  if (version !== null && !/^\d+\.\d+\.\d+/.test(version)) return [];
  const before = RECORDED.filter(([known]) => version === null || notNewer(known, version));
  const [, commands] = before.at(-1) ?? RECORDED[0] ?? ["", []];
  return commands.map(({ menu, ...command }) => ({ ...command, from: "claude", ...(menu ? { menu } : {}) }));
}

/** A plugin's skill has the plugin's name before its own since this version. */
const PLUGIN_SKILLS_NAMED_SINCE = "2.1.198";

/** What a plugin's skill is called in this version. */
export const pluginSkill = (version: string | null, plugin: string, skill: string): string =>
  version !== null && !notNewer(PLUGIN_SKILLS_NAMED_SINCE, version) ? skill : `${plugin}:${skill}`;

function notNewer(a: string, b: string): boolean {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  const at = x?.findIndex((part, i) => part !== y?.[i]) ?? -1;
  return at < 0 || (x?.[at] ?? 0) < (y?.[at] ?? 0);
}
