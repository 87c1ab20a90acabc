// Whatever is broken on our side: claude starts, works and ends as without us.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Rig, type Side, TEST_MS, until } from "./rig.ts";

setDefaultTimeout(TEST_MS);

/** What a claude that works shows: it is asked, answers, and ends with its own code. */
const PROGRAM = ["sh", "-c", 'printf "[ready $(stty size)]"; read -r word; echo "<$word>"; exit 6'];
/** Many times what a start or an end takes, on a busy machine too; less than we ever wait for a server that starts. */
const LONG_MS = 8_000;

type Run = { text: string; exit: unknown; startMs: number; endMs: number };

async function run(
  side: Side,
  { env = side.env, meanwhile = () => {} }: { env?: Record<string, string>; meanwhile?: () => unknown } = {},
): Promise<Run> {
  const begunAt = performance.now();
  await using outer = side.outer(PROGRAM, { env });
  await outer.seen(/\[ready .*\]/);
  const startMs = Math.round(performance.now() - begunAt);
  await meanwhile();
  const typedAt = performance.now();
  outer.write("hello\r");
  const exit = await outer.exited;
  return { text: outer.text(), exit, startMs, endMs: Math.round(performance.now() - typedAt) };
}

/** Everything as without us, but for lines of ours before claude started; resolves with these. */
async function unharmed(what: string, rig: Rig, options: Parameters<typeof run>[1] = {}): Promise<string> {
  const bare = await run(rig.bare);
  const wrapped = await run(rig.wrapped, options);
  expect(wrapped.exit).toEqual(bare.exit);
  expect(bare.exit).toEqual({ code: 6, signal: null });
  const said = wrapped.text.slice(0, wrapped.text.indexOf("[ready"));
  expect(wrapped.text).toBe(said + bare.text);
  expect(said).toMatch(/^(claude-remote: .*\r\n)*$/);
  console.log(`broken: ${what}: starts after ${wrapped.startMs} ms, ends after ${wrapped.endMs} ms`);
  expect(wrapped.startMs).toBeLessThan(bare.startMs + LONG_MS);
  expect(wrapped.endMs).toBeLessThan(bare.endMs + LONG_MS);
  return said;
}

describe("folders that cannot be used:", () => {
  test("a file stands where the data folder should be", async () => {
    await using rig = new Rig();
    mkdirSync(rig.own);
    writeFileSync(join(rig.own, "data"), "");
    expect(await unharmed("data folder is a file", rig)).toContain("no phone will reach this session");
  });

  test("a file stands where everything of ours should be", async () => {
    await using rig = new Rig();
    writeFileSync(rig.own, "");
    expect(await unharmed("home is a file", rig)).toContain("no phone will reach this session");
  });

  test("everything of ours stands where nothing can be made, not even by root", async () => {
    await using rig = new Rig();
    const env = { ...rig.wrapped.env, CLAUDE_REMOTE_HOME: "/proc/1/nothing" };
    expect(await unharmed("home in /proc", rig, { env })).toContain("no phone will reach this session");
  });

  test("the master key is damaged, the database is none, the log is a folder", async () => {
    await using rig = new Rig();
    for (const folder of ["data", "state/logs/wrapper.log", "state/logs/server-start.log"])
      mkdirSync(join(rig.own, folder), { recursive: true, mode: 0o700 });
    writeFileSync(join(rig.own, "data", "database.sqlite"), "this is no database");
    writeFileSync(join(rig.own, "data", "master.key"), "short");
    expect(await unharmed("key, database and logs broken", rig)).toContain("master.key is damaged");
  });

  test("a path too long for a socket", async () => {
    await using rig = new Rig({ own: "long".repeat(40) });
    await unharmed("a path too long for a socket", rig);
  });
});

