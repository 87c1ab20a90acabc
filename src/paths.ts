// Where this user's files are: XDG folders, or everything below CLAUDE_REMOTE_HOME.
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

type Env = Record<string, string | undefined>;

/** `data` database, keys, sockets; `config` config.toml; `state` logs; `run` sockets and plugin folders of running wrappers. */
export type Paths = { data: string; config: string; state: string; run: string };

export function pathsFor(env: Env): Paths {
  const own = env.CLAUDE_REMOTE_HOME;
  const home = env.HOME ?? homedir();
  const xdg = (name: string, fallback: string) => join(env[name] || join(home, fallback), "claude-remote");
  const uid = process.getuid?.() ?? 0;
  // Unix socket paths end at 107 bytes, so the run folder is kept short.
  const run = env.XDG_RUNTIME_DIR
    ? join(env.XDG_RUNTIME_DIR, "claude-remote")
    : join(tmpdir(), `claude-remote-${uid}`);
  if (own)
    return {
      data: join(own, "data"),
      config: own,
      state: join(own, "state"),
      run: runBelow(join(own, "run"), run),
    };
  const data = xdg("XDG_DATA_HOME", ".local/share");
  return {
    data,
    config: xdg("XDG_CONFIG_HOME", ".config"),
    state: xdg("XDG_STATE_HOME", ".local/state"),
    run,
  };
}

/** The longest socket path below a run folder: "/" + 8 characters + "/hook.sock". */
const SOCKET_TAIL = 20;
const runBelow = (wanted: string, short: string) => (wanted.length + SOCKET_TAIL < 107 ? wanted : short);

/** Makes a folder that only this user may enter, whatever the umask says. Throws if somebody else made it first. */
export function privateFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) {
    throw new Error(
      `${path} is not a folder of yours; remove it, or name another place with CLAUDE_REMOTE_HOME`,
    );
  }
  chmodSync(path, 0o700);
  return path;
}
