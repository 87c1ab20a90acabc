// The contract of a terminal engine, run against both. Where bun-pty cannot keep it, what it does instead is expected.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPty, type Pty, type PtyEngine, type PtyExit, type PtyOptions } from "./pty.ts";

const PATH = process.env.PATH ?? "";
const MB = 1_000_000;
const all = process.env.CLAUDE_REMOTE_TEST_ALL === "1";

/** Where the engines differ: docs/pty.md says why. */
const ENGINES: { engine: PtyEngine; ended: (signal: string) => PtyExit; brakes: boolean }[] = [
  { engine: "bun", ended: (signal) => ({ code: null, signal }), brakes: true },
  { engine: "bun-pty", ended: () => ({ code: 1, signal: null }), brakes: false },
];

let folder = "";
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "pty-test-")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A running program with what it wrote so far. */
class Running {
  readonly pty: Pty;
  readonly exited: Promise<PtyExit>;
  exits = 0;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  readonly #looks = new Set<() => void>();

  constructor(engine: PtyEngine, argv: string[], options: Partial<PtyOptions> = {}) {
    const exit = Promise.withResolvers<PtyExit>();
    this.exited = exit.promise;
    this.pty = openPty(engine, {
      argv,
      cwd: folder,
      env: { PATH },
      cols: 80,
      rows: 24,
      onData: (bytes) => this.#received(bytes),
      onExit: (end) => {
        this.exits++;
        exit.resolve(end);
      },
      ...options,
    });
  }

  #received(bytes: Uint8Array) {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    for (const look of this.#looks) look();
  }

  get output(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get bytes() {
    return this.#bytes;
  }

  /** Resolves when the program has written so much, or this text. */
  until(wanted: number | string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const there = () =>
      typeof wanted === "number" ? this.#bytes >= wanted : this.output.toString().includes(wanted);
    const look = () => there() && resolve();
    this.#looks.add(look);
    look();
    return promise.finally(() => this.#looks.delete(look));
  }

  write(text: string) {
    this.pty.write(Buffer.from(text));
  }
}

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const openFiles = () => readdirSync("/proc/self/fd").length;
const sh = (script: string, ...args: string[]) => ["sh", "-c", script, "sh", ...args];

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pid: number) {
  while (alive(pid)) await Bun.sleep(5);
}

/** Our children that have ended and that nobody waited for. */
function zombies(): string[] {
  const children = Bun.spawnSync(["ps", "-o", "pid=,stat=,comm=", "--ppid", String(process.pid)]);
  return children.stdout
    .toString()
    .split("\n")
    .filter((line) => /^\s*\d+\s+Z/.test(line));
}

