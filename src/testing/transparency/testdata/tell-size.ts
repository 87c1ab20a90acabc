// Says its terminal's size at the start, at each SIGWINCH, and, on `q`, for the last time.
const size = () => {
  const { stdout } = Bun.spawnSync(["stty", "size"], { stdio: ["inherit", "pipe", "inherit"] });
  return stdout.toString().trim();
};

Bun.spawnSync(["stty", "-icanon", "-echo"], { stdio: ["inherit", "ignore", "inherit"] });
process.on("SIGWINCH", () => process.stdout.write(`[winch ${size()}]`));
process.stdin.on("data", (keys) => {
  if (keys.includes("q")) process.stdout.write(`[last ${size()}]`, () => process.exit(0));
});
process.stdout.write(`[ready ${size()}]`);
