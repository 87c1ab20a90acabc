// Draws claude's input box and footer; Shift-Tab goes to the next mode of its arguments, anything typed stands in the box.
const modes = process.argv.slice(2);
const RULE = "─".repeat(40);
let at = 0;
let typed = "";

function draw() {
  process.stdout.write(`\x1b[2J\x1b[H${RULE}\r\n❯ ${typed}\r\n${RULE}\r\n  ${modes[at]}`);
}

process.stdin.setRawMode(true);
process.stdin.on("data", (bytes) => {
  const text = bytes.toString();
  if (text === "\x1b[Z") at = (at + 1) % modes.length;
  else typed = text === "\x15" ? "" : typed + text;
  draw();
});
draw();