describe.each(ENGINES)("$engine:", ({ engine, ended, brakes }) => {
  const open = (argv: string[], options?: Partial<PtyOptions>) => new Running(engine, argv, options);
  const run = async (argv: string[], options?: Partial<PtyOptions>) => {
    const running = open(argv, options);
    const exit = await running.exited;
    return { exit, output: running.output, text: running.output.toString() };
  };

  async function echoed(size: number) {
    const bytes = randomFillSync(Buffer.alloc(size));
    const running = open(sh("stty raw -echo; printf READY; exec cat"));
    await running.until("READY");
    running.pty.write(bytes);
    await running.until(size + 5);
    running.pty.kill("SIGTERM");
    await running.exited;
    expect(running.bytes).toBe(size + 5);
    expect(sha(running.output.subarray(5))).toBe(sha(bytes));
  }

  test("20 MB of bytes that are not UTF-8 go in and come out unchanged", () => echoed(20 * MB), 20_000);

  if (all) {
    test("100 MB of bytes that are not UTF-8 go in and come out unchanged", () => echoed(100 * MB), 60_000);
  }

  test("a paste of 1 MB reaches a slow reader whole", async () => {
    const paste = Buffer.from(randomFillSync(Buffer.alloc(MB / 2)).toString("hex"));
    const slowly = "for i in $(seq 100); do head -c 10000; sleep 0.002; done | sha256sum";
    const running = open(sh(`stty raw -echo; printf READY; sleep 0.1; ${slowly}`));
    await running.until("READY");
    running.pty.write(paste);
    await running.exited;
    expect(running.output.toString()).toBe(`READY${sha(paste)}  -\n`);
  });

  test("an exit code is reported as it is", async () => {
    for (const code of [0, 1, 7, 130, 143, 255])
      expect((await run(sh(`exit ${code}`))).exit).toEqual({ code, signal: null });
  });

  test("a program that a signal ended is reported as this engine can", async () => {
    for (const signal of ["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP"] as const) {
      const running = open(["sleep", "30"]);
      running.pty.kill(signal);
      expect(await running.exited).toEqual(ended(signal));
    }
  });

  test("Ctrl-C at the terminal interrupts the program", async () => {
    const running = open(sh("printf READY; exec sleep 30"));
    await running.until("READY");
    running.write("\x03");
    expect(await running.exited).toEqual(ended("SIGINT"));
  });

  test("a signal that the program handles reaches it, and it decides its exit code", async () => {
    const running = open(sh("trap 'echo got it; exit 9' TERM; printf READY; while :; do sleep 0.02; done"));
    await running.until("READY");
    running.pty.kill("SIGTERM");
    expect(await running.exited).toEqual({ code: 9, signal: null });
    expect(running.output.toString()).toContain("got it");
  });

  test("all output has come when the exit is reported, 200 times", async () => {
    const once = async () => {
      const { exit, text } = await run(sh("printf END; exit 7"));
      return { exit, text };
    };
    for (let round = 0; round < 20; round++) {
      const ends = await Promise.all(Array.from({ length: 10 }, once));
      expect(ends).toEqual(Array(10).fill({ exit: { code: 7, signal: null }, text: "END" }));
    }
  }, 60_000);

  test("200 kB written just before the end all come", async () => {
    for (let round = 0; round < 10; round++) {
      const { output } = await run(sh("stty raw; head -c 200000 /dev/zero"));
      expect(output.length).toBe(200_000);
    }
  });

  test("a background process that keeps the terminal open does not put the end off", async () => {
    const { exit, text } = await run(sh("trap '' HUP; sleep 100 & echo $!; exit 5"));
    expect(exit).toEqual({ code: 5, signal: null });
    expect(process.kill(Number(text), "SIGKILL")).toBe(true); // It still runs.
  });

  test("a storm of sizes ends on the last one", async () => {
    const running = open(sh("trap '' WINCH; printf READY; read line; stty size"));
    await running.until("READY");
    for (let i = 0; i < 500; i++) running.pty.resize(40 + (i % 100), 10 + (i % 50));
    running.pty.resize(133, 44);
    running.write("\n");
    await running.exited;
    expect(running.output.toString()).toContain("44 133");
  });

  test("a size out of range is brought within 2–500 columns and 2–200 rows", async () => {
    const running = open(sh("stty size; read line; stty size; read line; stty size"), {
      cols: 70_000,
      rows: 0,
    });
    await running.until("2 500");
    running.pty.resize(-1, 100_000);
    running.write("\n");
    await running.until("200 2");
    running.pty.resize(Number.NaN, 30.9);
    running.write("\n");
    await running.until("30 2");
    await running.exited;
  });

  test("the environment is exactly what was given", async () => {
    const env = { PATH, A: "1", EMPTY: "", "WITH SPACE": "x 'y' \"z\"", LINES2: "a\nb=c", CAFÉ: "é漢🙂" };
    const { text } = await run(["env", "-0"], { env });
    const wanted = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    expect(text.replaceAll("\r\n", "\n").split("\0").filter(Boolean).sort()).toEqual(wanted.sort());
    expect((await run(["/usr/bin/env"], { env: {} })).text).toBe("");
    expect((await run(["/usr/bin/env"], { env: { TERM: "dumb" } })).text).toBe("TERM=dumb\r\n");
  });

  test("the arguments are exactly what was given", async () => {
    const args = [
      "it's",
      '"quoted"',
      "two\nlines",
      "",
      "é漢🙂",
      "$HOME `id` \\ *",
      "-n",
      "x".repeat(100_000),
    ];
    const show = 'stty -opost; for arg in "$@"; do printf "%s\\0" "$arg"; done';
    const { text } = await run(sh(show, ...args));
    expect(text.split("\0").slice(0, -1)).toEqual(args);
  });

  test("the program runs in the folder that was named, with the terminal as its own", async () => {
    const { text } = await run(sh("pwd; tty; test -t 0 && test -t 1 && test -t 2 && echo all; : </dev/tty"));
    const [cwd, tty, three] = text.split("\r\n");
    expect([cwd, three]).toEqual([folder, "all"]);
    expect(tty).toMatch(/^\/dev\/(pts\/|tty)/);
  });

  test("the program has no files open but the terminal", async () => {
    const { text } = await run(sh("exec ls /proc/self/fd"));
    expect(text.trim().split(/\s+/)).toEqual(["0", "1", "2", "3"]); // 3 is the folder that ls reads.
  });

  test("an error in what is done with the output ends nothing", async () => {
    const faults: unknown[] = [];
    const running = open(sh("echo one; read line; echo two; exit 3"), {
      onData: (bytes) => {
        running.write("\n");
        throw new Error(`cannot use ${bytes.length} bytes`);
      },
      onFault: (error) => faults.push(error),
    });
    expect(await running.exited).toEqual({ code: 3, signal: null });
    expect(faults.length).toBeGreaterThan(0);
  });

  test("bytes that were handed out are never changed afterwards", async () => {
    const kept: { bytes: Uint8Array; digest: string }[] = [];
    const running = open(sh("stty raw; head -c 3000000 /dev/urandom"), {
      onData: (bytes) => kept.push({ bytes, digest: sha(bytes) }),
    });
    await running.exited;
    expect(kept.filter(({ bytes, digest }) => sha(bytes) !== digest)).toEqual([]);
  });

  test(`a consumer that takes its time ${brakes ? "slows the program" : "does not slow the program: it is read ahead"}`, async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const written = () =>
      Number(readFileSync(`/proc/${running.pty.pid}/io`, "utf8").match(/wchar: (\d+)/)?.[1]);
    let calls = 0;
    const running = open(["head", "-c", String(200 * MB), "/dev/zero"], {
      onData: () => {
        if (++calls > 1) return;
        const before = written();
        const from = performance.now();
        do Bun.sleepSync(400);
        while (!brakes && written() - before < 2 * MB && performance.now() - from < 20_000);
        resolve(written() - before);
      },
    });
    const ahead = await promise;
    running.pty.close();
    if (brakes) expect(ahead).toBeLessThan(MB);
    else expect(ahead).toBeGreaterThanOrEqual(2 * MB);
    await gone(running.pty.pid);
  });

  test("closing hangs a running program up and reports nothing more", async () => {
    const mark = join(folder, `hung-up-${engine}`);
    const running = open(
      sh(`trap 'echo hung up > ${mark}; exit' HUP; printf READY; while :; do sleep 0.02; done`),
    );
    await running.until("READY");
    running.pty.close();
    await gone(running.pty.pid);
    expect(readFileSync(mark, "utf8")).toBe("hung up\n");
    expect(running.exits).toBe(0);
  });

  test("after the end every call does nothing, and the exit is reported once", async () => {
    const running = open(sh("exit 0"));
    await running.exited;
    running.write("late");
    running.pty.resize(100, 30);
    running.pty.kill("SIGTERM");
    running.pty.close();
    running.pty.close();
    await Bun.sleep(0);
    expect(running.exits).toBe(1);
  });

  test("nothing stays behind: no process, no file", async () => {
    await run(sh("exit 0"));
    const before = openFiles();
    for (let round = 0; round < 5; round++)
      await Promise.all(Array.from({ length: 6 }, () => run(sh("echo bye"))));
    while (openFiles() > before) await Bun.sleep(5); // Threads of the library close theirs when they see the end.
    expect(zombies()).toEqual([]);
  });

  describe("what cannot be started is refused in a sentence, and nothing is started:", () => {
    const file = () => join(folder, "not-executable");
    const CASES: [string, () => [string[], Partial<PtyOptions>?], RegExp][] = [
      ["no program", () => [[]], /without a name/],
      ["an empty name", () => [["", "x"]], /without a name/],
      ["a name that is nowhere", () => [["no-such-program"]], /no-such-program: it is not on the PATH/],
      ["an empty PATH", () => [["sh"], { env: {} }], /not on the PATH/],
      ["a path to nothing", () => [["/no/such/program"]], /there is no such file/],
      ["a folder", () => [[folder]], /it is a folder/],
      ["a file that is not executable", () => [[file()]], /it is not executable/],
      [
        "a missing folder to run in",
        () => [["sh"], { cwd: "/no/such/folder" }],
        /\/no\/such\/folder does not exist/,
      ],
      ["a file to run in", () => [["sh"], { cwd: file() }], /is not a folder/],
      ["an argument too long", () => [["sh", "x".repeat(131_072)]], /longer than 131071 bytes/],
      [
        "too much environment",
        () => [
          ["sh"],
          {
            env: {
              PATH,
              ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`V${i}`, "x".repeat(100_000)])),
            },
          },
        ],
        /arguments and environment are more than/,
      ],
      ["a NUL in an argument", () => [["sh", "a\0b"]], /NUL/],
      ["a NUL in the environment", () => [["sh"], { env: { PATH, A: "a\0b" } }], /NUL/],
      ["a variable whose name cannot be one", () => [["sh"], { env: { PATH, "A=B": "c" } }], /"A=B"/],
    ];
    test.each(CASES)("%s", (_, words, message) => {
      writeFileSync(file(), "#!/bin/sh\n", { mode: 0o644 });
      const before = openFiles();
      const [argv, options] = words();
      expect(() => open(argv, options)).toThrow(message);
      expect(openFiles()).toBeLessThanOrEqual(before);
    });
  });
});

