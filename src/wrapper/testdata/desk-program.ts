// What desk.test.ts runs on a terminal: a Desk that does what single keys say.
import { appendFileSync } from "node:fs";
import { Desk } from "../desk.ts";

const { LOG = "/dev/null", LEAVES = "", STALLED_MS, SIGNALS } = process.env;
const note = (text: string) => appendFileSync(LOG, `${text}\n`);
const say = (text: string) => desk.write(Buffer.from(text));

const desk = new Desk({
  onInput: (bytes) => void press(Buffer.from(bytes)),
  onResize: () => say(`[size ${JSON.stringify(desk.size())}]`),
  onHangup: () => {
    note("hung up");
    say("to nobody");
    setTimeout(() => {
      const { user, system } = process.cpuUsage();
      note(`busy ${Math.round((user + system - busy) / 1000)} ms`);
      process.exit(0);
    }, 400);
    const { user, system } = process.cpuUsage();
    const busy = user + system;
  },
  ...(SIGNALS ? { onSignal: (signal: string) => say(`[${signal}]`) } : {}),
  onReturn: () => say("[returned]"),
  ...(STALLED_MS ? { stalledMs: Number(STALLED_MS) } : {}),
});

async function press(keys: Buffer) {
  const key = keys.toString("latin1");
  switch (key) {
    case "q":
      desk.restore(true);
      process.exit(3);
      break;
    case "l": // Restores and lingers, as a wrapper that tells its server of the end.
      desk.restore(true);
      note("restored");
      setTimeout(() => process.exit(0), 300);
      break;
    case "k":
      desk.restore(false);
      process.exit(0);
      break;
    case "x":
      throw new Error("a fault of ours");
    case "z":
      await desk.suspend();
      say(`[back ${JSON.stringify(desk.size())}]`);
      break;
    case "b":
      process.stdin.removeAllListeners("data").on("data", (bytes) => say(`<${Buffer.from(bytes).toString("hex")}>`));
      say("[hex]");
      break;
    case "f":
      for (let i = 0; i < 500; i++) say(`${String(i).padStart(5, "0")}${"\n\x1b[m\xff".repeat(2000)}`);
      say("[flooded]");
      note(`rss ${Math.round(process.memoryUsage.rss() / 1e6)}`);
      break;
    default:
      say(`[key ${keys.toString("hex")}]`);
  }
}

desk.raw();
say(JSON.parse(`"${LEAVES}"`));
say("[ready]");
