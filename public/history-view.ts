// Every session that has ended and is still kept, the newest first, page by page.
import type { Session } from "../src/protocol.ts";
import { get } from "./api.ts";
import { element, fromTemplate, part, setText } from "./dom.ts";
import { readOlder } from "./older.ts";
import type { Context, Drawn } from "./screen.ts";
import { aboutSession } from "./session-about.ts";
import { drawRow } from "./session-list.ts";
import { dayOf } from "./times.ts";

type Page = { sessions: Session[]; before: string | null };

/** The view. */
export function historyView(body: HTMLElement, { model, say }: Context): Drawn {
  const root = fromTemplate("history-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const rows = new Map<string, HTMLElement>();
  let before: string | null = null;

  body.append(root);
  readOlder({
    ...{ button: part(root, "older", HTMLButtonElement), words: "Show earlier sessions", say, read },
    onRead(failed) {
      at("loading").hidden = true;
      at("none").hidden = rows.size > 0 || failed;
    },
  });

  async function read(): Promise<boolean> {
    const page = (await get(
      `/api/history${before === null ? "" : `?before=${encodeURIComponent(before)}`}`,
    )) as Page;
    before = page.before;
    for (const session of page.sessions) if (!rows.has(session.id)) at("rows").append(rowOf(session));
    return before !== null;
  }

  function rowOf(session: Session): HTMLElement {
    const item = element("li", "");
    rows.set(session.id, item);
    draw(item, session);
    return item;
  }

  function draw(item: HTMLElement, session: Session) {
    const made = fromTemplate("history-row");
    const row = part(made, "row", HTMLElement);
    const link = fromTemplate("row").firstElementChild;
    if (link) row.append(link);
    drawRow(row, session, model, "");
    const kept = session.kept_until == null ? "" : `Kept until ${dayOf(session.kept_until, model.now())}`;
    setText(part(made, "kept", HTMLElement), kept);
    const more = part(made, "more", HTMLButtonElement);
    more.setAttribute("aria-label", `About ${part(row, "project", HTMLElement).textContent}`);
    more.addEventListener("click", async () => {
      await aboutSession({ model, session, onDeleted: () => item.remove() });
      const known = model.session(session.id);
      if (item.isConnected && known) draw(item, known);
    });
    item.replaceChildren(made);
  }

  return {};
}
