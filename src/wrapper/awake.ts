// Keeps the machine awake while claude works, where the system has a way to ask for it.

/** The program to run and leave running; null where there is none. It ends with us: it watches our pid or is killed. */
function inhibitor(): string[] | null {
  if (process.platform === "darwin") return ["caffeinate", "-i", "-w", String(process.pid)];
  const systemd = Bun.which("systemd-inhibit");
  if (!systemd) return null;
  const why = ["--what=idle:sleep", "--who=claude-remote", "--why=claude is working", "--mode=block"];
  return [systemd, ...why, "tail", "-f", "/dev/null", `--pid=${process.pid}`];
}

/** A switch: `set(true)` asks the system to stay awake, `set(false)` lets it sleep. Never throws. */
export function awake(enabled: boolean) {
  let child: Bun.Subprocess | null = null;
  return {
    set(working: boolean) {
      if (!enabled || working === (child !== null)) return;
      if (!working) {
        child?.kill();
        child = null;
        return;
      }
      const command = inhibitor();
      if (!command) return;
      try {
        child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
        child.unref();
      } catch {
        child = null; // The program is not there after all: the machine may sleep as before.
      }
    },
  };
}
