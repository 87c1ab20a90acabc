// A file on its way to another machine: in pieces, under a temporary name until it is whole.
import { shellWord } from "./script.ts";
import { LaunchError, saidBy } from "./ssh-errors.ts";

/** gzip takes one after another for one: so much at a time holds nothing else up for longer than some milliseconds. */
const PIECE_BYTES = 1024 * 1024;

/** Zipped it is half the bytes, at once faster than any network below 300 Mbit/s. */
export async function* pieces(file: string, zipped: boolean, onProgress: (bytes: number) => void) {
  const { size } = Bun.file(file);
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = await Bun.file(file)
      .slice(at, at + PIECE_BYTES)
      .bytes();
    yield zipped ? Bun.gzipSync(piece, { level: 1 }) : piece;
    onProgress(Math.min(size, at + PIECE_BYTES));
  }
}

/** A cut connection looks like the file's end: only the whole size is moved. */
export const copyScript = (path: string, size: number, mode: number, zipped: boolean) => `
path=${shellWord(path)}
mkdir -p -- "\${path%/*}" || exit 1
part=$path.part$$
trap 'rm -f -- "$part"' EXIT
trap 'exit 1' HUP INT TERM PIPE
umask 077
${zipped ? "gzip -dc" : "cat"} >"$part" || exit 1
[ "$(wc -c <"$part")" -eq ${size} ] || { echo "it arrived cut" >&2; exit 1; }
chmod ${mode.toString(8)} "$part" && mv -f -- "$part" "$path"`;

/** Why it did not arrive, by what that script said. */
export function copyError(name: string, path: string, err: string): LaunchError {
  const said = saidBy(err) || "no reason given";
  if (/No space left|Disk quota|quota exceeded|File too large/i.test(err))
    return new LaunchError(
      "disk_full",
      `${name}: there is no room for ${path} (${said})`,
      "Make room there: about 250 MB.",
    );
  if (/Permission denied|Read-only file system|Operation not permitted/i.test(err))
    return new LaunchError(
      "forbidden",
      `${name}: ${path} cannot be written (${said})`,
      "See that this user may write there.",
    );
  if (/Not a directory|File exists|Is a directory/i.test(err))
    return new LaunchError(
      "forbidden",
      `${name}: ${path} cannot be written (${said})`,
      "See what stands in its place.",
    );
  return new LaunchError("failed", `${name}: ${path} could not be put there (${said})`, "Try again.");
}
