// The binary for another processor, run by an emulator: the demo's question comes to a paired phone and is answered there.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../release/compile.ts";
import { TARGETS } from "../../release/targets.ts";
import { textOf, until } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { TestViewer } from "../viewer.ts";

/** An emulated processor is about ten times slower; all of it takes 10 s on a machine that does nothing else. */
const PATIENCE_MS = 120_000;
const root = join(import.meta.dir, "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "cr-arm64-"));
const binary = join(folder, "claude-remote-linux-arm64");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// It needs Debian's packages of the emulator, which only the volume installs.
for (const engine of process.env.CLAUDE_REMOTE_TEST_ALL === "1" ? ["bun", "bun-pty"] : []) {
  test(
    `the binary for arm64 asks and is answered under an emulator, with the terminal engine ${engine}`,
    async () => {
      await compile(root, TARGETS["linux-arm64"] ?? "", binary);
      await using demo = emulatedDemo(engine);
      const { url, code } = JSON.parse(await until("a pairing code", () => demo.pairing, PATIENCE_MS));
      await using phone = await TestViewer.enter({ url: new URL(url).origin }, code);
      await phone.listen();
      const prompt = await until("a question", () => [...phone.prompts.values()][0], PATIENCE_MS);
      expect((await phone.answer("approve", prompt)).status).toBe(200);
      const end = () => phone.prompts.get(prompt.id)?.outcome;
      expect(await until("its end", end, PATIENCE_MS)).toBe("accepted");
    },
    2 * PATIENCE_MS,
  );
}

/** The demo in a terminal, and what `pair` printed beside it, in the same namespace: elsewhere no such program runs. */
function emulatedDemo(engine: string) {
  const own = join(folder, engine);
  for (const name of ["layer", "home"]) mkdirSync(join(own, name), { recursive: true });
  const home = join(own, "home");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: own,
    CLAUDE_REMOTE_HOME: home,
    CLAUDE_REMOTE_PTY: engine,
  };
  // On a busy machine the server starts later than a command waits for it.
  const paired = `until "$0" pair --yes --json >"$HOME/part" 2>/dev/null; do :; done; mv "$HOME/part" "$HOME/pair.json"`;
  const script = `{ ${paired}; } & exec "$0" demo`;
  const command = [join(import.meta.dir, "under-qemu.sh"), join(own, "layer"), "sh", "-c", script, binary];
  const terminal = new Terminal(command, { cwd: own, env });
  return {
    terminal,
    get pairing() {
      return textOf(join(home, "pair.json")) || null;
    },
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]();
      const server = textOf(join(home, "data", "server.json"));
      if (server) process.kill(JSON.parse(server).pid);
    },
  };
}
