import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HookCall, Hooks } from "./hooks.ts";

const cli = join(import.meta.dir, "..", "cli.ts");
const request = {
  hook_event_name: "PermissionRequest",
  session_id: "c1",
  cwd: "/project",
  tool_name: "Bash",
  tool_input: { command: "printf 'ü\\n' && true" },
};

async function world() {
  const root = mkdtempSync(join(tmpdir(), "cr-hooks-"));
  const folder = join(root, "run");
  const calls: HookCall[] = [];
  let next = Promise.withResolvers<HookCall>();
  const hooks = await Hooks.open(folder, [process.execPath, cli], (call) => {
    calls.push(call);
    next.resolve(call);
    next = Promise.withResolvers();
  });
  return {
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
