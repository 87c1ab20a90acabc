// Which conversation is meant: the newest of a directory, or the one whose id begins so.
import { CommandError, printable, USAGE } from "../command.ts";
import type { Atlas } from "../conversations/atlas.ts";
import { projectFolder, realDirectory } from "../conversations/folder.ts";
import type { Known } from "../conversations/known.ts";
import { shortId } from "../sessions.ts";
import { ASKED_MS } from "./list.ts";

/** The newest of the directory that one stands in, whoever started it. */
export async function lastHere(atlas: Atlas): Promise<Known> {
  await atlas.here({ folder: projectFolder(realDirectory(process.cwd()) ?? process.cwd()) });
  const one = atlas.known().find(({ copies }) => copies.some(({ where }) => where === null));
  if (one) return one;
  throw new CommandError(
    "there is no conversation in this directory; claude-remote resume lists all there are",
  );
}

/** The one whose id, or whose session's id, begins so: of those that are known here first, else of every devbox. */
export async function find(atlas: Atlas, wanted: string): Promise<Known> {
  const begin = wanted.toLowerCase();
  if (!/^[0-9a-f-]{1,36}$/.test(begin)) throw new CommandError(`${printable(wanted)} begins no id`, USAGE);
  const { sessions, recorded, devboxes } = atlas.server;
  const ofSession = [
    ...sessions.filter(({ id }) => id.startsWith(begin)).map(({ conversation }) => conversation),
    ...recorded.filter((row) => row.sessions.some((id) => id.startsWith(begin))).map(({ id }) => id),
  ];
  const [conversation] = ofSession;
  const search = conversation ?? begin;
  const found = () => atlas.known().filter(({ id }) => id.startsWith(search) || ofSession.includes(id));
  await atlas.here({ begin: search });
  if (found().length === 0) {
    const signal = AbortSignal.timeout(ASKED_MS);
    await Promise.all(devboxes.map((devbox) => atlas.there(devbox, { begin: search }, { signal })));
  }
  const [one, another] = found();
  if (!one)
    throw new CommandError(`there is no conversation ${printable(wanted)}; claude-remote resume lists them`);
  if (another)
    throw new CommandError(
      `${printable(wanted)} may be ${found()
        .map(({ id }) => shortId(id, found()))
        .join(", ")}; give more of it`,
    );
  return one;
}
