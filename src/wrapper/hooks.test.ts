import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HookCall, type HookOptions, Hooks } from "./hooks.ts";
import { descends } from "./process-tree.ts";

const cli = join(import.meta.dir, "..", "cli.ts");
const request = {
  hook_event_name: "PermissionRequest",
  session_id: "c1",
  cwd: "/project",
  tool_name: "Bash",
  tool_input: { command: "printf 'ü\\n' && true" },
};

async function world(options: HookOptions = {}) {
  const root = mkdtempSync(join(tmpdir(), "cr-hooks-"));
  const folder = join(root, "run");
  const calls: HookCall[] = [];
  let next = Promise.withResolvers<HookCall>();
  const onCall = (call: HookCall) => {
    calls.push(call);
    next.resolve(call);
    next = Promise.withResolvers();
  };
  const hooks = await Hooks.open(folder, [process.execPath, cli], onCall, options);
  return {
    root,
    folder,
    calls,
    called: () => next.promise,
    /** Runs the very command of hooks.json, as claude does. */
    run(input: string | object) {
      const { hooks } = JSON.parse(readFileSync(join(folder, "hooks", "hooks.json"), "utf8"));
      const { command, args } = hooks.PermissionRequest[0].hooks[0];
      const text = typeof input === "string" ? input : JSON.stringify(input);
      return Bun.spawn([command, ...args], {
        env: { ...process.env, CLAUDE_PLUGIN_ROOT: folder },
        stdin: Buffer.from(text),
        stdout: "pipe",
      });
    },
    async [Symbol.asyncDispose]() {
      await hooks[Symbol.asyncDispose]();
      expect(existsSync(folder)).toBe(false);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

test("a hook hands claude's JSON over and prints what it is answered", async () => {
  await using here = await world();
  const process = here.run(request);
  const call = await here.called();
  expect(call.input).toMatchObject(request);
  call.reply({ decision: "yes" });
  call.reply({ decision: "ignored" });
  expect(await new Response(process.stdout).text()).toBe('{"decision":"yes"}');
  expect(await process.exited).toBe(0);
});

test("an input of several megabytes arrives whole", async () => {
  await using here = await world();
  const content = "x".repeat(5_000_000);
  const process = here.run({ ...request, tool_name: "Write", tool_input: { content } });
  const call = await here.called();
  expect(call.input).toMatchObject({ tool_input: { content } });
  call.reply({});
  await process.exited;
});

test("claude letting go of a waiting hook is noticed at once", async () => {
  await using here = await world();
  const process = here.run(request);
  const call = await here.called();
  const gone = Promise.withResolvers<void>();
  call.onGone(gone.resolve);
  process.kill("SIGTERM");
  await gone.promise;
  expect(await process.exited).not.toBe(0);
});

test("SEC-045 a wrapper that ends, nonsense, or no wrapper at all is no decision", async () => {
  const here = await world();
  const waiting = here.run(request);
  await here.called();
  const nonsense = here.run("{}");
  expect(await new Response(nonsense.stdout).text()).toBe("");
  await here[Symbol.asyncDispose]();
  expect(await new Response(waiting.stdout).text()).toBe("");
  const nobody = Bun.spawn([process.execPath, cli, "hook"], {
    env: { ...process.env, CLAUDE_PLUGIN_ROOT: here.folder },
    stdin: Buffer.from("{}"),
    stdout: "pipe",
  });
  expect(await new Response(nobody.stdout).text()).toBe("");
  expect(await nobody.exited).toBe(0);
});

test("SEC-080 the folder and the socket are this user's alone, and no secret stands in them", async () => {
  await using here = await world();
  expect(statSync(join(here.folder, "hook.sock")).mode & 0o777).toBe(0o600);
  expect(statSync(here.folder).mode & 0o777).toBe(0o700);
});

/** A shell that leads a session of its own, as claude does, and does what it is told. */
function leader(script: string, folder: string) {
  return Bun.spawn(["setsid", "bash", "-c", script], {
    env: { ...process.env, CLAUDE_PLUGIN_ROOT: folder, HOOK: `${process.execPath} ${cli} hook` },
    stdin: Buffer.from(JSON.stringify(request)),
    stdout: "pipe",
  });
}

test("SEC-035 only what claude started may call, told by the system: another process raises nothing", async () => {
  const admitted: [number | null, boolean][] = [];
  let claude = 0;
  const admits = (pid: number | null) => {
    const ours = pid !== null && descends(pid, claude);
    admitted.push([pid, ours]);
    return ours;
  };
  await using here = await world({ admits });
  await using stack = new AsyncDisposableStack();
  const input = join(here.root, "input.json");
  await Bun.write(input, JSON.stringify(request));

  // A shell below a shell below it.
  const own = leader("bash -c '$HOOK; true'; true", here.folder);
  claude = own.pid;
  const call = await here.called();
  expect(call.input).toMatchObject(request);
  call.reply({ decision: "own" });
  expect(await new Response(own.stdout).text()).toBe('{"decision":"own"}');

  // One whose parent has ended meanwhile.
  const orphan = leader(`( $HOOK < ${input} & ); sleep 30`, here.folder);
  stack.defer(() => orphan.kill("SIGKILL"));
  claude = orphan.pid;
  (await here.called()).reply(null);
  expect(admitted.map(([, ours]) => ours)).toEqual([true, true]);

  // The same command from outside; and from another session's tree.
  const stranger = here.run(request);
  expect(await new Response(stranger.stdout).text()).toBe("");
  const other = leader("$HOOK", here.folder);
  expect(await new Response(other.stdout).text()).toBe("");
  expect(admitted.slice(2)).toEqual([
    [stranger.pid, false],
    [expect.any(Number), false],
  ]);
  expect(here.calls).toHaveLength(2);
});

test("a process descends from itself and its parents, and from nobody else", async () => {
  const child = Bun.spawn(["sleep", "30"]);
  expect(descends(child.pid, child.pid)).toBe(true);
  expect(descends(child.pid, process.pid)).toBe(true);
  expect(descends(process.pid, child.pid)).toBe(false);
  child.kill();
  await child.exited;
  expect(descends(child.pid, process.pid)).toBe(false);
  expect(descends(0, process.pid)).toBe(false);
});

test("a tool on the list asks by the hook's own arguments, whether or not anybody listens", async () => {
  const here = await world({ ask: ["Bash", "mcp__x__*"] });
  const { hooks } = JSON.parse(readFileSync(join(here.folder, "hooks", "hooks.json"), "utf8"));
  const { matcher, hooks: commands } = hooks.PreToolUse[0];
  expect(matcher).toBe("^(Bash|mcp__x__.*)$");
  const { command, args } = commands[0];
  await here[Symbol.asyncDispose]();
  expect(here.calls).toEqual([]);
  for (const env of [{ CLAUDE_PLUGIN_ROOT: here.folder }, { CLAUDE_PLUGIN_ROOT: undefined }]) {
    const asking = Bun.spawn([command, ...args], {
      env: { ...process.env, ...env },
      stdin: Buffer.from(JSON.stringify({ tool_input: "x".repeat(1_000_000) })),
      stdout: "pipe",
    });
    expect(await new Response(asking.stdout).json()).toEqual({
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "ask",
        permissionDecisionReason: "claude-remote asks for Bash,mcp__x__*",
      },
    });
    expect(await asking.exited).toBe(0);
  }
});
