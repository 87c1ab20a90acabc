// Asks the terminal what programs ask, at the start and at each Enter; Ctrl-C ends it, and it says what it was sent.
const QUERIES = "\x1b[c\x1b[>0q\x1b[6n\x1b]11;?\x1b\\";

Bun.spawnSync(["stty", "raw", "-echo"], { stdio: ["inherit", "ignore", "inherit"] });
const got: Buffer[] = [];
let asked = 0;
process.stdin.on("data", (bytes: Buffer) => {
  got.push(bytes);
  if (bytes.includes("\x03")) process.stdout.write(`<${Buffer.concat(got).toString("hex")}>`, () => process.exit(0));
  else if (bytes.includes("\r")) ask();
});
ask();

function ask() {
  asked++;
  process.stdout.write(`\r\n${QUERIES}[asked ${asked}]`);
}
