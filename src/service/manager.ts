// The system's manager of services as this user reaches it: systemd's or launchd. Each is asked by its own program.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CommandError, userName } from "../command.ts";
import { type Facts, LABEL, launchdAgent, systemdUnit, UNIT } from "./units.ts";

/** A manager that is asked answers within a second; starting a service takes as long as that takes to run. */
const ANSWER_MS = 30_000;
/** A server that is told to end has ended by then. */
const ENDS_WITHIN_MS = 15_000;
const LOOK_MS = 100;

export type State = {
  installed: boolean;
  /** It runs now. */
  active: boolean;
  /** It is started again when the machine, or this user's login, begins. */
  enabled: boolean;
};

export type Manager = {
  /** The file that tells it of the server. */
  file: string;
  text(facts: Facts): string;
  /** Throws CommandError where it cannot be reached, saying why and what to do. */
  reach(): void;
  start(): void;
  stop(): void;
  state(): State;
  /** How to read what the server says. */
  logs: string;
};

type Ran = { ok: boolean; out: string; err: string };

function run(...words: string[]): Ran {
  try {
    const { success, stdout, stderr } = Bun.spawnSync(words, { stdin: "ignore", timeout: ANSWER_MS });
    return { ok: success, out: stdout.toString().trim(), err: stderr.toString().trim() };
  } catch (error) {
    return { ok: false, out: "", err: error instanceof Error ? error.message : String(error) };
  }
}

function must(...words: string[]): void {
  const { ok, err } = run(...words);
  if (!ok) throw new CommandError(`\`${words.join(" ")}\` failed: ${err || "it does not say why"}`);
}

export function systemd(env: Readonly<Record<string, string | undefined>>): Manager {
  const file = join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "systemd", "user", UNIT);
  const ask = (...words: string[]) => run("systemctl", "--user", ...words);
  return {
    file,
    text: systemdUnit,
    reach() {
      if (!Bun.which("systemctl"))
        throw new CommandError(
          "there is no systemd here; have `claude-remote serve` started by what starts programs on this system, or use " +
            "Docker (docs/install.md)",
        );
      const { ok, err } = ask("show-environment");
      if (ok) return;
      const username = userName();
      throw new CommandError(
        `systemd does not manage services of ${username} here (${err.split("\n")[0]}). In a container: have ` +
          "`claude-remote serve` started by what starts it. After su or sudo: log in as that user (ssh, console), or once " +
          `\`sudo loginctl enable-linger ${username}\` and \`export XDG_RUNTIME_DIR=/run/user/$(id -u)\``,
      );
    },
    start() {
      must("systemctl", "--user", "daemon-reload");
      must("systemctl", "--user", "enable", UNIT);
      must("systemctl", "--user", "restart", UNIT);
    },
    stop() {
      must("systemctl", "--user", "disable", "--now", UNIT);
      rmSync(file, { force: true });
      must("systemctl", "--user", "daemon-reload");
    },
    state: () => ({
      installed: existsSync(file),
      active: ask("is-active", UNIT).out === "active",
      enabled: ask("is-enabled", UNIT).out === "enabled",
    }),
    logs: `journalctl --user -u ${UNIT.replace(/\..*/, "")}`,
  };
}

export function launchd(log: string): Manager {
  const file = join(homedir(), "Library", "LaunchAgents", `${LABEL}.plist`);
  const domain = `gui/${process.getuid?.() ?? 0}`;
  const ask = () => run("launchctl", "print", `${domain}/${LABEL}`);
  // launchd ends it in its own time, and refuses to begin it before that ("Input/output error").
  const end = () => {
    if (!ask().ok) return;
    must("launchctl", "bootout", `${domain}/${LABEL}`);
    for (const began = Date.now(); ask().ok && Date.now() - began < ENDS_WITHIN_MS; ) Bun.sleepSync(LOOK_MS);
  };
  return {
    file,
    text: (facts) => launchdAgent(facts, log),
    reach() {
      if (!run("launchctl", "print", domain).ok)
        throw new CommandError(
          `launchd does not manage agents of this user (${domain}); log in at the screen and try again`,
        );
    },
    start() {
      end();
      must("launchctl", "bootstrap", domain, file);
    },
    stop() {
      end();
      rmSync(file, { force: true });
    },
    state() {
      const { ok, out } = ask();
      return { installed: existsSync(file), active: /state = running/.test(out), enabled: ok };
    },
    logs: `tail -f ${log}`,
  };
}

/** Whether this user's services go on after logging out and begin with the machine; null where nobody says. */
export function lingers(): boolean | null {
  if (!Bun.which("loginctl")) return null;
  const { ok, out } = run("loginctl", "show-user", userName(), "--property=Linger", "--value");
  return ok && (out === "yes" || out === "no") ? out === "yes" : null;
}

/** Writes the file, 0600, whole or not at all. False: it stood there already, just so. */
export function put(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, text, { mode: 0o600 });
  renameSync(partial, file);
  return true;
}
