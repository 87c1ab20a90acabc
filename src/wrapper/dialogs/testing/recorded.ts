// The recorded screens of claude, one folder per version: NAME.COLSxROWS.bin replays to the screen.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Screen } from "../../../screen.ts";
import { Emulator } from "../../emulator.ts";

const FOLDERS = [join(import.meta.dir, "../../testdata"), join(import.meta.dir, "../testdata")];
const isVersion = (name: string) => /^\d+\.\d+\.\d+$/.test(name);
const RECORDING = /^(.+)\.(\d+)x(\d+)\.bin$/;

export type Recording = { version: string; name: string; size: string; path: string };

/** Every recording there is, by version and name. */
export function recordings(): Recording[] {
  const found = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter(isVersion)
      .flatMap((version) =>
        readdirSync(join(folder, version)).flatMap((file) => {
          const [, name, cols, rows] = RECORDING.exec(file) ?? [];
          const path = join(folder, version, file);
          return name ? [{ version, name, size: `${cols}x${rows}`, path }] : [];
        }),
      ),
  );
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The screen at the end of a recording, with more written after it, or at another size. */
export async function screenOf(
  { path, size }: Recording,
  change: { more?: string; cols?: number; rows?: number } = {},
): Promise<Screen> {
  const [cols = 0, rows = 0] = size.split("x").map(Number);
  using emulator = new Emulator({ cols: change.cols ?? cols, rows: change.rows ?? rows });
  emulator.write(readFileSync(path));
  if (change.more) emulator.write(Buffer.from(change.more));
  await emulator.settled();
  return emulator.screen();
}

/** One recording's screen, by its names. */
export function recorded(version: string, name: string, size = "100x40", more = ""): Promise<Screen> {
  const found = recordings().find((one) => one.version === version && one.name === name && one.size === size);
  if (!found) throw new Error(`there is no recording ${version}/${name}.${size}`);
  return screenOf(found, { more });
}
