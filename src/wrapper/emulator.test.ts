import { describe, expect, test } from "bun:test";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { Terminal } from "@xterm/headless";
import { apply, blank, type Frame, mirror, type Row, rowText } from "../screen.ts";
import {
  bytesOf,
  chopped,
  MB,
  plain,
  random,
  randomStream,
  screenAfter,
  shown,
  testEmulator,
  texts,
} from "./testing/emulated.ts";

const TESTDATA = `${import.meta.dir}/testdata`;

type Recording = { name: string; cols: number; rows: number; bytes: Uint8Array; screen: string };

async function recordings(): Promise<Recording[]> {
  const all: Recording[] = [];
  for (const file of [...new Bun.Glob("*/*.bin").scanSync(TESTDATA)].sort()) {
    const [, name = "", cols, rows] = /^(.*\.(\d+)x(\d+))\.bin$/.exec(file) ?? [];
    const screen = plain(await Bun.file(`${TESTDATA}/${name}.txt`).text())
      .join("\n")
      .trimEnd();
    const bytes = await Bun.file(`${TESTDATA}/${file}`).bytes();
    all.push({ name, cols: Number(cols), rows: Number(rows), bytes, screen });
  }
  return all;
}

const RECORDINGS = await recordings();

/** Without each recording's own test: what they show, by name, and what they should. */
async function replayed(cut: (recording: Recording) => Uint8Array[], some = RECORDINGS) {
  const got: Record<string, string> = {};
  for (const recording of some) {
    got[recording.name] = shown(await screenAfter(cut(recording), recording.cols, recording.rows));
  }
  return { got, expected: Object.fromEntries(some.map(({ name, screen }) => [name, screen])) };
}

describe("recordings of claude", () => {
  test("there are those of two versions, in two sizes each", () => {
    const kinds = new Set(RECORDINGS.map(({ name, cols }) => `${name.split("/")[0]} ${cols}`));
    expect(kinds.size).toBe(4);
    expect(RECORDINGS.length).toBeGreaterThan(200);
  });

  test("written in one piece, each gives its captured screen", async () => {
    const { got, expected } = await replayed(({ bytes }) => [bytes]);
    expect(got).toEqual(expected);
  });

  test("SEC-054 cut at random, each gives the same screen", async () => {
    for (const most of [3, 50, 1000]) {
      const next = random(most);
      const { got, expected } = await replayed(({ bytes }) => chopped(bytes, next, most));
      expect(got).toEqual(expected);
    }
  });

  test("SEC-054 byte by byte, some give the same screen", async () => {
    const some = RECORDINGS.filter((_, i) => i % 12 === 0);
    const { got, expected } = await replayed(({ bytes }) => chopped(bytes, () => 0, 1), some);
    expect(got).toEqual(expected);
  });

  test("a viewer that misses frames, stalls and reconnects ends on the true screen", async () => {
    for (const [i, { bytes, cols, rows }] of RECORDINGS.entries()) {
      const next = random(i);
      const { emulator } = testEmulator({ cols, rows });
      let far = blank(7, 7);
      let stalled = false;
      const viewer = mirror((frame: Frame) => {
        if (!stalled) far = apply(far, JSON.parse(JSON.stringify(frame)));
        return !stalled;
      });
      for (const piece of chopped(bytes, next, 700)) {
        emulator.write(piece);
        await emulator.settled();
        stalled = next() < 0.3;
        if (next() < 0.05) viewer.reset();
        if (next() < 0.7) viewer.show(emulator.screen());
      }
      viewer.show(emulator.screen());
      stalled = false;
      viewer.drain();
      expect(far).toEqual(emulator.screen());
      emulator.close();
    }
  });
});

