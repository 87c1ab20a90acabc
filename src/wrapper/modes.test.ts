import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PermissionMode, SessionStatus } from "../protocol.ts";
import { blank, type Row, type Screen } from "../screen.ts";
import { mayBypass, modeShown, passesWider } from "./claude-modes.ts";
import { Emulator } from "./emulator.ts";
import { modes } from "./modes.ts";

const folder = join(import.meta.dir, "testdata");

async function shown(version: string, name: string, size: string) {
  const [cols = 0, rows = 0] = size.split("x").map(Number);
  const emulator = new Emulator({ cols, rows });
  emulator.write(readFileSync(join(folder, version, `${name}.${size}.bin`)));
  await emulator.settled();
  const mode = modeShown(emulator.screen());
  emulator.close();
  return mode;
}

const RECORDED: Record<string, PermissionMode | null> = {
  ready: "default",
  done: "default",
  "busy-run": "default",
  "busy-think": "default",
  queued: "default",
  "mode-acceptEdits": "acceptEdits",
  "mode-plan": "plan",
  "mode-auto": "auto",
  "mode-dontAsk": "dontAsk",
  // The footer says something else for now.
  "ctrl-c-once": null,
  pasted: null,
  // No input box.
  bash: null,
  plan: null,
  "cmd-model": null,
  "mode-bypass": null,
};

for (const version of ["2.1.197", "2.1.329"]) {
  for (const size of ["100x40", "40x30"]) {
    test(`claude ${version} at ${size}: its footer tells the mode, or nothing`, async () => {
      const seen: Record<string, PermissionMode | null> = {};
      for (const name of Object.keys(RECORDED)) seen[name] = await shown(version, name, size);
      expect(seen).toEqual(RECORDED);
    });
  }
}

test("a mode that is named anywhere else on the screen is none", () => {
  const rule: Row = [{ text: "─".repeat(40) }];
  const rows = ["⏵⏵ auto mode on", "❯ ⏵⏵ auto mode on", "  my status: ⏵⏵ auto mode on"];
  const lines: Row[] = [
    [{ text: rows[0] ?? "" }],
    rule,
    [{ text: rows[1] ?? "" }],
    rule,
    [{ text: rows[2] ?? "" }],
  ];
  expect(modeShown({ ...blank(40, 5), lines })).toBeNull();
});

test("bypassing is a mode only of a run that was started so", () => {
  expect(mayBypass(["--dangerously-skip-permissions"])).toBe(true);
  expect(mayBypass(["--allow-dangerously-skip-permissions", "-c"])).toBe(true);
  expect(mayBypass(["--permission-mode", "bypassPermissions"])).toBe(true);
  expect(mayBypass(["--permission-mode=bypassPermissions"])).toBe(true);
  expect(mayBypass(["-c", "bypassPermissions", "--permission-mode", "plan"])).toBe(false);
});

test("which ways lead through a mode that allows more", () => {
  expect(passesWider("default", "acceptEdits", false)).toBe(false);
  expect(passesWider("default", "plan", false)).toBe(true);
  expect(passesWider("acceptEdits", "plan", false)).toBe(false);
  expect(passesWider("acceptEdits", "default", false)).toBe(true);
  expect(passesWider("plan", "auto", false)).toBe(false);
  expect(passesWider("plan", "auto", true)).toBe(true);
  expect(passesWider("auto", "default", false)).toBe(false);
  expect(passesWider("dontAsk", "default", false)).toBe(false);
});

const FOOTER: Record<string, string> = {
  default: "  ? for shortcuts",
  acceptEdits: "  ⏵⏵ accept edits on (shift+tab to cycle)",
  plan: "  ⏸ plan mode on (shift+tab to cycle)",
  auto: "  ⏵⏵ auto mode on (shift+tab to cycle)",
  bypassPermissions: "  ⏵⏵ bypass permissions on",
  unheardOf: "  ⏵⏵ some new mode on",
};
const rule: Row = [{ text: "─".repeat(60) }];
const screenOf = (mode: string, typed = ""): Screen => ({
  ...blank(60, 6),
  lines: [[], rule, [{ text: "❯ " }, { text: typed }], rule, [{ text: FOOTER[mode] ?? "" }], []],
});

