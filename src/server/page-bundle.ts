// Runs while assets.ts is loaded or compiled (a macro): the whole page as one plain object, so that it is in the binary.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "../../public");

/** The page's files as base64, by name. The script is bundled by a process of its own: Bun.build blocks in a macro. */
export function page(): Record<string, string> {
  const command = [process.execPath, "build", join(FOLDER, "app.ts"), "--target=browser", "--minify"];
  const script = Bun.spawnSync(command);
  if (script.exitCode !== 0) throw new Error(`The page does not build: ${script.stderr.toString()}`);
  const icons = readdirSync(join(FOLDER, "icons")).map((name) => `icons/${name}`);
  const files = ["index.html", "app.css", "manifest.webmanifest", ...icons];
  const embedded = files.map((name) => [name, readFileSync(join(FOLDER, name)).toString("base64")]);
  return { "app.js": script.stdout.toString("base64"), ...Object.fromEntries(embedded) };
}
