// What is said to a view that is not loaded yet.
import { expect, test } from "bun:test";
import type { WrapperMessage } from "../protocol.ts";
import { rowText } from "../screen.ts";
import { Changes } from "../testing/wait.ts";
import { lateView } from "./late-view.ts";

function world() {
  const said: WrapperMessage[] = [];
  const changes = new Changes();
  const late = lateView();
  const link = {
    up: true,
    full: false,
    tell(message: WrapperMessage) {
      said.push(message);
      changes.changed();
      return true;
    },
  };
  const load = () =>
    late.load({
      link,
      terminals: { wanted: { cols: 40, rows: 4 }, here: true, repaint() {} },
      claude: { write() {} },
      facts: { titled() {} },
    });
  const shown = (text: string) =>
    said.some(
      (message) =>
        message.type === "output" && message.frame.lines?.some(({ row }) => rowText(row).includes(text)),
    );
  const logged = () => said.flatMap((message) => (message.type === "lines" ? message.lines : []));
  return { late, load, changes, shown, logged, said };
}

const write = (late: ReturnType<typeof lateView>, text: string) => late.write(Buffer.from(text));

test("who watches, and what the server holds of the log, counts although it was said before the view was there", async () => {
  const { late, load, changes, shown, logged } = world();
  using _late = late;
  write(late, "one\r\ntwo\r\nthree\r\nfour\r\nfive");
  late.watched(1, 30);
  late.acked(0);
  await load();
  await changes.until("the first frame", () => shown("five"));
  await changes.until("the log", () => logged().some(({ text }) => text === "one"));
  write(late, "\r\nsix");
  await changes.until("the next frame", () => shown("six"));
});

test("what was said on a connection that is gone by then does not", async () => {
  const { late, load, logged, said } = world();
  using _late = late;
  write(late, "one\r\ntwo\r\nthree\r\nfour\r\nfive");
  late.watched(1, 30);
  late.acked(0);
  late.offline();
  await load();
  await late.settled();
  write(late, "\r\nsix");
  await late.settled();
  expect(logged()).toEqual([]);
  expect(said.filter(({ type }) => type === "output").length).toBeLessThanOrEqual(1);
});
