import { describe, expect, test } from "bun:test";
import { bytesOf, MB, testEmulator, texts } from "./testing/emulated.ts";

describe("rows that leave the top", () => {
  const logOf = async (pieces: string[], cols = 10, rows = 3) => {
    const { emulator, seen } = testEmulator({ cols, rows });
    for (const piece of pieces) emulator.write(bytesOf(piece));
    await emulator.settled();
    const screen = emulator.screen();
    emulator.close();
    return { ...seen, screen: texts(screen) };
  };

  test("each is delivered once, in order, and what is on the screen is not", async () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => `${i + 1}`);
    const { lines, screen } = await logOf([numbers.join("\r\n")]);
    expect(lines).toEqual(numbers.slice(0, -3));
    expect(screen).toEqual(numbers.slice(-3));
  });

  test("rows of a wrapped line are one line, wide characters without the cell that they did not fit", async () => {
    const { lines } = await logOf([
      "0123456789abcde\r\n",
      "漢字漢字 漢字漢\r\n",
      "   indented\r\n",
      "\r\n\r\n\r\n",
    ]);
    expect(lines.slice(0, 3)).toEqual(["0123456789abcde", "漢字漢字 漢字漢", "   indented"]);
  });

  test("SU at the top of the screen is no way around the log, a scroll within a region is no loss", async () => {
    expect((await logOf(["a\r\nb\r\nc\x1b[2S"])).lines).toEqual(["a", "b"]);
    expect((await logOf(["a\r\nb\r\nc\x1b[2;3r\x1b[S\x1b[3;1H\n\n"])).lines).toEqual([]);
  });

  test("the alternate screen gives none", async () => {
    const { lines } = await logOf(["main\x1b[?1049h", "x\r\n".repeat(50), "\x1b[5S\x1b[?1049l"]);
    expect(lines).toEqual([]);
  });

  test("erasing the scrollback is told on the main screen only, and after the lines before it", async () => {
    const order: string[] = [];
    const { emulator } = testEmulator({
      rows: 2,
      onLine: (text) => order.push(text),
      onErase: () => order.push("erased"),
    });
    emulator.write(bytesOf("a\r\nb\r\nc\x1b[2J\x1b[3J\x1b[Hd\r\ne\r\nf"));
    emulator.write(bytesOf("\x1b[?1049h\x1b[3J\x1b[?1049l\x1bc"));
    await emulator.settled();
    expect(order).toEqual(["a", "erased", "d", "erased"]);
    emulator.close();
  });

  test("a resize back and forth repeats no line and invents none", async () => {
    const { emulator, seen } = testEmulator({ cols: 40, rows: 10 });
    const written = Array.from({ length: 30 }, (_, i) => `line ${i} ${"x".repeat(i % 7)}${i * 7919}\r\n`);
    emulator.write(bytesOf(written.join("")));
    for (const [cols, rows] of [
      [12, 4],
      [80, 30],
      [5, 2],
      [40, 10],
      [200, 50],
      [40, 3],
    ] as const) {
      emulator.resize(cols, rows);
    }
    emulator.write(bytesOf("end\r\n".repeat(4)));
    await emulator.settled();
    const left = seen.lines.filter((line) => line !== "" && line !== "end");
    const joined = [...left, ...texts(emulator.screen())].filter((line) => line && line !== "end").join("");
    expect(joined).toBe(written.join("").replaceAll("\r\n", ""));
    emulator.close();
  });

  test("100 MB of lines keep the heap small", async () => {
    let count = 0;
    const { emulator } = testEmulator({ onLine: () => count++ });
    const piece = bytesOf(
      "a line of ordinary length, such as programs print by the million\r\n".repeat(2_000),
    );
    await emulator.settled();
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    for (let written = 0; written < 100 * MB; written += piece.length) {
      emulator.write(piece);
      await emulator.settled();
    }
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * MB);
    expect(count).toBeGreaterThan(1_500_000);
    emulator.close();
  }, 120_000);
});
