// A child as claude starts its hooks and commands: without a terminal, in a session of its own, ended as a group.

/** Kept of what a child prints; the rest is read and dropped, so that it never blocks. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

type Options = { cwd: string; env: Record<string, string | undefined>; stdin?: string };

/** Starts `words`. `ended` has its stdout and exit code; `kill` sends SIGTERM to it and its children. */
export function start(words: string[], { cwd, env, stdin = "" }: Options) {
  const child = Bun.spawn(words, {
    cwd,
    env,
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "ignore",
    detached: true,
  });
  child.unref();
  const ended = kept(child.stdout).then(async (text) => ({ text, code: await child.exited }));
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGTERM");
  };
  return { ended, kill };
}

async function kept(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (size < MAX_OUTPUT_BYTES) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString();
}
