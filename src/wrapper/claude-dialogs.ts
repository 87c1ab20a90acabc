// What is known of claude's screen and of the differences between its versions. Seen on 2.1.197 and 2.1.329.

/** Versions that every test with a real claude ran on; each has its recordings in `dialogs/testdata/`. */
export const COVERED: readonly string[] = ["2.1.197", "2.1.329"];

/** Newer versions run a subagent's hook before they draw the dialog: a hook that waits would hide it from the desk. */
const LAST_THAT_DRAWS_FIRST = [2, 1, 197];

/** Whether this version keeps a subagent's dialog back while its hook is pending. An unknown version is taken for a new one. */
export function holdsDialogBack(version: string | null): boolean {
  const parts = version
    ?.match(/^(\d+)\.(\d+)\.(\d+)/)
    ?.slice(1)
    .map(Number);
  if (!parts) return true;
  const at = parts.findIndex((part, i) => part !== LAST_THAT_DRAWS_FIRST[i]);
  return at >= 0 && (parts[at] ?? 0) > (LAST_THAT_DRAWS_FIRST[at] ?? 0);
}

/** Whether this output has claude's word that Ctrl-Z suspended it, plain and on a line of its own: it then hears nothing until SIGCONT. */
export const suspendNotice = (output: string): boolean =>
  /\nClaude Code (is|has been) suspended/.test(output);
