// As claude does on Ctrl-Z: says so, stops itself, and is deaf until SIGCONT. How long it takes before and after the word
// are its arguments, in milliseconds. Other keys are named; `q` ends it.
const [before = 0, after = 0] = process.argv.slice(2).map(Number);
const NOTICE = "\x1b[?2004l\r\nClaude Code is suspended. Run `fg` to bring it back.\r\n";

process.stdin.setRawMode(true);
process.stdin.on("data", async (keys) => {
  for (const key of keys.toString("latin1")) {
    if (key === "q") process.exit(4);
    else if (key === "\x1a") await suspend();
    else process.stdout.write(`[key ${key}]`);
  }
});
setInterval(() => {}, 60_000); // A paused stdin keeps nobody alive.
process.stdout.write("[ready]");

async function suspend() {
  await Bun.sleep(before);
  process.stdin.pause();
  process.stdin.setRawMode(false);
  process.stdout.write(NOTICE);
  Bun.sleepSync(after);
  process.once("SIGCONT", () => {
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write("[back]");
  });
  process.kill(0, "SIGTSTP"); // With whoever is in its group.
}