function world({ round = ["default", "acceptEdits", "plan", "auto"], bypass = false } = {}) {
  const claude = { status: "idle" as SessionStatus, at: 0, typed: "", screen: null as Screen | null };
  const pressed: string[] = [];
  const seen: PermissionMode[] = [];
  const told = Promise.withResolvers<void>();
  const given = modes({
    screen: () => claude.screen ?? screenOf(round[claude.at % round.length] ?? "", claude.typed),
    settled: async () => {},
    status: () => claude.status,
    write: (bytes) => {
      pressed.push(Buffer.from(bytes).toString());
      claude.at++;
    },
    shown: (mode) => {
      seen.push(mode);
      told.resolve();
    },
    bypass,
  });
  return { claude, pressed, seen, given, told: told.promise };
}

test("Shift-Tab is pressed until claude shows the mode, and each mode on the way is told", async () => {
  const { given, pressed, seen } = world();
  expect(await given.switchTo("plan")).toBeNull();
  expect(pressed).toEqual(["\x1b[Z", "\x1b[Z"]);
  expect(seen).toEqual(["default", "acceptEdits", "plan"]);
  expect(await given.switchTo("plan")).toBeNull();
  expect(pressed).toHaveLength(2);
});

test("a mode that claude does not offer: it is in the end where it was", async () => {
  const { given, pressed, claude } = world({ round: ["acceptEdits", "plan", "default"] });
  expect(await given.switchTo("auto")).toBe("mode_not_offered");
  expect(pressed).toHaveLength(3);
  expect(claude.at % 3).toBe(0);
});

test("bypassing is refused without a key where the run was not started so", async () => {
  const { given, pressed } = world({ round: ["default", "bypassPermissions"] });
  expect(await given.switchTo("bypassPermissions")).toBe("mode_not_offered");
  expect(pressed).toEqual([]);
  const other = world({ round: ["default", "bypassPermissions"], bypass: true });
  expect(await other.given.switchTo("bypassPermissions")).toBeNull();
  const bySetting = world({ round: ["bypassPermissions", "default"] });
  expect(await bySetting.given.switchTo("default")).toBeNull();
  expect(await bySetting.given.switchTo("bypassPermissions")).toBeNull();
});

test("SEC-046 not in a dialog, which opens in between as well; not while somebody types; not what is not there", async () => {
  for (const [status, reason] of [
    ["waiting", "prompt_open"],
    ["suspended", "suspended"],
    ["starting", "not_ready"],
    ["ended", "exited"],
  ] as const) {
    const { given, claude, pressed } = world();
    claude.status = status;
    expect(await given.switchTo("plan")).toBe(reason);
    expect(pressed).toEqual([]);
  }
  const typing = world();
  typing.claude.typed = "half a sent";
  expect(await typing.given.switchTo("plan")).toBe("desk_typing");
  const between = world({ round: ["default", "acceptEdits", "waits", "plan"] });
  const at = setInterval(
    () => between.claude.at === 2 && Object.assign(between.claude, { status: "waiting" }),
    5,
  );
  expect(await between.given.switchTo("plan")).toBe("prompt_open");
  clearInterval(at);
  expect(between.pressed).toHaveLength(2);
});

test("while claude works, it is not led through a mode that allows more than both", async () => {
  const { given, claude, pressed } = world();
  claude.status = "working";
  expect(await given.switchTo("plan")).toBe("mode_while_working");
  expect(pressed).toEqual([]);
  expect(await given.switchTo("acceptEdits")).toBeNull();
  expect(await given.switchTo("plan")).toBeNull();
});

test("a mode that nobody knows gets no further key", async () => {
  const { given, pressed } = world({ round: ["default", "unheardOf", "plan"] });
  expect(await given.switchTo("plan")).toBe("not_ready");
  expect(pressed).toHaveLength(1);
});

test("what is changed at the desk is told, soon after it is painted", async () => {
  const { given, claude, seen, told } = world();
  claude.at = 2;
  given.painted();
  given.painted();
  await told;
  expect(seen).toEqual(["plan"]);
  given[Symbol.dispose]();
});
