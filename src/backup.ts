// `claude-remote backup`: everything the server keeps in one file, while it runs.
import { resolve } from "node:path";
import { makeBackup } from "./backup/make.ts";
import { ArchiveError } from "./backup/tar.ts";
import { CommandError, flags, printable, USAGE } from "./command.ts";
import { loadConfig } from "./config.ts";
import { VERSION } from "./version.ts";

const USAGE_LINE = "claude-remote backup <file> [--with-key]";

/** Writes the file; resolves with 0. */
export async function backup(args: string[]): Promise<number> {
  const { values, positionals } = flags(args, { "with-key": { type: "boolean" } }, USAGE_LINE);
  const [given, more] = positionals;
  if (given === undefined || more !== undefined) throw new CommandError(`Usage: ${USAGE_LINE}`, USAGE);
  const file = resolve(given);
  const withKeys = values["with-key"] === true;
  const { data } = loadConfig().paths;
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  try {
    const options = { data, file, withKeys, version: VERSION, now: Date.now(), signal: stop.signal };
    const { files } = await makeBackup(options);
    const names = files.map(({ name, bytes }) => `${name} (${bytes} bytes)`);
    console.error(`${printable(file)}: ${names.join(", ")}`);
    console.error(withKeys ? WITH_KEY : WITHOUT_KEY);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) throw new CommandError("no backup was made: it was interrupted");
    if (error instanceof ArchiveError) throw new CommandError(error.message);
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      `no backup was made: ${why}. See that ${printable(file)} may be written and has room.`,
    );
  }
}

const WITH_KEY = "It holds the master key: whoever has the file can pass for any of your machines.";
const WITHOUT_KEY =
  "Without the master key: restored elsewhere, other machines have to be enrolled anew (--with-key puts it in).";
