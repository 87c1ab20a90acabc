// The conversation of a session: what was said and done, page by page from the server, and live from the stream.
import type { ConversationId, Message, SessionId } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { type Drawing, drawBlock, estimate } from "./conversation-block.ts";
import type { Block } from "./conversation-blocks.ts";
import { conversationSections, type Section } from "./conversation-sections.ts";
import { listWindow } from "./conversation-window.ts";
import { fromTemplate, part, setText } from "./dom.ts";
import { markFound, placeOfFound } from "./found.ts";
import type { Model } from "./model.ts";

/** Messages asked for at once. */
const PAGE_MESSAGES = 200;
/** px from either end of what is loaded at which more is asked for. */
const NEAR_PX = 2_000;
/** After a request that failed, ms. */
const RETRY_MS = 3_000;

/** A message that a search found, and what of it is marked. */
export type Place = { conversation: ConversationId; seq: number; words: readonly string[] };

/** Before or after a message; `earlier`: the conversation before those that are here; `middle`: more may follow. */
type Bounds = { before?: number; after?: number; earlier?: true; middle?: true };

export type ConversationOptions = {
  model: Model;
  session: SessionId;
  /** Whether there is anything to show; told when it is known and when it changes. */
  onAny: (any: boolean) => void;
};

/** The panel of one session's conversation; `update` after each change of the model. */
export function conversationView({ model, session, onAny }: ConversationOptions) {
  const root = fromTemplate("conversation-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const scroll = at("scroll");
  scroll.tabIndex = 0; // For the arrow keys.
  const drawing: Drawing = {
    cwd: model.session(session)?.cwd ?? "",
    now: model.now,
    opened: new Map(),
    onClose: (key) => requestAnimationFrame(() => list.reveal(key)),
  };
  const held = conversationSections(() => list.pinned || list.below < list.above);
  const sections = held.all;
  /** Every conversation of the session, as the server last told. */
  let known: ConversationId[] = [];
  let loading = false;
  let problem = "";
  let retry: ReturnType<typeof setTimeout> | undefined;
  let shown = 0;
  let unseen = 0;
  /** The last that was heard while its place was not loaded. */
  let missed: Message | null = null;
  /** Which request's answer is awaited. */
  let request = 0;
  let scheduled = 0;
  let any: boolean | null = null;
  /** What was found: to be brought into sight; and the block that it was, with its words. */
  let sought: Place | null = null;
  let found: { key: string; words: readonly string[] } | null = null;
  /** The reader was led to an earlier place; what follows it comes when that is read. */
  let away = false;

  const list = listWindow<Block>({
    scroll,
    list: at("list"),
    draw(block) {
      const node = drawBlock(block, drawing);
      if (block.key === found?.key) markFound(node, found.words);
      return node;
    },
    estimate,
    onMove: moved,
  });
  const unhear = model.hear(hear);
  at("pill").addEventListener("click", toEnd);

  // ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────────

  function hear(message: Message) {
    if (away || sections.at(-1)?.newer) {
      unseen++; // Its place is behind what is not loaded.
      missed = message;
      return drawPill();
    }
    const section = held.of(message.conversation);
    const before = section.blocks.blocks.length;
    held.put(section, [message]);
    if (!list.pinned) unseen += Math.max(0, section.blocks.blocks.length - before);
    schedule();
  }

  // ── the server ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks for a page: the last one, or what is before or after a message. */
  async function load(id: ConversationId | null, bounds: Bounds) {
    if (loading) return;
    loading = true;
    const own = ++request;
    drawState();
    const query = new URLSearchParams({ limit: String(PAGE_MESSAGES), ...(id && { conversation: id }) });
    const { earlier, middle, ...numbers } = bounds;
    for (const [name, value] of Object.entries(numbers)) query.set(name, String(value));
    try {
      const page = pageIn(await get(`/api/sessions/${encodeURIComponent(session)}/messages?${query}`));
      if (own !== request) return;
      problem = "";
      loading = false;
      take(page, bounds);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (own !== request) return;
      loading = false;
      problem = error.message;
      clearTimeout(retry);
      if (error.retryable) retry = setTimeout(() => load(id, bounds), Math.max(RETRY_MS, error.againMs));
    }
    draw();
  }

  function take({ conversation, conversations, messages, more }: Page, bounds: Bounds) {
    known = conversations;
    if (conversation === null) return tell();
    const section = held.of(conversation);
    if (bounds.earlier) held.toFront(section);
    if (bounds.middle) section.newer = true;
    if (bounds.after === -1) section.older = false;
    if (bounds.after === undefined) section.older = more;
    else section.newer = more || isMissing(section, messages.at(-1));
    const end = section.blocks.blocks.at(-1)?.key;
    held.put(section, messages);
    // Whoever read up to here reads on from here, and is not led to the end of what came.
    if (bounds.after !== undefined && section.blocks.blocks.at(-1)?.key !== end) list.unpin();
    // An older conversation goes on, and its beginning is not here: what was before follows when that is read.
    if (section.older) held.dropBefore(section);
    tell();
  }

  /** More was heard of than came. */
  function isMissing(section: Section, last = section.messages.at(-1)): boolean {
    return missed?.conversation === section.id && missed.seq > (last?.seq ?? -1);
  }

  /** Asks for what is near the reader and not there yet. */
  function moved() {
    if (list.pinned) unseen = 0;
    drawPill();
    if (loading || problem || sections.length === 0 || scroll.clientHeight === 0) return;
    const [first, last] = [sections[0], sections.at(-1)];
    const torn = sections.find((one, i) => i > 0 && one.older);
    if (torn) return void load(torn.id, before(torn));
    if (last?.newer && list.below < NEAR_PX)
      return void load(last.id, { after: last.messages.at(-1)?.seq ?? -1 });
    if (last && away && !last.newer && list.below < NEAR_PX) {
      const next = known[known.indexOf(last.id) + 1];
      if (next) return void load(next, { after: -1 });
      away = false;
    }
    if (!first || list.above > NEAR_PX) return;
    if (first.older) return void load(first.id, before(first));
    const earlier = known
      .slice(0, Math.max(0, known.indexOf(first.id)))
      .findLast((id) => !sections.some((one) => one.id === id));
    if (earlier) load(earlier, { earlier: true });
  }

  const before = ({ messages }: Section) => (messages[0] ? { before: messages[0].seq } : {});

  function toEnd() {
    unseen = 0;
    if (away || sections.at(-1)?.newer) {
      begin(null, {});
      missed = null;
    }
    away = false;
    list.toEnd();
  }

  /** Anew from another place. */
  function begin(id: ConversationId | null, bounds: Bounds) {
    held.clear();
    loading = false; // Whatever is on its way is not wanted any more.
    load(id, bounds);
  }

  function goTo(place: Place) {
    sought = place;
    const section = sections.find(({ id }) => id === place.conversation);
    const [first, last] = [section?.messages[0], section?.messages.at(-1)];
    if (first && last && first.seq <= place.seq && place.seq <= last.seq) return draw();
    away = true;
    // Up to it: a result stands with its call, which is before.
    begin(place.conversation, { before: place.seq + 1, middle: true });
  }

  /** Brings what was sought into sight, if it has come. A result stands in the block of its call. */
  function reveal() {
    const section = sections.find(({ id }) => id === sought?.conversation);
    if (!sought || !section) return;
    const { seq, words } = sought;
    const last = section.messages.at(-1)?.seq ?? seq;
    // What follows it comes first, so that it can stand in the middle of the screen.
    if (section.newer && last <= seq)
      return loading || problem ? undefined : void load(section.id, { after: last });
    for (const { uuid } of section.messages.filter((message) => message.seq <= seq).reverse()) {
      const block = section.blocks.blocks.find(({ key }) => key.startsWith(`${section.id}/${uuid}/`));
      if (!block) continue;
      const before = section.blocks.blocks.find(({ key }) => key === found?.key);
      if (before) before.rev++;
      found = { key: block.key, words };
      sought = null;
      drawing.opened.set(block.key, true);
      block.rev++;
      list.goTo(block.key);
      return list.bring(placeOfFound());
    }
  }

  // ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function schedule() {
    scheduled ||= requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(scheduled);
    scheduled = 0;
    clearTimeoutIfDone();
    const blocks = sections.flatMap((section, i) => [...opening(section, i), ...section.blocks.blocks]);
    shown = blocks.length;
    if (away) list.unpin(); // Its end is not the end of all.
    list.show(blocks);
    reveal();
    drawState();
    drawPill();
    tell();
  }

  /** Whether something is on its way, or why there is nothing. */
  function drawState() {
    const words = problem || (loading ? "Loading …" : "Nothing has been said yet.");
    at("empty").hidden = shown > 0;
    setText(at("empty"), words);
    at("loading").hidden = shown === 0 || !loading;
  }

  function clearTimeoutIfDone() {
    if (problem === "") {
      clearTimeout(retry);
      retry = undefined;
    }
  }

  /** The line between two conversations. */
  function opening({ id, older }: Section, i: number): Block[] {
    if (older || (i === 0 && known.indexOf(id) <= 0)) return [];
    return [{ key: `begins/${id}`, rev: 0, at: null, kind: "begins", text: "A new conversation" }];
  }

  function drawPill() {
    at("pill").hidden = list.pinned || shown === 0;
    setText(at("pill"), unseen > 0 ? `New output (${unseen})` : "To the end");
  }

  function tell() {
    const now = sections.some(({ messages }) => messages.length > 0);
    if (now === any || (!now && (loading || problem))) return;
    any = now;
    onAny(now);
  }

  /** What was said or done last, in words. */
  function latest(): string {
    const words = sections
      .flatMap(({ blocks }) => blocks.blocks)
      .findLast((block) => "text" in block || "tool" in block);
    if (!words) return "";
    return "tool" in words ? `${words.tool}: ${words.result?.text ?? "not finished"}` : words.text;
  }

  load(null, {});
  return {
    root,
    goTo,
    latest,
    /** claude may have gone on with another conversation, which is older than its next message. */
    update() {
      const { ended_at } = model.session(session) ?? { ended_at: null };
      root.classList.toggle("over", ended_at !== null);
      const id = model.session(session)?.conversation ?? null;
      const current = sections.at(-1);
      if (away || !id || loading || problem || !current || current.id === id || current.newer) return;
      const again = sections.find((one) => one.id === id);
      if (again) held.toEnd(again);
      else load(id, {});
    },
    close() {
      request++; // What is on its way comes to nobody.
      unhear();
      clearTimeout(retry);
      cancelAnimationFrame(scheduled);
      list.close();
    },
  };
}

type Page = {
  conversation: ConversationId | null;
  conversations: ConversationId[];
  messages: Message[];
  more: boolean;
};

function pageIn(value: unknown): Page {
  const page = (value && typeof value === "object" ? value : {}) as Partial<Page>;
  return {
    conversation: page.conversation ?? null,
    conversations: page.conversations ?? [],
    messages: page.messages ?? [],
    more: page.more === true,
  };
}
