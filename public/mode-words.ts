// claude's permission modes in words: what each is called, and what it means.
import type { PermissionMode, Session } from "../src/protocol.ts";

export type ModeWords = {
  name: string;
  about: string;
  /** What is asked before claude may do more than it may now; nothing where it asks anyway. */
  sure: string;
};

/** From the narrowest to the widest. */
export const MODES: Record<PermissionMode, ModeWords> = {
  plan: {
    name: "Plan",
    about: "Reads and plans. Changes nothing until you approve the plan.",
    sure: "",
  },
  dontAsk: {
    name: "Don't ask",
    about: "Refuses whatever it would have to ask about.",
    sure: "",
  },
  default: {
    name: "Manual",
    about: "Asks before each change and each command that is not allowed yet.",
    sure: "",
  },
  acceptEdits: {
    name: "Accept edits",
    about: "Changes files of the project without asking. Asks before commands.",
    sure: "It will change files of the project without asking you. It goes on asking before commands.",
  },
  auto: {
    name: "Auto",
    about: "Runs what a check of Claude's own takes for safe, commands too. Asks seldom.",
    sure: "It will change files and run commands without asking you, wherever a check of its own takes them for safe. That check decides, not you.",
  },
  bypassPermissions: {
    name: "Bypass",
    about: "Runs everything, at once. Nothing is asked.",
    sure: "It will run everything at once: any command, any change, anywhere this user may. No question will reach you any more.",
  },
};

/** From the narrowest to the widest, as they are offered. */
export const ORDER: readonly PermissionMode[] = [
  "plan",
  "default",
  "acceptEdits",
  "auto",
  "bypassPermissions",
];

/** A mode by the name that claude's hooks use; null for one that nobody knows. */
export const modeOf = (name: string | null): PermissionMode | null =>
  name !== null && Object.hasOwn(MODES, name) ? (name as PermissionMode) : null;

/** What a mode is called, also one that nobody knows. */
export const modeName = (name: string | null): string => {
  const known = modeOf(name);
  return known ? MODES[known].name : (name ?? "not known yet");
};

/** Whether claude does more without asking in `to` than in `from`. */
export function widens(from: PermissionMode | null, to: PermissionMode): boolean {
  if (MODES[to].sure === "") return false;
  const place = (mode: PermissionMode) => (mode === "dontAsk" ? -1 : ORDER.indexOf(mode));
  return from === null || place(to) > place(from);
}

const BYPASS = /^--(allow-)?dangerously-skip-permissions$|^(--permission-mode=)?bypassPermissions$/;

/** The modes that a session can be switched to: bypassing only where it was started so. */
export function offered({
  command,
  permission_mode,
}: Pick<Session, "command" | "permission_mode">): PermissionMode[] {
  const bypass = permission_mode === "bypassPermissions" || command.some((word) => BYPASS.test(word));
  return ORDER.filter((mode) => mode !== "bypassPermissions" || bypass);
}
