// Two dialogs unlike the others: auto mode's word that it cannot check (keys, no list), and a choice of MCP servers (marks).
import type { OptionId } from "../../protocol.ts";
import { type Block, isBlank } from "./block.ts";
import type { Dialog, DialogOption } from "./dialog.ts";
import { nameOf } from "./meaning.ts";

type Titled = { title: string; from: number };
type Found = Omit<Dialog, "fingerprint"> | null;

const CANNOT_CHECK = /^Auto mode can't check actions in this session$/;
const KEYS =
  /^Enter to stay in auto mode · shift\+Tab to leave for accept edits mode and stop · Esc to cancel$/i;
const SERVERS = /^\d+ new MCP servers found in this project$/;
const SERVER = /^ {2}(❯| ) (\[.\] \S.*)$/;
const ENABLE = /^ {2}(❯| ) {2,4}Enable selected$/;
const SERVER_KEYS = /^Space to select( · Enter to confirm)? · Esc to reject all$/;

const plain = { agent: null, position: 1, input: null, typing: false, hooked: false } as const;
const textOf = (lines: Block["lines"]) =>
  lines.filter((line) => !isBlank(line)).map(({ text }) => text.trim());

/** The notice that ends in the keys it takes; one whose end is not on the screen is not answered. */
export function cannotCheck({ lines, cols }: Block, { title, from }: Titled): Found {
  if (!CANNOT_CHECK.test(title)) return null;
  const end = lines.findLastIndex(isBlank);
  if (end < from || !KEYS.test(textOf(lines.slice(end + 1)).join(" "))) return null;
  const key = (
    id: string,
    label: string,
    effect: DialogOption["effect"],
    press: "enter" | "shift_tab" | "escape",
  ) =>
    ({
      id: id as OptionId,
      label,
      effect,
      selected: false,
      place: { row: 0, column: 0 },
      key: { by: "key", press },
    }) satisfies DialogOption;
  const options = [
    key("stay", "Stay in auto mode", "answer", "enter"),
    key("leave", "Leave for accept edits mode and stop", "answer", "shift_tab"),
    key("reject", "Cancel", "reject", "escape"),
  ];
  const body = textOf(lines.slice(from, end));
  return { name: "cannot-check", title, body, options, at: null, cols, startUp: false, ...plain };
}

/** The list of servers, each with its mark. What confirms it stands in a row of its own, or is a key. */
export function serversOf({ lines, cols, pointer }: Block, { title, from }: Titled): Found {
  if (!SERVERS.test(title)) return null;
  const rows = lines.filter(({ text }) => SERVER.test(text) || ENABLE.test(text));
  const [first, last] = [rows[0], rows.at(-1)].map((line) => (line ? lines.indexOf(line) : -1));
  if (first === undefined || last === undefined || first < from || !pointer) return null;
  const keys = SERVER_KEYS.exec(textOf(lines.slice(last + 1)).join(" "));
  if (!keys) return null;
  const options = rows.map(({ text, y }, row): DialogOption => {
    const common = { selected: y === pointer.y, place: { row, column: 0 }, effect: "answer" } as const;
    const label = SERVER.exec(text)?.[2];
    if (!label)
      return {
        id: "enable" as OptionId,
        label: "Enable selected",
        ...common,
        key: { by: "row", press: "enter" },
      };
    const id = `mark-${nameOf(label)}` as OptionId;
    return { id, label: `Change ${label}`, ...common, key: { by: "row", press: "space" } };
  });
  const key = (id: string, label: string, effect: DialogOption["effect"], press: "enter" | "escape") =>
    ({
      id: id as OptionId,
      label,
      effect,
      selected: false,
      place: { row: 0, column: 0 },
      key: { by: "key", press },
    }) satisfies DialogOption;
  if (keys[1]) options.push(key("enable", "Enable selected", "answer", "enter"));
  options.push(key("reject", "Reject all", "reject", "escape"));
  const at = { row: rows.findIndex(({ y }) => y === pointer.y), column: 0 };
  const body = textOf(lines.slice(from, first));
  return { name: "mcp-servers", title, body, options, at, cols, startUp: true, ...plain };
}
