// Days of claude's output in minutes: everything that was recorded of it, again and again, through the wrapper's own emulator,
// log and link into one server on which a phone watches, with a question after each. Memory has to end where it began.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DeviceId } from "../src/protocol.ts";
import { rowText } from "../src/screen.ts";
import { deviceSecret } from "../src/seal.ts";
import { prompt, statement } from "../src/testing/link.ts";
import { OwnServer } from "../src/testing/security/own-server.ts";
import { TestViewer } from "../src/testing/viewer.ts";
import { Link } from "../src/wrapper/link.ts";
import { webSocket } from "../src/wrapper/socket.ts";
import { View } from "../src/wrapper/view.ts";
import { recordings, writesOf } from "./recordings.ts";
import { type BenchOptions, main, type Report } from "./report.ts";
import { BINARY } from "./rig.ts";
import { median } from "./samples.ts";

const HOUR_MS = 60 * 60 * 1_000;
/** So long, as fast as the server takes it; and so long for a try. */
const LIMITS_MS = { full: 10 * 60_000, quick: 20_000 };
/** claude asks after every so many of them. */
const TURNS_A_QUESTION = 10;
/** Memory may grow by so much between the first tenth and the last, MB: what is made once is made by then. */
const GROWTH_MB = 32;

type Look = { hours: number; wrapper: number; server: number };

export async function soak({ quick }: BenchOptions): Promise<Report> {
  await using server = await OwnServer.start({ program: [BINARY], env: { CLAUDE_REMOTE_PORT: "0" } });
  const master = new Uint8Array(readFileSync(join(server.data, "master.key")));
  const session = statement({ cols: 120, rows: 40 });
  const up = Promise.withResolvers<void>();
  /** The last question that the server has on disk. */
  let stored = "";
  let view: View | null = null;
  using link = new Link({
    device: "local" as DeviceId,
    secret: () => deviceSecret(master, "local" as DeviceId),
    connect: webSocket(() => `${server.url.replace("http", "ws")}/ws`),
    onUp() {
      link.tell({ type: "session", session });
      view?.online();
    },
    onMessage(message) {
      if (message.type === "ack" && message.stream === "lines") view?.acked(message.upto);
      if (message.type === "ack" && message.stream === "prompts") stored = message.prompt;
      if (message.type !== "watch") return;
      view?.watched(message.viewers, message.rate);
      up.resolve();
    },
    onDown() {},
  });
  using shown = new View({
    ...{ cols: 120, rows: 40 },
    tell: (message) => link.tell(message),
    full: () => link.full,
    ...{ onTitle() {}, onReply() {}, onSkip() {} },
  });
  view = shown;
  await up.promise;
  shown.online();
  const phone = await TestViewer.pair(server);
  await phone.listen(session.id);

  const day = recordings()
    .filter(({ path }) => existsSync(`${path}.jsonl`))
    .map(({ path, cols, rows }) => ({ cols, rows, writes: writesOf(path) }));
  const looks: Look[] = [];
  const limit = performance.now() + (quick ? LIMITS_MS.quick : LIMITS_MS.full);
  let [played, bytes, rounds, turns] = [0, 0, 0, 0];
  const look = () => {
    Bun.gc(true);
    looks.push({
      hours: played / HOUR_MS,
      wrapper: process.memoryUsage.rss() / 1e6,
      server: server.rss * 1.048_576,
    });
  };
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  while (performance.now() < limit) {
    for (const { cols, rows, writes } of day) {
      shown.resize(cols, rows);
      for (const { bytes: piece } of writes) {
        shown.write(piece);
        bytes += piece.byteLength;
      }
      await shown.settled();
      // What claude says stands in the log, and now and then it asks.
      shown.block(shown.screen().lines.map(rowText).join("\n"));
      if (++turns % TURNS_A_QUESTION === 0) {
        const asked = prompt();
        link.tell({ type: "prompt", prompt: asked });
        await until(() => stored === asked.id);
        link.tell({ type: "withdrawn", prompt: asked.id, by: "desk", chosen: "approved" });
      }
      while (link.full) await Bun.sleep(5);
      played += writes.at(-1)?.at ?? 0;
      // What a phone holds of the log is the page's to bound; here it would only fill this process.
      phone.lines.splice(0);
      phone.events.splice(0);
      phone.prompts.clear();

      if (performance.now() > limit) break;
    }
    rounds++;
    look();
  }
  await shown.ended();
  await phone.until("the last screen", () => phone.text.trim() !== "" || null);
  const { user, system } = process.cpuUsage(cpu);
  const tenth = Math.max(1, Math.floor(looks.length / 10));
  const growth = (of: "wrapper" | "server") =>
    median(looks.slice(-tenth).map((one) => one[of])) - median(looks.slice(0, tenth).map((one) => one[of]));
  const step = Math.max(1, Math.floor(looks.length / 8));
  const rows = looks.filter((_, i) => i % step === 0 || i === looks.length - 1);
  const minutes = (performance.now() - began) / 60_000;
  return {
    name: "soak",
    tables: [
      {
        title: "Memory after the collector, as the day goes on",
        columns: ["hours of output", "wrapper's part RSS MB", "server RSS MB"],
        rows: rows.map(({ hours, wrapper, server: of }) => [hours.toFixed(1), wrapper, of]),
      },
    ],
    notes: [
      `${(played / HOUR_MS).toFixed(1)} hours of output (${(bytes / 1e6).toFixed(0)} MB, ${rounds} rounds of ${day.length} recordings) in ${minutes.toFixed(1)} minutes;` +
        ` CPU ${((user + system) / 1e6).toFixed(0)} s here, ${server.cpu.toFixed(0)} s the server; the phone had ${phone.frames} frames.`,
      `${turns} blocks of the log, ${Math.floor(turns / TURNS_A_QUESTION)} questions; the database has ${(statSync(join(server.data, "claude-remote.db")).size / 1e6).toFixed(0)} MB.`,
    ],
    aims: [
      { what: "hours of output", seen: played / HOUR_MS, limit: quick ? 0.5 : 24, unit: "h", least: true },
      { what: "growth of the wrapper's part", seen: growth("wrapper"), limit: GROWTH_MB, unit: "MB" },
      { what: "growth of the server", seen: growth("server"), limit: GROWTH_MB, unit: "MB" },
    ],
  };
}

async function until(look: () => boolean) {
  while (!look()) await Bun.sleep(1);
}

if (import.meta.main) await main(soak);
