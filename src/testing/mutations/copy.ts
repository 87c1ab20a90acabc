// A copy of the program in a temporary folder, in which one file may be wrong. The work tree is never touched.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended } from "../ended.ts";

const root = join(import.meta.dir, "..", "..", "..");
/** What the tests and the simulation need. */
const PARTS = ["src", "public", "package.json", "tsconfig.json"];
/** One that goes round in circles is caught as well: then it is ended, ms. */
const LIMIT_MS = 120_000;

export class Copy implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "claude-remote-mutation-"));

  constructor() {
    for (const part of PARTS) cpSync(join(root, part), join(this.folder, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
  }

  /** Puts one text in the place of another, until disposed. */
  changed(file: string, text: string, instead: string): Disposable {
    const path = join(this.folder, file);
    const before = readFileSync(path, "utf8");
    writeFileSync(
      path,
      before.replace(text, () => instead),
    );
    return { [Symbol.dispose]: () => writeFileSync(path, before) };
  }

  /** Runs it with these words; `code` is null where it had to be ended. */
  async run(words: string[], input = ""): Promise<{ code: number | null; out: string }> {
    const child = Bun.spawn([process.execPath, ...words], {
      cwd: this.folder,
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
    const { out, err, code } = await ended(child);
    return { code: child.signalCode === null ? code : null, out: out + err };
  }

  [Symbol.dispose]() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
