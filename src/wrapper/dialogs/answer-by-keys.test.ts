import { expect, test } from "bun:test";
import { blank, type Row, type Screen, type Style } from "../../screen.ts";
import { answerByKeys, type Keys } from "./answer-by-keys.ts";
import { detect } from "./detect.ts";
import { optionOf } from "./dialog.ts";

const ACCENT: Style = { fg: 153 };
const GREY: Style = { fg: 246 };
const run = (text: string, style?: Style) => (style ? { text, style } : { text });
const COLS = 60;

/** A dialog as claude draws it, that takes keys `lag` ms after they are written; time passes only in pauses. */
class FakeClaude {
  command = "touch a.txt";
  options = ["Yes", "Yes, and don't ask again for: touch *", "No"];
  selected = 0;
  /** How the rule reads while claude's cursor stands in it. */
  rule: string | null = null;
  /** What Tab opened, typed into. */
  field: string | null = null;
  gone = false;
  lag = 20;
  /** Keys that are lost, from the first one on. */
  lost = 0;
  waits = 1;
  time = 1_000;
  readonly written: string[] = [];
  readonly chosen: string[] = [];
  /** Called before each key is taken. */
  onKey: (key: string) => void = () => {};
  readonly #queue: { at: number; key: string }[] = [];

  write(bytes: Uint8Array) {
    const key = new TextDecoder().decode(bytes);
    this.written.push(key);
    this.#queue.push({ at: this.time + this.lag, key });
  }

  pass(ms: number) {
    this.time += ms;
    while (this.#queue[0] && this.#queue[0].at <= this.time) this.#take(this.#queue.shift()?.key ?? "");
  }

  #take(key: string) {
    this.onKey(key);
    if (this.lost-- > 0 || this.gone) return;
    if (key === "\x1b[B") this.selected = Math.min(this.options.length - 1, this.selected + 1);
    else if (key === "\x1b[A") this.selected = Math.max(0, this.selected - 1);
    else if (key === "\t") this.field = "";
    else if (key === "\r") this.#enter();
    else if (this.field !== null) this.field += key;
  }

  #enter() {
    this.chosen.push([this.options[this.selected], this.field].filter(Boolean).join(", "));
    this.gone = true;
  }

  screen(): Screen {
    const empty = blank(COLS, 20);
    if (this.gone) return empty;
    const rows: Row[] = [
      [run("─".repeat(COLS), ACCENT)],
      [run(" "), run("Bash command", { ...ACCENT, bold: true })],
      [run("╌".repeat(COLS), { fg: 239 })],
      [run(` ${this.command}`)],
      [run("╌".repeat(COLS), { fg: 239 })],
      [run(" Do you want to proceed?")],
      ...this.options.map((label, i) => this.#option(label, i)),
      [],
      [run(` Esc to cancel${this.field === null ? " · Tab to amend" : ""}`, GREY)],
    ];
    const within = this.rule !== null && this.selected === 1;
    const x = within ? COLS - 1 : this.field === null ? 1 : 12 + this.field.length;
    const lines = [...rows, ...empty.lines].slice(0, empty.rows);
    return { ...empty, lines, cursor: { x, y: 6 + this.selected, visible: false } };
  }

  #option(label: string, i: number): Row {
    const number = run(`${i + 1}. `, GREY);
    if (i !== this.selected) return [run("   "), number, run(label)];
    const row = [run(" "), run("❯ ", ACCENT), number];
    if (this.rule !== null && i === 1) return [...row, run(this.rule, ACCENT)];
    if (this.field === null) return [...row, run(label, ACCENT)];
    return [...row, run(`${label}, `, ACCENT), run(this.field), run(" ", { inverse: true })];
  }
}

