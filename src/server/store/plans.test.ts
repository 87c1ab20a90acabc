// What is asked while everybody waits finds its rows by an index: a log has a million lines, a year some 100,000 questions.
import { Database } from "bun:sqlite";
import { expect, spyOn, test } from "bun:test";
import type { ConversationId, PromptId } from "../../protocol.ts";
import { line, stores } from "../../testing/store.ts";
import { LIMITS } from "../limits.ts";
import { Search } from "../search.ts";
import { wantedIn } from "../search-words.ts";
import type { Store } from "../store.ts";

const { now, withSession } = stores();

type Step = { parent: number; detail: string };
/** Tables that grow without end but for the oldest that go. */
const BIG = /^(SCAN|SEARCH) (output_log|messages|prompts|usage|audit_log|m)\b/;

/** What of SQLite's plan for it looks at more than it gives. */
function wasteIn(db: Database, sql: string): string[] {
  const names = [...new Set(sql.match(/\$\w+/g) ?? [])].map((name) => [name.slice(1), null]);
  const plan = db
    .query<Step, [Record<string, null>]>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(Object.fromEntries(names));
  const sorts = plan.filter(({ detail }) => detail.startsWith("USE TEMP B-TREE"));
  return plan
    .filter(({ detail, parent }) => {
      if (/^SCAN (sessions|s)\b/.test(detail)) return true;
      if (!BIG.test(detail) || detail.includes("prompts_unfinished")) return false;
      const sorted = sorts.some((sort) => sort.parent === parent);
      return sorted || (detail.startsWith("SCAN") && !sql.includes("LIMIT"));
    })
    .map(({ detail }) => detail);
}

test("no statement of prompts, logs, messages and searches looks at all rows, or sorts them", async () => {
  const conversation = "c1" as ConversationId;
  const { store, id } = withSession({ conversation });
  const asked = new Set<string>();
  const query = Database.prototype.query;
  {
    using _ = spyOn(Database.prototype, "query").mockImplementation(function (this: Database, sql: string) {
      asked.add(sql);
      return query.call(this, sql);
    } as typeof query);
    await everything(store, id, conversation);
  }
  const waste = [...asked].map((sql) => ({ sql, looks: wasteIn(store.tables, sql) }));
  expect(waste.filter(({ looks }) => looks.length > 0)).toEqual([]);
  expect(asked.size).toBeGreaterThan(30);
});

async function everything(
  store: Store,
  id: ReturnType<typeof withSession>["id"],
  conversation: ConversationId,
) {
  store.lines.add(id, [line(0, "a word"), line(1, "a word")], now);
  store.messages.add(id, { conversation, uuid: "u", seq: 0, role: "user", body: { text: "a word" } }, now);
  store.catchUp.since(id, { line: 0, message: 0 });
  store.catchUp.since(id, { line: 1, message: 1 });
  store.lines.page(id, { limit: 10 });
  store.lines.page(id, { after: 0, limit: 10 });
  store.messages.page(conversation, { limit: 10 });
  store.messages.page(conversation, { after: 0, limit: 10 });
  store.prompts.get("nobody" as PromptId);
  store.prompts.list("open");
  store.prompts.list("unfinished");
  store.prompts.recent(10);
  store.prompts.undelivered(id);
  store.audit.before(10, 10);
  store.audit.after();
  store.sessions.open();
  store.sessions.ended();
  store.retention.sweep(now);
  const search = new Search(store.tables);
  const signal = new AbortController().signal;
  for (const q of ["word", "-"])
    for (const place of [
      { from: Number.MAX_SAFE_INTEGER, back: true },
      { from: 0, back: false },
    ])
      for (const where of ["messages", "lines"] as const)
        for (const session of [null, id])
          await search.find(where, {
            wanted: wantedIn(q),
            session,
            place,
            limit: LIMITS.searchHits,
            signal,
          });
}
