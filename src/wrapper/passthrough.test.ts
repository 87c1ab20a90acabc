// claude run directly: nobody can tell that we were there.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Terminal } from "../testing/terminal.ts";

const program = join(import.meta.dir, "testdata/passthrough-program.ts");
const through = (...argv: string[]) => [process.execPath, program, ...argv];
const sh = (script: string, ...args: string[]) => through("/bin/sh", "-c", script, "sh", ...args);

let folder = "";
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "passthrough-test-")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("exit codes are claude's own", () => {
  for (const code of [0, 1, 7, 130, 255]) expect(Bun.spawnSync(sh(`exit ${code}`)).exitCode).toBe(code);
});

test("a signal that ends claude ends us", () => {
  for (const signal of ["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP"])
    expect(Bun.spawnSync(sh(`kill -${signal.slice(3)} $$`)).signalCode).toBe(signal as NodeJS.Signals);
});

test("a signal sent to us reaches claude, which decides", async () => {
  const script = "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.02; done";
  const child = Bun.spawn(sh(script), { stdout: "pipe" });
  let seen = "";
  for await (const bytes of child.stdout) {
    seen += Buffer.from(bytes).toString();
    if (seen === "ready\n") child.kill("SIGINT");
  }
  expect(await child.exited).toBe(9);
  expect(seen).toBe("ready\ninterrupted\n");
});

test("stdin, stdout and stderr are claude's, byte for byte", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const child = Bun.spawn(sh("cat; echo to stderr >&2"), { stdin: bytes, stdout: "pipe", stderr: "pipe" });
  expect(await new Response(child.stdout).bytes()).toEqual(bytes);
  expect(await new Response(child.stderr).text()).toBe("to stderr\n");
});

test("arguments and environment pass as they are", () => {
  const args = ["it's", "two\nlines", "", "é漢🙂"];
  const env = { PATH: process.env.PATH ?? "", A: "x=y\nz", EMPTY: "" };
  const shown = Bun.spawnSync(sh('printf "%s\\0" "$@"', ...args), { env }).stdout.toString();
  expect(shown.split("\0").slice(0, -1)).toEqual(args);
  const variables = Bun.spawnSync(through("/usr/bin/env", "-0"), { env }).stdout.toString();
  expect(variables.split("\0").slice(0, -1).sort()).toEqual(
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .sort(),
  );
});

test("claude ignores no signal that we ignored, and has no file of ours", () => {
  const signals = Bun.spawnSync(through("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status"));
  expect(signals.stdout.toString()).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  const files = Bun.spawnSync(through("ls", "/proc/self/fd"));
  expect(files.stdout.toString()).toBe("0\n1\n2\n3\n"); // 3 is the folder that ls reads.
});

test("it is the same process", async () => {
  const child = Bun.spawn(sh("echo $$"), { stdout: "pipe" });
  expect(Number(await new Response(child.stdout).text())).toBe(child.pid);
});

test("a program that is not there is a sentence", () => {
  const ran = Bun.spawnSync(through("/no/such/claude"), { stderr: "pipe" });
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr.toString()).toBe(
    "cannot start /no/such/claude: there is no such program, or it is not executable\n",
  );
});

test("Ctrl-Z, fg and Ctrl-C work in a shell as they do with claude alone", async () => {
  await using terminal = new Terminal(["bash", "--norc", "--noprofile", "-i"], {
    cwd: folder,
    env: { PATH: process.env.PATH, PS1: "$ ", HISTFILE: "" },
    cols: 400, // No path of this project is so long that the command would be wrapped.
  });
  await terminal.waitFor(/^\$$/m);
  terminal.write(`${through("sleep", "30").join(" ")}; echo "status $?"\n`);
  while (!Bun.spawnSync(["pgrep", "-P", String(terminal.pid), "-x", "sleep"]).success) await Bun.sleep(10);
  terminal.write("\x1a");
  await terminal.waitFor(/Stopped/);
  terminal.write("fg\n");
  await terminal.waitFor(/fg\n[^$]*sleep\s+30/);
  terminal.write("\x03");
  terminal.write('echo "after $?"\n');
  await terminal.waitFor(/after 130/);
});