describe("the screen", () => {
  test("runs carry colours and attributes, and blanks that show nothing are left out", async () => {
    const screen = await screenAfter([
      "\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[0m\x1b[K   \r\n",
      "\x1b[38;2;1;2;255mrgb\x1b[48;5;3m  \x1b[0m\r\n",
      "\x1b[2;3;4;7;8;9mall\x1b[0m\r\n",
      "\x1b[97;100mbright\x1b[0m\r\n",
      "\x1b[35m    \x1b[0m",
    ]);
    expect(screen.lines.slice(0, 5)).toEqual([
      [
        { text: "red ", style: { fg: 1 } },
        { text: "bold", style: { fg: 208, bold: true } },
      ],
      [
        { text: "rgb", style: { fg: "#0102ff" } },
        { text: "  ", style: { bg: 3, fg: "#0102ff" } },
      ],
      [
        {
          text: "all",
          style: { dim: true, italic: true, underline: true, inverse: true, strike: true, hidden: true },
        },
      ],
      [{ text: "bright", style: { fg: 15, bg: 8 } }],
      [],
    ]);
  });

  test("blanks with a background, inverse or underlined are kept at the end of a line", async () => {
    const screen = await screenAfter(
      ["a\x1b[7m \x1b[0m\r\n\x1b[44m\x1b[K\x1b[0m\r\n\x1b[4m  \x1b[0m"],
      10,
      4,
    );
    expect(texts(screen)).toEqual(["a ", " ".repeat(10), "  ", ""]);
  });

  test("a wide grapheme is a run of its own, and so is a cell that others could join", async () => {
    const screen = await screenAfter(["a漢b👩‍👩‍👧‍👦c\r\nxe\u0301y\r\n\x1b[3;2H\u0301z"]);
    expect(screen.lines[0]).toEqual([
      { text: "a" },
      { text: "漢", wide: true },
      { text: "b" },
      { text: "👩‍👩‍👧‍👦", wide: true },
      { text: "c" },
    ]);
    expect(screen.lines[1]).toEqual([{ text: "x" }, { text: "e\u0301" }, { text: "y" }]);
    expect(screen.lines[2]).toEqual([{ text: " " }, { text: "\u0301" }, { text: "z" }]);
  });

  test("every run has a cell a grapheme, so that the width of a line can be counted", async () => {
    const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
    for (let seed = 1; seed <= 40; seed++) {
      const screen = await screenAfter([randomStream(random(seed), 200)], 60, 20);
      for (const row of screen.lines) {
        const cells = row.map((run) => (run.wide ? 2 : [...segmenter.segment(run.text)].length));
        expect(cells.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(60);
        for (const run of row) if (run.wide) expect([...segmenter.segment(run.text)]).toHaveLength(1);
      }
    }
  });

  test("rows that did not change are the same objects, also after they moved up", async () => {
    const { emulator } = testEmulator({ rows: 5 });
    emulator.write(bytesOf("one\r\ntwo e\u0301\r\nthree\r\nfour\r\nfive"));
    await emulator.settled();
    const before = emulator.screen();
    expect(emulator.screen()).toBe(before);
    emulator.write(bytesOf("\r\nsix"));
    await emulator.settled();
    const after = emulator.screen();
    expect(texts(after)).toEqual(["two e\u0301", "three", "four", "five", "six"]);
    for (let y = 0; y < 4; y++) expect(after.lines[y]).toBe(before.lines[y + 1] as Row);
    emulator.close();
  });

  test("a change that only the combined text shows is seen", async () => {
    const { emulator } = testEmulator();
    emulator.write(bytesOf("e\u0301"));
    await emulator.settled();
    const before = emulator.screen();
    emulator.write(bytesOf("\re\u0300"));
    await emulator.settled();
    expect([rowText(before.lines[0] ?? []), rowText(emulator.screen().lines[0] ?? [])]).toEqual([
      "e\u0301",
      "e\u0300",
    ]);
    emulator.close();
  });

  test("seq scrolls by scroll frames", async () => {
    const { emulator } = testEmulator();
    const frames: Frame[] = [];
    const viewer = mirror((frame) => frames.push(frame) > 0);
    for (let n = 1; n <= 200; n++) {
      emulator.write(bytesOf(`${n}\r\n`));
      if (n % 5 > 0) continue;
      await emulator.settled();
      viewer.show(emulator.screen());
    }
    const scrolled = frames.filter(({ scroll }) => scroll === 5);
    expect(scrolled.length).toBeGreaterThan(30);
    for (const { lines } of scrolled) expect(lines?.length).toBeLessThanOrEqual(6);
    emulator.close();
  });

  test("the cursor, its visibility and the modes follow the program", async () => {
    expect(await screenAfter(["\x1b[5;10H\x1b[?25l"])).toMatchObject({
      cursor: { x: 9, y: 4, visible: false },
    });
    expect(await screenAfter(["x".repeat(100)])).toMatchObject({ cursor: { x: 99, y: 0, visible: true } });
    const start =
      "\x1b[?2004h\x1b[?1004h\x1b[?1049h\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h\x1b[?1h\x1b=";
    expect((await screenAfter([start])).modes).toEqual({
      alternate: true,
      bracketed_paste: true,
      application_cursor: true,
      application_keypad: true,
      mouse: "any",
      mouse_encoding: "sgr",
      focus: true,
    });
    const end = "\x1b[?2004l\x1b[?1004l\x1b[?1006l\x1b[?1003l\x1b[?1049l\x1b[?1l\x1b>";
    expect((await screenAfter([start, end])).modes).toEqual(blank(1, 1).modes);
  });

  test("SEC-051 a title has no control characters and at most 256 characters", async () => {
    expect((await screenAfter(["\x1b]0;✳ Claude\tCode\x07"])).title).toBe("✳ ClaudeCode");
    expect((await screenAfter(["\x1b]2;a\u007f\u202eb\u2028c\x1b\\"])).title).toBe("abc");
    const long = (await screenAfter([`\x1b]0;${"😀".repeat(5000)}\x07`])).title;
    expect([...long]).toHaveLength(256);
    expect(long.isWellFormed()).toBe(true);
  });

  test("SEC-051 clipboard, links, images and window reports leave no trace", async () => {
    const { emulator, seen } = testEmulator();
    emulator.answering = true;
    emulator.write(
      bytesOf("\x1b]52;c;aGk=\x07\x1b]52;c;?\x07\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07"),
    );
    emulator.write(
      bytesOf("\x1bPq#0;2;0;0;0~~\x1b\\\x1b_Ga=T;AAAA\x1b\\\x1b[14t\x1b[18t\x1b[21t\x1b]1337;File=:AA\x07"),
    );
    await emulator.settled();
    expect(emulator.screen().lines[0]).toEqual([{ text: "link" }]);
    expect([emulator.screen().title, seen.replies]).toEqual(["", ""]);
    emulator.close();
  });

  test("erasing up to the last cell, on which xterm throws, erases all", async () => {
    for (const erase of ["\x1b[1J", "\x1b[?1J"]) {
      const { emulator, seen } = testEmulator({ rows: 3 });
      emulator.write(bytesOf(`a\r\nb\r\n${"c".repeat(100)}${erase}`));
      await emulator.settled();
      expect([shown(emulator.screen()), seen.skips]).toEqual(["", 0]);
      emulator.close();
    }
  });

  test("a resize stands in order with the bytes around it", async () => {
    const { emulator } = testEmulator({ cols: 10, rows: 4 });
    emulator.write(bytesOf("0123456789abc"));
    emulator.resize(20, 4);
    emulator.write(bytesOf("\x1b[4;20Hx"));
    await emulator.settled();
    const screen = emulator.screen();
    expect([screen.cols, screen.rows]).toEqual([20, 4]);
    expect(rowText(screen.lines[3] ?? [])).toBe(`${" ".repeat(19)}x`);
    emulator.close();
  });

  test("shows what an xterm that keeps its scrollback shows, over random streams", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      // Without what xterm throws on, and without a restored cursor, which it moves with the scrollback.
      const stream = randomStream(random(seed), 300).replaceAll("\x1b[1J", "").replaceAll("?1049", "?1047");
      const terminal = new Terminal({
        cols: 80,
        rows: 24,
        scrollback: 5000,
        allowProposedApi: true,
        logLevel: "off",
      });
      const addon: unknown = new UnicodeGraphemesAddon();
      terminal.loadAddon(addon as Parameters<Terminal["loadAddon"]>[0]);
      await new Promise<void>((done) => terminal.write(stream, done));
      const { active } = terminal.buffer;
      const lines = Array.from({ length: 24 }, (_, y) =>
        active.getLine(active.baseY + y)?.translateToString(true),
      );
      const screen = await screenAfter([stream], 80, 24);
      expect(texts(screen).map((text) => text.trimEnd())).toEqual(lines.map((text) => text?.trimEnd() ?? ""));
      expect([screen.cursor.x, screen.cursor.y]).toEqual([Math.min(active.cursorX, 79), active.cursorY]);
      terminal.dispose();
    }
  });
});

