// How long an approval takes over the phone, beside the desk: from claude's request until somebody can see it, and from
// the answer until the tool has run. Real claude, real page; a turn on the bare claude, a turn on the wrapped one.
import type { Page } from "playwright-core";
import type { MessagesRequest } from "../src/doctor/messages-request.ts";
import { openBrowser, openPhone } from "./browser.ts";
import { ClaudeRig, type ClaudeTerminal, VERSION } from "./claude.ts";
import { Files } from "./files.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { median, p99, shuffled } from "./samples.ts";
import { Sightings } from "./sightings.ts";

/** Above the bare terminal. */
const LIMIT_MS = 20;
/** Whoever answers at the desk has read first; as long as the page makes a finger wait. */
const READING_MS = 700;
/** The model thinks for so long: claude keeps a dialog back until 600 ms after the last key. */
const QUIET_MS = 700;
const PATIENCE_MS = 40_000;

type Times = { dialog: number[]; card: number[]; ran: number[]; accepted: number[] };
type Side = {
  name: string;
  terminal: ClaudeTerminal;
  times: Times;
  /** The next prompt will be about this file. */
  expect: (file: string) => Promise<void>;
  /** Answers it; `asked` is when the model wanted the tool. */
  answer: (file: string, asked: Promise<number>) => Promise<void>;
};

const noTimes = (): Times => ({ dialog: [], card: [], ran: [], accepted: [] });
const dialogFor = (file: string) => new RegExp(`^ +touch ${file} *$[\\s\\S]*Do you want to proceed`, "m");

function atDesk(terminal: ClaudeTerminal, files: Files): Side {
  const times = noTimes();
  return {
    name: "desk",
    terminal,
    times,
    async expect() {},
    async answer(file, asked) {
      times.dialog.push((await terminal.waitFor(dialogFor(file))) - (await asked));
      await Bun.sleep(READING_MS);
      const ran = files.appears(file);
      const answered = performance.now();
      terminal.outer.write("1");
      times.ran.push((await ran) - answered);
    },
  };
}

function onPhone(terminal: ClaudeTerminal, files: Files, page: Page, sightings: Sightings): Side {
  const times = noTimes();
  let card: () => Promise<number> = async () => Number.NaN;
  return {
    name: "phone",
    terminal,
    times,
    async expect(file) {
      card = await sightings.of(file);
    },
    async answer(file, asked) {
      times.dialog.push((await terminal.waitFor(dialogFor(file))) - (await asked));
      times.card.push((await card()) - (await asked));
      await page.locator("a.row", { hasText: file }).click();
      await page.locator("[data-part=approve]:enabled").waitFor();
      const ran = files.appears(file);
      const accepted = await sightings.of("Claude accepted");
      const tapped = sightings.here(await page.evaluate(tap));
      times.ran.push((await ran) - tapped);
      times.accepted.push((await accepted()) - tapped);
      await page.locator("a.back").click();
      await page.locator("body[data-view=list]").waitFor();
    },
  };
}

/** Runs in the page: what a finger's click does. When it did. */
function tap(): number {
  const button = document.querySelector<HTMLButtonElement>("[data-part=approve]");
  const at = performance.now();
  button?.click();
  return at;
}

/** When the model answers a step of this prompt with its wish to run a tool. */
async function requested({ api }: ClaudeRig, prompt: string, step: number): Promise<number> {
  const answered = Promise.withResolvers<number>();
  const wanted = (request: MessagesRequest) => {
    const found = request.step === step && request.tools.length > 0 && request.prompt.includes(prompt);
    // The stand-in's own timer begins in this moment too, and is as long.
    if (found) setTimeout(() => answered.resolve(performance.now()), QUIET_MS);
    return found;
  };
  await api.waitFor(wanted, { timeout: PATIENCE_MS });
  return answered.promise;
}

/** One prompt, whose tools ask one after the other. */
async function turn(claude: ClaudeRig, side: Side, asks: number) {
  const id = Math.random().toString(36).slice(2, 8);
  const files = Array.from({ length: asks }, (_, i) => `${side.name}-${id}-${i}-x`);
  const [first = ""] = files;
  await side.expect(first);
  let asked = requested(claude, first, 0);
  await side.terminal.say(`${files.map((file) => `RUN: touch ${file}`).join(" ;; ")} ;; SLOW: ${QUIET_MS}`);
  for (const [i, file] of files.entries()) {
    const next = files[i + 1];
    const nextAsked = next ? requested(claude, first, i + 1) : null;
    await side.answer(file, asked);
    if (next) await side.expect(next);
    if (nextAsked) asked = nextAsked;
  }
  await side.terminal.waitFor(/Done: /);
  await Bun.sleep(READING_MS); // What claude writes down after a turn.
}

export async function approvals({ quick }: BenchOptions): Promise<Report> {
  await using claude = await ClaudeRig.open();
  await using browser = await openBrowser();
  using files = new Files(claude.home.project);
  const viewer = await claude.rig.pair();
  const page = await openPhone(browser, claude.rig, viewer, "/");
  const sightings = await Sightings.in(page);
  const desk = atDesk(await claude.start(false), files);
  const phone = onPhone(await claude.start(true), files, page, sightings);
  for (const side of [desk, phone]) await turn(claude, side, 1);
  for (const side of [desk, phone]) for (const some of Object.values(side.times)) some.length = 0; // Things were loaded.
  for (const asks of quick ? [4, 4] : Array<number>(20).fill(10)) {
    for (const side of shuffled([desk, phone])) await turn(claude, side, asks);
  }
  return reportOf(desk.times, phone.times);
}

function reportOf(desk: Times, phone: Times): Report {
  const row = (what: string, times: readonly number[], bare: readonly number[]) => [
    what,
    median(times),
    p99(times),
    median(times) - median(bare),
    median(times) / median(bare),
  ];
  const aim = (what: string, times: readonly number[], bare: readonly number[]) => ({
    what,
    seen: median(times) - median(bare),
    limit: LIMIT_MS,
    unit: "ms above bare",
  });
  const columns = ["ms", "p50", "p99", "p50 added", "p50 ratio"];
  return {
    name: "approvals",
    tables: [
      {
        title: `claude ${VERSION} asks, ${phone.card.length} times each`,
        columns,
        rows: [
          row("request to dialog, bare terminal", desk.dialog, desk.dialog),
          row("request to dialog, wrapped terminal", phone.dialog, desk.dialog),
          row("request to the page's DOM", phone.card, desk.dialog),
        ],
      },
      {
        title: "It is answered",
        columns,
        rows: [
          row("key to tool ran, bare terminal", desk.ran, desk.ran),
          row("tap to tool ran", phone.ran, desk.ran),
          row("tap to “accepted” on the page", phone.accepted, desk.ran),
        ],
      },
    ],
    aims: [
      aim("request to the page's DOM, p50", phone.card, desk.dialog),
      aim("tap to tool ran, p50", phone.ran, desk.ran),
    ],
  };
}

if (import.meta.main) await main(approvals);
