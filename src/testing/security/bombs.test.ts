// Texts that a careless regular expression, or a careless loop, would take for ever to read: in every place that reads text.
import { expect, test } from "bun:test";
import { editLines, linesIn } from "../../../public/edit-lines.ts";
import { inputParts } from "../../../public/input-view.ts";
import { markdown } from "../../../public/markdown.ts";
import { inlines } from "../../../public/markdown-inlines.ts";
import { hiddenIn, piecesOf } from "../../../public/marks.ts";
import { isOutside, risksOf } from "../../../public/risks.ts";
import { printable } from "../../command.ts";
import type { Prompt } from "../../protocol.ts";
import { blank, type Screen } from "../../screen.ts";
import { addressReader } from "../../server/address.ts";
import { csvCell } from "../../server/audit-export.ts";
import { LIMITS } from "../../server/limits.ts";
import { cookieOf } from "../../server/logins.ts";
import { parseWrapperMessage } from "../../server/messages.ts";
import { endpointProblem } from "../../server/push/endpoint.ts";
import { cut, inputLine, mayApprove, visible } from "../../server/push/shown.ts";
import { parseCursor } from "../../server/stream.ts";
import { blocksOf, hookDecisionOf } from "../../transcript/blocks.ts";
import { messageOf } from "../../transcript/message.ts";
import { detect } from "../../wrapper/dialogs/detect.ts";
import { isText } from "../../wrapper/dialogs/shows.ts";
import { editDiff } from "../../wrapper/edit-diff.ts";
import { inputBoxEmpty } from "../../wrapper/input-box.ts";
import { typed } from "../../wrapper/typing.ts";
import { cpuMs } from "../cpu.ts";
import { prompt } from "../link.ts";
import { openPrompt, session } from "../push-world.ts";

const CHARS = 1_000_000;
/** What Bun reads of all headers of a request together. */
const HEADER_CHARS = 16_384;
/** `markdown` reads no more of a text. */
const MARKDOWN_CHARS = 70_000;
/** Three copies of it, each character written as `\u001b`, fit a frame. */
const PROMPT_CHARS = Math.floor(LIMITS.frameBytes / 3 / 6) - 1_000;
/** A server serves others meanwhile; a phone shows the next picture, and a wrapper passes on the next key, a little later. */
const [SERVER_MS, OTHERS_MS] = [50, 200];
/** On a busy machine the same work takes more processor: its caches are others' too. What is not linear takes a thousand times. */
const BUSY = 2;

const SEEDS = [
  ...["[", "*", "_", "a@", "(", "\x1b", "![](", "`", "~", "<", "&", "\\", "|", "- ", "> ", "#", "1. "],
  ...[
    "a.",
    "http://",
    "//",
    "../",
    " ",
    "\n",
    "\t",
    "\r",
    "0",
    ":",
    ",",
    ";",
    "=",
    '"',
    "'",
    "$(",
    "\u202e",
    "é",
    "🙂",
  ],
  ...[
    "[a](",
    "**a",
    "a*b_",
    "<a ",
    "&amp",
    "\x1b[",
    "\x1b]8;;",
    "; rm ",
    "| sh",
    "::ffff:",
    "a:1,",
    "[x] ",
    "\n\n\n",
  ],
];

const asked = (text: string): Prompt =>
  prompt({
    tool: "Bash",
    input: { command: text, description: text, [text.slice(0, 100)]: text },
    prompt_text: text,
  });
const pushed = (text: string) =>
  openPrompt(session(), { input: { command: text }, prompt_text: text, tool: "Bash" });
const record = (text: string) =>
  JSON.stringify({
    type: "user",
    uuid: "u",
    timestamp: "2026-01-01T00:00:00Z",
    message: { role: "user", content: text },
  });
/** A screen full of it, as large as one may be. */
const screenOf = (text: string): Screen => {
  const [cols, rows] = [500, 200];
  const lines = Array.from({ length: rows }, (_, y) => [{ text: text.slice(y * cols, (y + 1) * cols) }]);
  return { ...blank(cols, rows), lines };
};
const trusted = addressReader(["10.0.0.0/8"]);