describe("split and broken input", () => {
  const story =
    "“a”… – é 漢字 👩‍👩‍👧‍👦 ─\x1b[1;31mred\x1b[0m\x1b]0;tïtle…\x07\x1b[?2004h\x1bP$qm\x1b\\\x1b[5;5Hend\u2003.";

  test("SEC-054 cut at any byte, a stream gives the same screen", async () => {
    const bytes = bytesOf(story);
    const whole = await screenAfter([bytes]);
    for (let at = 1; at < bytes.length; at++) {
      expect(await screenAfter([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
  });

  test("SEC-054 cut at any byte and parsed before the rest comes, the same", async () => {
    const bytes = bytesOf(story);
    const whole = await screenAfter([bytes]);
    for (let at = 1; at < bytes.length; at += 3) {
      const { emulator } = testEmulator();
      emulator.write(bytes.subarray(0, at));
      await emulator.settled();
      emulator.write(bytes.subarray(at));
      await emulator.settled();
      expect(emulator.screen()).toEqual(whole);
      emulator.close();
    }
  });

  test("SEC-054 random streams, cut at random, give the same screen and the same log", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed);
      const bytes = bytesOf(randomStream(next, 200));
      const [one, many] = [testEmulator(), testEmulator()];
      one.emulator.write(bytes);
      for (const piece of chopped(bytes, next, 1 + seed)) many.emulator.write(piece);
      await Promise.all([one.emulator.settled(), many.emulator.settled()]);
      expect(many.emulator.screen()).toEqual(one.emulator.screen());
      expect(many.seen.lines).toEqual(one.seen.lines);
    }
  });

  test("SEC-054 bytes that are no UTF-8 do not throw, cut or not, and give the same screen", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed);
      const bytes = Uint8Array.from({ length: 3000 }, () => {
        const kind = next();
        if (kind < 0.3) return 0x80 + Math.floor(next() * 128);
        if (kind < 0.5) return [0xe2, 0x80, 0xa6, 0xf0, 0xc3, 0xff, 0xed, 0xa0][Math.floor(next() * 8)] ?? 0;
        return Math.floor(next() * 128);
      });
      const { emulator, seen } = testEmulator();
      emulator.write(bytes);
      await emulator.settled();
      expect(await screenAfter(chopped(bytes, next, 5))).toEqual(emulator.screen());
      expect(seen.skips).toBe(0);
      emulator.write(bytesOf("\x18\x1bc\x0fintact"));
      await emulator.settled();
      expect(rowText(emulator.screen().lines[0] ?? [])).toContain("intact");
      emulator.close();
    }
  });
});

