import { describe, expect, test } from "bun:test";
import { bytesOf, MB, shown, testEmulator } from "./testing/emulated.ts";

describe("more output than can be parsed", () => {
  test("past the cap a flood is skipped with a gap in the log, and one repaint is asked for when it is over", async () => {
    const { emulator, seen } = testEmulator();
    const line = `${"flood ".repeat(14)}\r\n`;
    const piece = bytesOf(line.repeat(Math.ceil(MB / line.length)));
    emulator.write(bytesOf("\x1b[?2004h"));
    await emulator.settled();
    Bun.gc(true);
    const before = process.memoryUsage().external;
    for (let i = 0; i < 50; i++) emulator.write(piece.slice());
    Bun.gc(true);
    expect(process.memoryUsage().external - before).toBeLessThan(20 * MB);
    await emulator.settled();
    expect(seen.skips).toBe(1);
    const skipped = seen.gaps.reduce((a, b) => a + b, 0);
    const written = 50 * Math.ceil(MB / line.length);
    expect(Math.abs(written - skipped - seen.lines.length)).toBeLessThanOrEqual(41);
    emulator.write(bytesOf("\x1b[2J\x1b[Hrepainted"));
    await emulator.settled();
    expect(shown(emulator.screen())).toBe("repainted");
    expect(emulator.screen().modes.bracketed_paste).toBe(true);
    expect(seen.skips).toBe(1);
    emulator.close();
  });

  test("a flood that is cut in a sequence or a region leaves neither behind", async () => {
    const { emulator } = testEmulator({ cols: 20, rows: 5 });
    emulator.write(bytesOf("\x1b[2;3r\x1b[?6h\x1b[4h\x1b[41m\x1b(0\x1b]0;unfinished"));
    await emulator.settled();
    emulator.write(new Uint8Array(9 * MB).fill(0x78));
    emulator.write(bytesOf("\x1b[2J\x1b[5;1Hlqk"));
    await emulator.settled();
    expect(emulator.screen().lines[4]).toEqual([{ text: "lqk" }]);
    emulator.close();
  });

  test("a size and the modes that were skipped are kept", async () => {
    const { emulator, seen } = testEmulator();
    emulator.write(bytesOf("\x1b[?1049h\x1b[?1003h"));
    emulator.resize(60, 20);
    emulator.write(bytesOf("\x1b[?1003l\x1b[?1000;1004h"));
    emulator.write(new Uint8Array(9 * MB).fill(0x78));
    await emulator.settled();
    const { cols, rows, modes } = emulator.screen();
    expect([cols, rows]).toEqual([60, 20]);
    expect(modes).toMatchObject({ alternate: true, mouse: "vt200", focus: true });
    expect(seen.skips).toBe(1);
    emulator.close();
  });

  test("many tiny writes are bounded too", async () => {
    const { emulator, seen } = testEmulator();
    const one = bytesOf("x");
    for (let i = 0; i < 300_000; i++) emulator.write(one);
    await emulator.settled();
    expect(seen.skips).toBe(1);
    emulator.close();
  });

  test("parsing does not hold the event loop", async () => {
    const { emulator, seen } = testEmulator();
    emulator.write(bytesOf("\x1b[31mwords \x1b[0m".repeat(400_000)));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await emulator.settled();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    expect(seen.changes).toBeGreaterThan(3);
    emulator.close();
  });
});