/** A disk of its own of 16 MB, which is full, at this folder; false where we may not mount one. */
function fullDisk(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  const quiet = { stdio: ["ignore", "ignore", "ignore"] } satisfies { stdio: ["ignore", "ignore", "ignore"] };
  if (!Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=16m", "none", folder], quiet).success) return false;
  Bun.spawnSync(["dd", "if=/dev/zero", `of=${join(folder, "full")}`, "bs=1M"], quiet);
  return true;
}
const unmount = (folder: string) => void Bun.spawnSync(["umount", "-l", folder]);

function mountable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "cr-p1-disk-"));
  const mounted = fullDisk(folder);
  if (mounted) unmount(folder);
  rmSync(folder, { recursive: true });
  return mounted;
}

if (mountable())
  describe("a full disk:", () => {
    test("from the beginning; once there is room, the next start is as usual", async () => {
      await using rig = new Rig();
      rig.afterwards(() => unmount(rig.own));
      fullDisk(rig.own);
      expect(await unharmed("disk full from the beginning", rig)).toContain(
        "no phone will reach this session",
      );
      rmSync(join(rig.own, "full"));
      const again = await unharmed("disk with room again", rig);
      expect(again).not.toContain("no phone");
      await until("a server", () => existsSync(join(rig.own, "data", "admin.sock")));
    });

    test("in the middle of a session, and at its end", async () => {
      await using rig = new Rig();
      const folders = ["data/runs", "state/logs"].map((name) => join(rig.own, name));
      rig.afterwards(() => folders.forEach(unmount));
      const meanwhile = () => folders.map(fullDisk);
      await unharmed("disk full in the middle", rig, { meanwhile });
    });
  });

const disposable = (end: () => unknown): Disposable => ({ [Symbol.dispose]: () => void end() });

describe("a server that", () => {
  test("cannot start, since its address is not ours", async () => {
    await using rig = new Rig();
    await unharmed("no address for the server", rig, {
      env: { ...rig.wrapped.env, CLAUDE_REMOTE_HOST: "203.0.113.1" },
    });
  });

  test("hangs before claude starts", async () => {
    await using rig = await Rig.paired();
    using _goesOn = stopped(rig);
    expect(await unharmed("server hangs from the beginning", rig)).toBe("");
  });

  test("hangs while claude runs", async () => {
    await using rig = await Rig.paired();
    using stack = new DisposableStack();
    const meanwhile = async () => {
      await rig.session(rig.viewer);
      stack.use(stopped(rig));
    };
    await unharmed("server hangs in the middle", rig, { meanwhile });
  });

  test("is killed while claude runs", async () => {
    await using rig = await Rig.paired();
    const meanwhile = async () => {
      await rig.session(rig.viewer);
      process.kill(rig.server().pid, "SIGKILL");
    };
    await unharmed("server killed in the middle", rig, { meanwhile });
  });

  test("was killed and left its sockets: the next start brings another up", async () => {
    await using rig = await Rig.paired();
    process.kill(rig.server().pid, "SIGKILL");
    await unharmed("server killed before", rig, { meanwhile: () => rig.session(rig.viewer) });
  });
});

/** Stops the server until this is disposed. */
function stopped(rig: Rig): Disposable {
  const { pid } = rig.server();
  process.kill(pid, "SIGSTOP");
  return disposable(() => process.kill(pid, "SIGCONT"));
}

test.each([
  ["a config.toml that is none", "port = = 1", {}, "config.toml"],
  ["a setting that does not exist", 'colour = "red"', {}, "colour"],
  ["a port that is none", "", { CLAUDE_REMOTE_PORT: "many" }, "CLAUDE_REMOTE_PORT"],
  ["a claude that is not there", "", { CLAUDE_REMOTE_CLAUDE: "/no/such/claude" }, "/no/such/claude"],
] as const)("%s is one clear sentence and exit code 3", async (_, toml, env, named) => {
  await using rig = new Rig();
  mkdirSync(rig.own);
  writeFileSync(join(rig.own, "config.toml"), toml);
  await using outer = rig.wrapped.outer(PROGRAM, { env: { ...rig.wrapped.env, ...env } });
  expect(await outer.exited).toEqual({ code: 3, signal: null });
  expect(outer.text()).toMatch(/^claude-remote: .*\r\n$/);
  expect(outer.text()).toContain(named);
});
