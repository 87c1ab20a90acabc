import { expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOOK_SOCKET } from "./hook.ts";
import { hookEvents } from "./wrapper/claude-hooks.ts";
import { type HookCall, Hooks } from "./wrapper/hooks.ts";

const cli = join(import.meta.dir, "cli.ts");
const question = {
  hook_event_name: "PermissionRequest",
  session_id: "c1",
  cwd: "/project",
  tool_name: "Bash",
  tool_input: { command: "ls" },
};

/** A hook that runs, and the wrapper's side of it. */
async function world() {
  const root = mkdtempSync(join(tmpdir(), "cr-hook-"));
  const folder = join(root, "run");
  const calls: HookCall[] = [];
  const waiting: ((call: HookCall) => void)[] = [];
  const hooks = await Hooks.open(folder, [process.execPath, cli], (call) => {
    calls.push(call);
    waiting.shift()?.(call);
  });
  return {
    hooks,
    socket: () => connect(join(folder, HOOK_SOCKET)),
    calls,
    called: () => new Promise<HookCall>((resolve) => void waiting.push(resolve)),
    run: (env: Record<string, string> = { CLAUDE_PLUGIN_ROOT: folder }) =>
      Bun.spawn([process.execPath, cli, "hook"], {
        env: { ...process.env, ...env },
        stdin: Buffer.from(JSON.stringify(question)),
        stdout: "pipe",
      }),
    async [Symbol.asyncDispose]() {
      await hooks[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
const printed = async (child: { stdout: ReadableStream<Uint8Array>; exited: Promise<number> }) => [
  await new Response(child.stdout).text(),
  await child.exited,
];

test("SEC-045 no decision prints nothing, and is no error", async () => {
  await using here = await world();
  const call = here.called();
  const child = here.run();
  (await call).reply(null);
  expect(await printed(child)).toEqual(["", 0]);
  expect(await printed(here.run({ CLAUDE_PLUGIN_ROOT: "" }))).toEqual(["", 0]);
});

test("SEC-045 a wrapper that hangs up is no decision and no error", async () => {
  await using here = await world();
  const call = here.called();
  const child = here.run();
  await call;
  await here.hooks[Symbol.asyncDispose]();
  expect(await printed(child)).toEqual(["", 0]);
});

test("the first answer arrives whole, whatever is said after it, and one that was answered was not let go of", async () => {
  await using here = await world();
  const call = here.called();
  const child = here.run();
  const { reply, onGone } = await call;
  let gone = 0;
  onGone(() => gone++);
  const long = "x".repeat(4_000_000);
  reply({ long });
  reply({ another: true });
  expect(await printed(child)).toEqual([JSON.stringify({ long }), 0]);
  await here.hooks[Symbol.asyncDispose]();
  expect(gone).toBe(0);
});

test("an input past 32 MB, and a hook past 256 that wait, are let go at once", async () => {
  await using here = await world();
  const large = here.socket();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(32 * 1024 * 1024 + 1);
  large.write(length);
  await once(large, "close");
  const many = await Promise.all(
    Array.from({ length: 256 }, async () => {
      const socket = here.socket();
      await once(socket, "connect");
      return socket;
    }),
  );
  await once(here.socket().resume(), "close");
  expect(many.filter(({ destroyed }) => destroyed)).toEqual([]);
  for (const socket of many) socket.destroy();
});

test("a prompt may stay open for a day", () => {
  const [asked] = hookEvents(["claude-remote", "hook"]).PermissionRequest ?? [];
  expect(asked?.hooks).toMatchObject([{ timeout: 86_400 }]);
});
