// How claude ends is how we end; what somebody sends us reaches claude.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Rig, TEST_MS } from "./rig.ts";

setDefaultTimeout(TEST_MS);

const rig = new Rig();
afterAll(() => rig[Symbol.asyncDispose](), TEST_MS);

test.each([0, 1, 7, 130, 143, 255])("exit code %i is ours", async (code) => {
  const exit = await rig.same(async (side) => {
    await using outer = side.outer(["sh", "-c", `exit ${code}`]);
    return await outer.exited;
  });
  expect(exit).toEqual({ code, signal: null });
});

const FATAL = [
  "SIGTERM",
  "SIGKILL",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGABRT",
  "SIGSEGV",
  "SIGPIPE",
  "SIGUSR1",
] as const;

test.each(FATAL)("a claude that %s ended: the same signal ends us", async (signal) => {
  const exit = await rig.same(async (side) => {
    await using outer = side.outer(["sh", "-c", `kill -${signal.slice(3)} $$`]);
    return await outer.exited;
  });
  expect(exit).toEqual({ code: null, signal });
});

const SENT = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

describe.each(SENT)("%s sent to us", (signal) => {
  test("ends a claude that has nothing against it, and us in the same way", async () => {
    const exit = await rig.same(async (side) => {
      await using outer = side.outer(["sh", "-c", "printf '[ready]'; exec sleep 60"]);
      await outer.seen("[ready]");
      outer.kill(signal);
      return await outer.exited;
    });
    expect(exit).toEqual({ code: null, signal });
  });

  test("is claude's to handle, who goes on, says so on the terminal and ends as it likes", async () => {
    const trap = `trap 'printf "[${signal}]"' ${signal.slice(3)}; trap 'printf "[bye]"; exit 5' ALRM`;
    const heard = await rig.same(async (side) => {
      await using outer = side.outer([
        "sh",
        "-c",
        `${trap}; printf "[$$ ready]"; while :; do sleep 0.02; done`,
      ]);
      const pid = Number((await outer.seen(/\[\d+ ready\]/)).match(/\[(\d+) ready/)?.[1]);
      outer.kill(signal);
      await outer.seen(`[${signal}]`);
      process.kill(pid, "SIGALRM");
      const { code } = await outer.exited;
      return `${outer.text().split("ready]")[1]} ${code}`;
    });
    expect(heard).toBe(`[${signal}][bye] 5`);
  });
});