/** What counts is the processor's time; how long a busy machine takes to give it tells nothing. */
const PATIENCE_MS = 300_000;
/** Where a limit comes first, a text is as long as that lets through. */
const PLACES: [name: string, most: number, read: (text: string) => unknown, chars?: number][] = [
  ["page: markdown", OTHERS_MS, markdown],
  ["page: markdown in a line", OTHERS_MS, inlines, MARKDOWN_CHARS],
  ["page: marks", OTHERS_MS, piecesOf],
  ["page: hidden characters", OTHERS_MS, hiddenIn],
  ["page: an edit", OTHERS_MS, (text) => editLines(text, `${text}x`)],
  ["page: an edit of other lines", OTHERS_MS, (text) => editLines(text, text.replaceAll("a", "b"))],
  ["page: lines", OTHERS_MS, linesIn],
  [
    "page: risks of a command",
    OTHERS_MS,
    (text) => risksOf({ tool: "Bash", input: { command: text }, cwd: "/home/me" }),
  ],
  [
    "page: risks of a path",
    OTHERS_MS,
    (text) => risksOf({ tool: "Write", input: { file_path: text }, cwd: "/home/me" }),
  ],
  ["page: where a path leads", OTHERS_MS, (text) => isOutside(text, "/home/me")],
  ["page: the parts of an input", OTHERS_MS, (text) => inputParts(asked(text) as never)],
  ["server: a cookie", SERVER_MS, (text) => cookieOf(text, "cr"), HEADER_CHARS],
  ["server: a forwarded address", SERVER_MS, (text) => trusted("10.0.0.1", text), HEADER_CHARS],
  ["server: a cursor", SERVER_MS, parseCursor],
  ["server: a cell of CSV", SERVER_MS, csvCell],
  ["server: a push, what is seen", SERVER_MS, visible],
  ["server: a push, cut", SERVER_MS, (text) => cut(text, 120)],
  ["server: a push, its line", SERVER_MS, (text) => inputLine(pushed(text))],
  ["server: a push, its button", SERVER_MS, (text) => mayApprove(pushed(text))],
  [
    "server: a push service's address",
    SERVER_MS,
    (text) => endpointProblem(`https://${text}`, { hosts: [], anywhere: false } as never),
  ],
  [
    "server: lines of a wrapper",
    SERVER_MS,
    (text) =>
      parseWrapperMessage(
        `{"type":"lines","lines":[{"line_no":0,"epoch":0,"source":"screen","text":${JSON.stringify(text)}}]}`,
      ),
  ],
  [
    "server: a prompt of a wrapper",
    SERVER_MS,
    (text) => parseWrapperMessage(JSON.stringify({ type: "prompt", prompt: asked(text) })),
    PROMPT_CHARS,
  ],
  ["wrapper: typing", OTHERS_MS, typed, LIMITS.textChars],
  ["wrapper: a screen's dialog", OTHERS_MS, (text) => detect(screenOf(text))],
  ["wrapper: claude's input box", OTHERS_MS, (text) => inputBoxEmpty(screenOf(text))],
  ["wrapper: whether a dialog shows an input", OTHERS_MS, (text) => isText(text, `${text}x`)],
  [
    "wrapper: an edit",
    OTHERS_MS,
    (text) => editDiff("Edit", { file_path: "/x", old_string: text, new_string: `${text}x` }),
  ],
  ["transcript: a message", OTHERS_MS, (text) => messageOf(record(text))],
  ["transcript: its blocks", OTHERS_MS, (text) => blocksOf(record(text))],
  ["transcript: a decision", OTHERS_MS, (text) => hookDecisionOf(record(text))],
  ["command: a name", OTHERS_MS, printable],
];

test.each(PLACES)(
  "SEC-055 %s: whatever a text is made of, the longest is read in good time (%i ms of processor)",
  async (name, most, read, chars = CHARS) => {
    for (const seed of SEEDS) {
      const text = seed.repeat(Math.ceil(chars / seed.length)).slice(0, chars);
      const costs: number[] = [];
      // The best of some: what else the machine and the collector do is no part of it.
      for (let i = 0; i < 6 && Math.min(Number.POSITIVE_INFINITY, ...costs) >= most / 4; i++)
        costs.push(await cpuMs(() => read(text)));
      expect(Math.min(...costs), `${name}: ${JSON.stringify(seed)}`).toBeLessThan(BUSY * most);
    }
  },
  PATIENCE_MS,
);
