// What `device`, `viewer` and `token` share: which one is meant, and ending the right of one or of all.
import { admin } from "./background.ts";
import { agree, CommandError, printable } from "./command.ts";
import type { Paths } from "./paths.ts";

/** Something that was let in: a phone, a machine or a token. */
export type LetIn = { id: string; name: string };

type Kind<T> = {
  /** "phone" */
  word: string;
  /** The owner's route that lists them, and below which each stands. */
  path: string;
  all: readonly T[];
  /** What a person is told of one that has ended. */
  ended: (one: T) => string;
};

/** Ends one by its id or name, or with `all` every one, after a yes. Throws CommandError where there is none of that name. */
export async function revoke<T extends LetIn>(
  paths: Paths,
  { word, path, all, ended }: Kind<T>,
  wanted: { name?: string | undefined; all?: boolean | undefined; yes?: boolean | undefined },
): Promise<number> {
  if (wanted.all && all.length === 0) console.error(`There is no ${word} to revoke.`);
  if (wanted.all && all.length > 0)
    await agree(
      `Revoke ${all.map(({ name }) => printable(name)).join(", ")}?`,
      wanted.yes,
      "nobody was revoked",
    );
  const meant = wanted.all ? all : [chosen(word, all, wanted.name ?? "")];
  for (const one of meant) {
    await admin(paths, "DELETE", `${path}/${one.id}`);
    console.error(ended(one));
  }
  return 0;
}

function chosen<T extends LetIn>(word: string, all: readonly T[], wanted: string): T {
  const named = all.filter(({ name }) => name === wanted);
  const found = all.find(({ id }) => id === wanted) ?? named[0];
  if (!found)
    throw new CommandError(
      `there is no ${word} "${printable(wanted)}"; see claude-remote ${word === "phone" ? "viewer" : word} list`,
    );
  if (found.id !== wanted && named.length > 1)
    throw new CommandError(
      `${named.length} are called "${printable(wanted)}"; name one by its id: ${named.map(({ id }) => id).join(", ")}`,
    );
  return found;
}