describe("answers to the program's queries", () => {
  const queries = "\x1b[c\x1b[>c\x1b[6n\x1b[5n\x1b[?2004$p\x1b[>0q\x1b]10;?\x1b\\\x1b]11;?\x07";

  test("are given while no real terminal gives them", async () => {
    const { emulator, seen } = testEmulator();
    emulator.answering = true;
    emulator.write(bytesOf(queries));
    await emulator.settled();
    expect(seen.replies).toStartWith("\x1b[?1;2c");
    for (const reply of ["\x1b[1;1R", "\x1b[0n", "\x1b[?2004;2$y", "\x1bP>|claude-remote\x1b\\"]) {
      expect(seen.replies).toContain(reply);
    }
    for (const color of [10, 11]) {
      expect(seen.replies.split(`\x1b]${color};rgb:`)[1]).toMatch(/^[0-9a-f]{4}\/[0-9a-f]{4}\/[0-9a-f]{4}/);
    }
    emulator.close();
  });

  test("are not given while one does", async () => {
    const { emulator, seen } = testEmulator();
    emulator.write(bytesOf(queries));
    await emulator.settled();
    expect(seen.replies).toBe("");
    emulator.close();
  });

  test("SEC-053 a flood of queries is not a flood of answers", async () => {
    const { emulator, seen } = testEmulator();
    emulator.answering = true;
    emulator.write(bytesOf("\x1b[6n".repeat(MB / 4)));
    await emulator.settled();
    expect(seen.replies.length).toBeLessThan(MB / 3);
    emulator.close();
  });
});

describe("the end", () => {
  test("after close nothing is parsed, nobody is called, and who waits is let go", async () => {
    const { emulator, seen } = testEmulator();
    emulator.write(bytesOf("x\r\n".repeat(1000)));
    const settled = emulator.settled();
    emulator.close();
    emulator.write(bytesOf("y"));
    emulator.resize(10, 10);
    emulator.close();
    await settled;
    await new Promise((later) => setImmediate(later));
    expect([seen.lines, seen.changes]).toEqual([[], 0]);
  });

  test("settled is so at once when nothing was written, and close may come from a callback", async () => {
    const { emulator } = testEmulator({ rows: 2, onLine: () => emulator.close() });
    await emulator.settled();
    emulator.write(bytesOf("a\r\nb\r\nc\r\n".repeat(100_000)));
    await emulator.settled();
    expect(() => emulator.write(bytesOf("more"))).not.toThrow();
  });
});
