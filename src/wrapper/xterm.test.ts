import { describe, expect, test } from "bun:test";
import { Emulator } from "./emulator.ts";
import { bytesOf, MB, shown, testEmulator } from "./testing/emulated.ts";

describe("parser bombs", () => {
  /** Writes `unit` until it is `size` bytes, never more than 4 MB ahead; gives the most the heap grew by, in MB. */
  async function heapGrowth(emulator: Emulator, start: string, unit: string, size: number): Promise<number> {
    const piece = bytesOf(unit.repeat(Math.ceil(MB / unit.length)));
    emulator.write(bytesOf(start));
    emulator.write(piece);
    await emulator.settled();
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    for (let written = 0; written < size; written += piece.length) {
      emulator.write(piece);
      await emulator.settled();
      if ((written / piece.length) % 25 > 0) continue;
      Bun.gc(true);
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    return most / MB;
  }

  for (const [name, start, size] of [
    ["title", "\x1b]0;", 100 * MB],
    ["link", "\x1b]8;;", 30 * MB],
    ["clipboard", "\x1b]52;c;", 30 * MB],
    ["status string", "\x1bP$q", 30 * MB],
    ["sixel", "\x1bPq", 30 * MB],
    ["APC", "\x1b_G", 30 * MB],
  ] as const) {
    test(`SEC-053 a ${name} of ${size / MB} MB without an end keeps under 1 MB, and later output is intact`, async () => {
      const { emulator, seen } = testEmulator();
      expect(await heapGrowth(emulator, start, "x", size)).toBeLessThan(1);
      emulator.write(bytesOf("\x1b\\\x1b[2J\x1b[Hlater output"));
      await emulator.settled();
      expect(shown(emulator.screen())).toBe("later output");
      expect(seen.skips).toBe(0);
      emulator.close();
    });
  }

  test("SEC-053 endless marks on one letter keep under 1 MB", async () => {
    const emulator = new Emulator({ cols: 100, rows: 40 });
    expect(await heapGrowth(emulator, "e", "\u0301", 10 * MB)).toBeLessThan(1);
    emulator.write(bytesOf("\x1b[2J\x1b[Hlater output"));
    await emulator.settled();
    expect(shown(emulator.screen())).toBe("later output");
    emulator.close();
  });

  test("SEC-053 huge parameters, a CSI of 10,000 of them, a line of 1 MB and 1M cursor moves do no harm", async () => {
    const { emulator, seen } = testEmulator();
    const most = 2 ** 31 - 1;
    for (const final of "ABCDEFGHILMPSTXZ@bdfr`ae") emulator.write(bytesOf(`x\x1b[${most};${most}${final}`));
    emulator.write(bytesOf(`\x1b[r\x1b[${"1;".repeat(10_000)}m`));
    emulator.write(bytesOf(`\x1b[${"9".repeat(10_000)}C`));
    emulator.write(bytesOf("long".repeat(MB / 4)));
    await emulator.settled();
    emulator.write(bytesOf("\x1b[A\x1b[C".repeat(500_000)));
    await emulator.settled();
    emulator.write(bytesOf("\x1b[0m\x1b[2J\x1b[Hlater output"));
    await emulator.settled();
    expect(shown(emulator.screen())).toBe("later output");
    expect(seen.skips).toBe(0);
    expect(Math.max(...seen.lines.map((line) => line.length))).toBeLessThan(17_000);
    emulator.close();
  });
});
