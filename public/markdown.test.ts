import { expect, test } from "bun:test";
import { cpuMs } from "../src/testing/cpu.ts";
import { type MarkdownBlock, markdown } from "./markdown.ts";
import { inlines } from "./markdown-inlines.ts";
import type { Inline } from "./markdown-tree.ts";

/** As HTML would be, for reading. */
function shown(blocks: readonly MarkdownBlock[]): string {
  return blocks.map(block).join("");
}

function block(one: MarkdownBlock): string {
  switch (one.kind) {
    case "paragraph":
      return `<p>${inline(one.children)}</p>`;
    case "heading":
      return `<h${one.level}>${inline(one.children)}</h${one.level}>`;
    case "code":
      return `<pre ${one.lang}>${one.text}</pre>`;
    case "quote":
      return `<quote>${shown(one.blocks)}</quote>`;
    case "list":
      return `<list ${one.start ?? ""}>${one.items.map(({ done, blocks }) => `<li${done === null ? "" : ` ${done}`}>${shown(blocks)}</li>`).join("")}</list>`;
    case "table":
      return `<table>${[one.head, ...one.rows].map((row) => `<tr>${row.map((cell) => `<td>${inline(cell)}</td>`).join("")}</tr>`).join("")}</table>`;
    case "rule":
      return "<hr>";
  }
}

function inline(all: readonly Inline[]): string {
  return all
    .map((one) => {
      switch (one.kind) {
        case "text":
          return one.text;
        case "break":
          return "<br>";
        case "code":
          return `<code>${one.text}</code>`;
        case "link":
          return `<${one.image ? "img" : "a"} ${one.target}>${inline(one.children)}</a>`;
        default:
          return `<${one.kind}>${inline(one.children)}</${one.kind}>`;
      }
    })
    .join("");
}

const INLINE: [text: string, shown: string][] = [
  ["plain", "plain"],
  [
    "**bold** *em* ***both*** ~~gone~~",
    "<strong>bold</strong> <em>em</em> <em><strong>both</strong></em> <strike>gone</strike>",
  ],
  [
    "__bold__ _em_ snake_case_name __init__",
    "<strong>bold</strong> <em>em</em> snake_case_name <strong>init</strong>",
  ],
  ["**a*b*c**", "<strong>a<em>b</em>c</strong>"],
  ["2 * 3 * 4 and **not closed", "2 * 3 * 4 and **not closed"],
  ["*a **b* c**", "<em>a <em><em>b</em> c</em></em>"],
  ["`a * b` ``c ` d`` `not closed", "<code>a * b</code> <code>c ` d</code> `not closed"],
  ["**`code` in bold**", "<strong><code>code</code> in bold</strong>"],
  ["[a](http://b.c/d(e)f) [x] [y](z", "<a http://b.c/d(e)f>a</a> [x] [y](z"],
  ['[a **b**](http://c "title")', "<a http://c>a <strong>b</strong></a>"],
  ["![alt](https://e/p.png)", "<img https://e/p.png>alt</a>"],
  ["[![a](b)](c)", "<a c><img b>a</a></a>"],
  ["[a [b](c) d](e)", "[a <a c>b</a> d](e)"],
  [
    "see https://a.b/c_d_e?f=*g*, and (http://x.y/z)",
    "see <a https://a.b/c_d_e?f=*g>https://a.b/c_d_e?f=*g</a>*, and (<a http://x.y/z>http://x.y/z</a>)",
  ],
  ["<https://a.b> <script>alert(1)</script>", "<a https://a.b>https://a.b</a> <script>alert(1)</script>"],
  ["\\*not em\\* &lt;b&gt; &amp;amp; &bogus;", "*not em* <b> &amp; &bogus;"],
  ["one\ntwo", "one<br>two"],
  ["xhttp://a", "xhttp://a"],
];

test.each(INLINE)("inline: %s", (text, wanted) => {
  expect(inline(inlines(text))).toBe(wanted);
});

