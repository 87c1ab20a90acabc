import { expect, test } from "bun:test";
import { meaningOf } from "./outbox.ts";
import { deviceName } from "./pair.ts";
import { BACKGROUND, colorsOf, contrast, FOREGROUND, rgbOf } from "./palette.ts";
import { routeOf } from "./router.ts";
import { signOutWords } from "./settings-view.ts";
import { eventParser, type StreamEvent } from "./sse.ts";
import { age, clockTime } from "./times.ts";

test("an event stream cut at any place gives the same events", () => {
  const text =
    'id: 4-2\nevent: prompt\ndata: {"a":\ndata: 1}\n\n: beat\n\nevent: x\r\ndata:y\r\n\r\ndata: lost';
  const wanted: StreamEvent[] = [
    { name: "prompt", data: '{"a":\n1}', id: "4-2" },
    { name: "x", data: "y", id: null },
  ];
  for (let cut = 0; cut <= text.length; cut++) {
    const events: StreamEvent[] = [];
    const parse = eventParser((event) => events.push(event));
    parse(text.slice(0, cut));
    parse(text.slice(cut));
    expect(events).toEqual(wanted);
  }
});

test("ages and times are short", () => {
  expect([0, 12_000, 200_000, 7_300_000, 200_000_000].map(age)).toEqual([
    "now",
    "12 s",
    "3 min",
    "2 h",
    "2 d",
  ]);
  const then = new Date(2026, 4, 6, 7, 8).getTime();
  expect(clockTime(then, then)).toBe("07:08");
  expect(clockTime(then, then + 86_400_000)).toBe("6 May, 07:08");
  expect(clockTime(then, then + 365 * 86_400_000)).toBe("6 May 2026, 07:08");
});

test("addresses lead to their screens, anything else nowhere", () => {
  expect(routeOf("/")).toEqual({ kind: "list" });
  expect(routeOf("/s/0198-ab")).toEqual({ kind: "session", id: "0198-ab" });
  expect(routeOf("/p/x")).toEqual({ kind: "prompt", id: "x" });
  expect(routeOf("/pair")).toEqual({ kind: "pair" });
  for (const path of ["/s/", "/s/a/b", "/p/<x>", "/other"])
    expect(routeOf(path)).toEqual({ kind: "unknown" });
});

test("the 256 colours are xterm's, and odd colours are the default", () => {
  expect(rgbOf(16, "")).toBe("#000000");
  expect(rgbOf(196, "")).toBe("#ff0000");
  expect(rgbOf(67, "")).toBe("#5f87af");
  expect(rgbOf(232, "")).toBe("#080808");
  expect(rgbOf(255, "")).toBe("#eeeeee");
  expect(rgbOf("#ABCDEF", "")).toBe("#abcdef");
  expect(rgbOf("url(x)", "#123456")).toBe("#123456");
});

test("no style is unreadable", () => {
  expect(colorsOf({ inverse: true })).toEqual({ color: BACKGROUND, background: FOREGROUND });
  for (let fg = 0; fg < 256; fg++) {
    for (const bg of [undefined, 0, 1, 7, 15, 52, 231, 240]) {
      const { color, background } = colorsOf({ fg, ...(bg !== undefined && { bg }), dim: true });
      expect(contrast(color, background ?? BACKGROUND)).toBeGreaterThanOrEqual(3);
    }
  }
});

test("a text that claude takes for a command is known before it is sent", () => {
  for (const text of ["/clear", " /clear", "!ls", "#note", "@file"]) expect(meaningOf(text)).not.toBeNull();
  for (const text of ["", "hello /x", "1 # 2"]) expect(meaningOf(text)).toBeNull();
});

test.each([
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605 Version/17.4 Mobile Safari/604",
    "iPhone (Safari)",
  ],
  [
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A) AppleWebKit/537 Chrome/123.0 Mobile Safari/537",
    "Pixel 8 (Chrome)",
  ],
  ["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537 Chrome/123.0 Mobile Safari/537", "Android (Chrome)"],
  ["Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0", "Android (Firefox)"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537 Chrome/123.0 Safari/537", "Mac (Chrome)"],
  ["", "Linux (browser)"],
])("%s is %s", (agent, name) => {
  expect(deviceName(agent)).toBe(name);
});

test("before one signs out it is said what is lost: texts that were never sent", () => {
  const { localStorage: before } = globalThis;
  const saidWith = (...keys: string[]) => {
    const kept = { length: keys.length, key: (i: number) => keys[i] ?? null, getItem: () => "" };
    Object.assign(globalThis, { localStorage: kept });
    return signOutWords().text;
  };
  expect(saidWith("theme", "draft:a")).not.toContain("lost");
  expect(saidWith("theme", "unsent:a")).toContain("A text that waits to be sent is lost.");
  expect(saidWith("unsent:a", "unsent:b")).toContain("2 texts that wait to be sent are lost.");
  Object.assign(globalThis, { localStorage: before });
});