function world(claude: FakeClaude, id: string, change: Partial<Keys> = {}) {
  const dialog = detect(claude.screen());
  const option = dialog?.options.find((one) => one.id.startsWith(id));
  if (!dialog || !option) throw new Error("the picture is wrong");
  let pressed = 0;
  const keys: Keys = {
    dialog,
    option,
    since: claude.time,
    screen: () => claude.screen(),
    settled: async () => {},
    write: (bytes) => claude.write(bytes),
    now: () => claude.time,
    pause: async (ms) => claude.pass(ms),
    allowed: () => true,
    waits: () => claude.waits,
    onPress: () => pressed++,
    ...change,
  };
  return { answer: () => answerByKeys(keys), pressed: () => pressed, keys };
}

const DOWN = "\x1b[B";
const ENTER = "\r";

test("the pointer is moved to the option, and Enter pressed there", async () => {
  const claude = new FakeClaude();
  const { answer, pressed } = world(claude, "reject");
  expect(await answer()).toEqual({ end: "answered" });
  expect(claude.written).toEqual([DOWN, DOWN, ENTER]);
  expect([claude.chosen, pressed()]).toEqual([["No"], 1]);
});

/** A rule that fills its row, and how claude shows it while the cursor is in it. */
function wideRule() {
  const claude = new FakeClaude();
  const rule = `Yes, and don't ask again for: ${"x".repeat(22)} *`;
  claude.options[1] = rule;
  claude.rule = `${rule.slice(0, -1)}…`;
  return claude;
}

test("SEC-030 words that are cut once the cursor is in them are passed over, and chosen where they were read whole", async () => {
  const passing = wideRule();
  expect(await world(passing, "reject").answer()).toEqual({ end: "answered" });
  expect([passing.written, passing.chosen]).toEqual([[DOWN, DOWN, ENTER], ["No"]]);
  const choosing = wideRule();
  expect(await world(choosing, "always").answer()).toEqual({ end: "answered" });
  expect(choosing.written).toEqual([DOWN, ENTER]);
});

test("SEC-030 words that read otherwise once the cursor is in them are not chosen", async () => {
  const longer = wideRule();
  longer.rule = `${longer.options[1]} and`;
  expect(await world(longer, "always").answer()).toMatchObject({ end: "stands" });
  expect(longer.written).toEqual([DOWN]);
  // Who stands in them at the desk may have changed what is cut.
  const desk = wideRule();
  const { answer } = world(desk, "always");
  desk.selected = 1;
  expect(await answer()).toMatchObject({ end: "stands" });
  expect(desk.written).toEqual([]);
  const another = wideRule();
  another.rule = `Yes, and don't ask again for: ${"y".repeat(22)} …`;
  expect(await world(another, "reject").answer()).toEqual({ end: "gone" });
  expect(another.chosen).toEqual([]);
});

test("an option that is selected already takes Enter alone, a second after the dialog was drawn", async () => {
  const claude = new FakeClaude();
  const { answer } = world(claude, "approve");
  const begun = claude.time;
  let at = 0;
  claude.onKey = () => {
    at = claude.time;
  };
  expect(await answer()).toEqual({ end: "answered" });
  expect(at - begun).toBeGreaterThanOrEqual(1_000);
  expect(claude.written).toEqual([ENTER]);
});

test("a movement that was lost is sent again, and Enter waits until it cannot come after all", async () => {
  const claude = new FakeClaude();
  claude.lost = 1;
  const times: number[] = [];
  claude.onKey = () => times.push(claude.time);
  expect(await world(claude, "always").answer()).toEqual({ end: "answered" });
  expect(claude.written).toEqual([DOWN, DOWN, ENTER]);
  expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(1_500);
});

test("a movement that is only late is not followed by Enter on the wrong option", async () => {
  const claude = new FakeClaude();
  claude.lag = 2_600;
  const { answer, pressed } = world(claude, "always");
  expect(await answer()).toEqual({ end: "stands", reason: "The pointer moves on its own." });
  expect([claude.chosen, pressed()]).toEqual([[], 0]);
});