const BLOCKS: [text: string, shown: string][] = [
  ["# One\n## Two ##\n#No", "<h1>One</h1><h2>Two</h2><p>#No</p>"],
  [
    "```ts\nconst a = `b`;\n\n# no heading\n```\nafter",
    "<pre ts>const a = `b`;\n\n# no heading</pre><p>after</p>",
  ],
  ["````\n```\n````", "<pre >```</pre>"],
  ["```\nnever closed", "<pre >never closed</pre>"],
  [
    "- a\n- b\n  - c\n\n    d\n- e",
    "<list ><li><p>a</p></li><li><p>b</p><list ><li><p>c</p><p>d</p></li></list></li><li><p>e</p></li></list>",
  ],
  [
    "1. a\n2. b\n   ```\n   c\n   ```\n10. d",
    "<list 1><li><p>a</p></li><li><p>b</p><pre >c</pre></li><li><p>d</p></li></list>",
  ],
  ["3) c\n4) d", "<list 3><li><p>c</p></li><li><p>d</p></li></list>"],
  ["- [x] done\n- [ ] to do", "<list ><li true><p>done</p></li><li false><p>to do</p></li></list>"],
  ["text\n- a\nlazy\n\nafter", "<p>text</p><list ><li><p>a<br>lazy</p></li></list><p>after</p>"],
  ["In 2024\n2025. was not a list", "<p>In 2024<br>2025. was not a list</p>"],
  ["> a\n> > b\n\nc", "<quote><p>a</p><quote><p>b</p></quote></quote><p>c</p>"],
  [
    "| a | b |\n|:-:|---|\n| `x|y` | c\\|d |\n| only |",
    "<table><tr><td>a</td><td>b</td></tr><tr><td><code>x|y</code></td><td>c|d</td></tr><tr><td>only</td></tr></table>",
  ],
  ["a | b\nno table", "<p>a | b<br>no table</p>"],
  [
    "```make\nall:\n\tcc x\n```\n- a\n\t- b",
    "<pre make>all:\n\tcc x</pre><list ><li><p>a</p><list ><li><p>b</p></li></list></li></list>",
  ],
  [
    "1. a\n   ```go\n   {\n   \tb\n\t\tc\n   ```",
    "<list 1><li><p>a</p><pre go>{\n\tb\n \tc</pre></li></list>",
  ],
  ["---\n***\n- - -", "<hr><hr><hr>"],
  ["    indented\n\n    code", "<pre >indented\n\ncode</pre>"],
  ["<div>\n<b>html</b>", "<p><div><br><b>html</b></p>"],
  ["", ""],
];

test.each(BLOCKS)("blocks: %j", (text, wanted) => {
  expect(shown(markdown(text))).toBe(wanted);
});

/** ms of work, the best of a few: the first ones are translated on the way. */
async function time(work: () => void): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) best = Math.min(best, await cpuMs(work));
  return best;
}

const SEEDS = [
  "[",
  "*",
  "_",
  "a@",
  "(",
  "\x1b",
  "]",
  "![",
  "`",
  "~",
  "<",
  "&",
  "> ",
  "- ",
  "|",
  "#",
  "\\",
  "[a](",
  "**a ",
  "*a_",
];
const MORE = [
  "`a``",
  "http://",
  "://",
  "https://a",
  "](",
  "[](",
  "*a*",
  "*_",
  "<http://",
  "_a ",
  " *a",
  "1. ",
  "\n",
  "a\n",
  "  - x\n",
];
const SHAPES: [name: string, text: string][] = [
  ["lists in lists", Array.from({ length: 1_400 }, (_, i) => `${" ".repeat(i)}- a`).join("\n")],
  ["quotes in quotes", `${">".repeat(1_000)}\n`.repeat(1_000)],
  ["a wide table", `${"|a".repeat(500)}\n${"|-".repeat(500)}\n${`${"|b".repeat(500)}\n`.repeat(900)}`],
  ["ticks of every length", Array.from({ length: 1_400 }, (_, i) => "`".repeat(i)).join(" ")],
  ["fences", "```\n".repeat(250_000)],
];

test.each(
  [...SEEDS, ...MORE].map((seed) => [seed, seed.repeat(1_000_000 / seed.length)] as const).concat(SHAPES),
)("SEC-055 a million characters of %j stall nobody", async (_, text) => {
  expect(await time(() => markdown(text))).toBeLessThan(200);
});

test("nothing of a text is lost, whatever it is", () => {
  const signs = "ab *_~[]!<>\\#-|:/\n&";
  let seed = 7;
  const next = (most: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % most;
  };
  for (let i = 0; i < 3_000; i++) {
    const text = Array.from({ length: next(60) }, () => signs[next(signs.length)]).join("");
    const letters = (all: string) => all.replaceAll(/[^ab]/g, "");
    let said = "";
    JSON.stringify(markdown(text), (key, value) => {
      if (["text", "target", "lang"].includes(key)) said += letters(String(value));
      return value;
    });
    expect(said.length, text).toBeGreaterThanOrEqual(letters(text).length);
  }
});
