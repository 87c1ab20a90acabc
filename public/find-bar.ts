// From one place that a search found in a session to the next: what stands there, earlier, later.
import type { SearchHit, SessionId } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { fromTemplate, part, setMarked, setText } from "./dom.ts";
import { foundIn, placeOf, sayerOf, wordsOf } from "./hits.ts";
import { clockTime } from "./times.ts";

export type FindBarOptions = {
  session: SessionId;
  now: () => number;
  /** Leads there; the words are what is to be marked. */
  onHit: (hit: SearchHit, words: string[]) => void;
};

/** The bar; `find` begins at a hit of that search. */
export function findBar({ session, now, onHit }: FindBarOptions) {
  const root = fromTemplate("find-bar");
  const at = (name: string) => part(root, name, HTMLElement);
  const button = (name: string) => part(root, name, HTMLButtonElement);
  let where: SearchHit["in"] = "messages";
  let query = "";
  let place = 0;
  /** Which answer is awaited; none once the bar was closed. */
  let awaited = 0;

  button("earlier").addEventListener("click", () => look({ before: place }));
  button("later").addEventListener("click", () => look({ after: place }));
  button("close").addEventListener("click", () => close());

  async function look(bounds: { before?: number; after?: number }) {
    const own = ++awaited;
    for (const name of ["earlier", "later"]) button(name).disabled = true;
    const asked = new URLSearchParams({ q: query, in: where, session, limit: "1" });
    for (const [name, value] of Object.entries(bounds)) asked.set(name, String(value));
    try {
      const { hits, next } = foundIn(await get(`/api/search?${asked}`));
      if (own !== awaited) return;
      const [hit] = hits;
      for (const name of ["earlier", "later"]) button(name).disabled = false;
      if (hit) return show(hit);
      if (next !== null)
        return void look({ ...(bounds.after === undefined ? { before: next } : { after: next }) });
      const end = bounds.after === undefined ? "earlier" : "later";
      button(end).disabled = true;
      setText(at("told"), `Nothing ${end}.`);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (own !== awaited) return;
      for (const name of ["earlier", "later"]) button(name).disabled = false;
      setText(at("told"), error.message);
    }
  }

  function close() {
    awaited++;
    root.remove();
  }

  function show(hit: SearchHit) {
    place = placeOf(hit, true);
    setMarked(at("what"), query);
    setText(at("told"), `${sayerOf(hit)}, ${clockTime(hit.at, now())}`);
    onHit(hit, wordsOf(hit));
  }

  return {
    root,
    close,
    /** Begins at the place of that number. */
    find(q: string, kind: SearchHit["in"], from: number) {
      query = q;
      where = kind;
      place = from;
      setMarked(at("what"), query);
      setText(at("told"), "…");
      look({ before: from + 1 });
    },
  };
}