test("bun-pty: a path that its environment trick would misread is refused", () => {
  const path = join(folder, "a=b");
  writeFileSync(path, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  expect(() => new Running("bun-pty", [path])).toThrow(/path contains "="; use --pty bun/);
});

test("bun-pty: no value of the environment ever stands on a command line", async () => {
  const argv = sh("tr '\\0' '\\n' < /proc/$$/cmdline; cat");
  const running = new Running("bun-pty", argv, { env: { PATH, SECRET: "hunter2" } });
  const early = readFileSync(`/proc/${running.pty.pid}/cmdline`, "utf8");
  await running.until("cmdline");
  running.pty.close();
  expect(early + running.output.toString()).not.toContain("hunter2");
});

test("bun-pty: a compiled binary unpacks the library to a private folder, loads it and leaves nothing there", async () => {
  const home = join(folder, "home");
  const script = join(folder, "program.ts");
  const binary = join(folder, "program");
  writeFileSync(
    script,
    `import { openPty } from ${JSON.stringify(join(import.meta.dir, "pty.ts"))};
     openPty("bun-pty", { argv: ["echo", "hello"], cwd: "/", env: process.env as Record<string, string>, cols: 80, rows: 24,
       onData: (bytes) => process.stdout.write(bytes), onExit: ({ code }) => process.exit(code ?? 1) });`,
  );
  const built = Bun.spawnSync([
    process.execPath,
    "build",
    "--compile",
    "--minify",
    "--bytecode",
    script,
    "--outfile",
    binary,
  ]);
  expect(built.exitCode).toBe(0);
  const env = { PATH, TMPDIR: folder, CLAUDE_REMOTE_HOME: home };
  const ran = Bun.spawnSync([binary], { cwd: "/", env });
  rmSync(binary);
  expect(ran.stdout.toString()).toBe("hello\r\n");
  expect(readdirSync(home, { recursive: true })).toEqual(["run"]);
}, 60_000);