test("a claude that hears no keys is left alone", async () => {
  const claude = new FakeClaude();
  claude.lost = 100;
  const { answer, pressed } = world(claude, "reject");
  expect(await answer()).toEqual({ end: "stands", reason: "claude does not follow the arrow keys." });
  expect(claude.written).not.toContain(ENTER);
  expect(pressed()).toBe(0);
});

test("SEC-030 another dialog in its place gets no Enter, whenever it comes", async () => {
  for (const after of [0, 1, 2]) {
    const claude = new FakeClaude();
    let keys = 0;
    const swap = () => {
      claude.command = "rm -rf /";
      claude.selected = 0;
    };
    claude.onKey = () => ++keys === after && swap();
    const { answer, pressed } = world(claude, "reject");
    if (after === 0) swap();
    expect(await answer()).toEqual({ end: "gone" });
    expect(claude.written).not.toContain(ENTER);
    expect([claude.chosen, pressed()]).toEqual([[], 0]);
  }
});

test("the same command with other blanks is another dialog", async () => {
  const claude = new FakeClaude();
  claude.command = "rm -rf /tmp/x";
  const { answer } = world(claude, "approve");
  claude.command = "rm -rf / tmp/x";
  expect(await answer()).toEqual({ end: "gone" });
  expect(claude.written).toEqual([]);
});

test("a dialog that is gone, or may not be answered now, gets no key", async () => {
  const claude = new FakeClaude();
  const { answer } = world(claude, "approve");
  claude.gone = true;
  expect(await answer()).toEqual({ end: "gone" });
  const suspended = new FakeClaude();
  expect(await world(suspended, "approve", { allowed: () => false }).answer()).toEqual({ end: "gone" });
  expect([...claude.written, ...suspended.written]).toEqual([]);
});

test("somebody who moves the pointer at the desk in the last moment is not answered for", async () => {
  const claude = new FakeClaude();
  const { keys, pressed } = world(claude, "approve");
  let looks = 0;
  const screen = () => {
    if (++looks === 3) claude.selected = 2;
    return claude.screen();
  };
  const end = await answerByKeys({ ...keys, screen });
  expect(end).toEqual({ end: "stands", reason: "Somebody moved the pointer at the desk." });
  expect([claude.chosen, pressed()]).toEqual([[], 0]);
});

test("somebody who types into the dialog is not disturbed", async () => {
  const claude = new FakeClaude();
  const { answer } = world(claude, "approve");
  claude.field = "gently";
  expect(await answer()).toMatchObject({ end: "stands" });
  expect(claude.written).toEqual([]);
});

test("a dialog that does not go after Enter is told to stand; Enter is pressed once", async () => {
  const claude = new FakeClaude();
  claude.lost = 1;
  const { answer, pressed } = world(claude, "approve");
  expect(await answer()).toEqual({ end: "stands", reason: "claude did not take the key." });
  expect(claude.written).toEqual([ENTER]);
  expect(pressed()).toBe(1);
});

test("one that looks the same after claude waited anew is another: the first is answered", async () => {
  const claude = new FakeClaude();
  claude.onKey = (key) => {
    if (key !== ENTER) return;
    claude.waits++;
    claude.lost = 1; // It stands there again, unanswered.
  };
  expect(await world(claude, "approve").answer()).toEqual({ end: "answered" });
  expect(claude.written).toEqual([ENTER]);
});

test("a no with words is typed into the field that Tab opens, as one line", async () => {
  const claude = new FakeClaude();
  const { answer } = world(claude, "reject", { text: "use echo\r\nplease\x1b[2J" });
  expect(await answer()).toEqual({ end: "answered" });
  expect(claude.chosen).toEqual(["No, use echo please[2J"]);
  expect(claude.written.slice(0, 3)).toEqual([DOWN, DOWN, "\t"]);
});

test("the option named in an answer is found by what it is", () => {
  const dialog = detect(new FakeClaude().screen());
  expect(dialog && optionOf(dialog, "reject" as never)?.label).toBe("No");
  expect(dialog && optionOf(dialog, "other" as never)).toBeUndefined();
});
