// How ssh is run for this user: the folders it uses, the key made for a server that has none, and the host keys it believes.
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { privateFolder } from "../paths.ts";
import { inFolder, type SshDevbox, type SshSetup, sshWords } from "./devbox.ts";
import { connectError, LaunchError } from "./ssh-errors.ts";

/** A socket's path ends at 107 bytes: "/s-", 12 characters, and 17 that ssh adds for a moment. */
const MOST_FOLDER_CHARS = 75;
/** Whoever does not show its key by then is not there. */
const KEY_WITHIN_MS = 15_000;

/** The ssh of this user, or of the folder that is set in its place. `ask`: somebody sits at the terminal. */
export function sshSetup({ paths, ssh_folder }: Config, ask: boolean): SshSetup {
  const short = join(tmpdir(), `claude-remote-${process.getuid?.() ?? 0}`);
  const run = privateFolder(Buffer.byteLength(paths.run) <= MOST_FOLDER_CHARS ? paths.run : short);
  const folder = ssh_folder ?? null;
  if (folder) {
    privateFolder(folder);
    begun(join(folder, "known_hosts"), "");
    begun(join(folder, "config"), ["Host *", ...inFolder(folder).map((line) => `  ${line}`), ""].join("\n"));
  }
  return { run, folder, ask };
}

/** A jump host is logged in to by an ssh of its own, which is told of the configuration and of nothing else. */
function begun(file: string, text: string) {
  if (!existsSync(file) || statSync(file).size === 0) writeFileSync(file, text, { mode: 0o600 });
}

/** The public key of that folder, made where there is none. Throws LaunchError where ssh is not installed. */
export async function ownKey(folder: string): Promise<string> {
  const file = join(privateFolder(folder), "id_ed25519");
  if (!existsSync(file)) {
    await tool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "claude-remote", "-f", file]);
    for (const made of [file, `${file}.pub`]) chmodSync(made, 0o600);
  }
  return readFileSync(`${file}.pub`, "utf8").trim();
}

/** What a host shows of itself: the line for known_hosts, and "SHA256:…" of its key. */
export type HostKey = { fingerprint: string; lines: string };

/**
 * Asks a host for its key, as ssh itself would meet it, jump hosts included. No login is tried, and nothing is believed:
 * the key stands in a file of its own that is thrown away. Throws LaunchError where the host is not reached.
 */
export async function hostKey(devbox: SshDevbox, setup: SshSetup): Promise<HostKey> {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-key-"));
  const file = join(folder, "known_hosts");
  try {
    const seeing = [
      ...["StrictHostKeyChecking=accept-new", `UserKnownHostsFile=${file}`, "GlobalKnownHostsFile=/dev/null"],
      ...["HashKnownHosts=no", "CheckHostIP=no", "UpdateHostKeys=no", "VerifyHostKeyDNS=no"],
      ...["PreferredAuthentications=none", "ControlMaster=no", "ControlPath=none", "BatchMode=yes"],
    ].flatMap((option) => ["-o", option]); // Of ssh's options the first one counts.
    const [ssh = "ssh", ...words] = sshWords(devbox, setup);
    const end = await tool([ssh, ...seeing, ...words, "--", devbox.host, "exit"], false);
    if (!existsSync(file)) throw connectError(devbox.name, end);
    const listed = await tool(["ssh-keygen", "-l", "-f", file]);
    const fingerprint = /SHA256:[\w+/=]+/.exec(listed.out)?.[0] ?? "";
    return { fingerprint, lines: readFileSync(file, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Believes that key from now on, in the very file where ssh looks for it: somebody compared its fingerprint and said yes. */
export async function trust(devbox: SshDevbox, setup: SshSetup, { lines }: HostKey): Promise<void> {
  const file = setup.folder ? join(setup.folder, "known_hosts") : await usersFile(devbox, setup);
  if (!setup.folder) privateFolder(join(homedir(), ".ssh"));
  const old = existsSync(file) ? readFileSync(file, "utf8") : "";
  appendFileSync(file, `${old === "" || old.endsWith("\n") ? "" : "\n"}${lines.trimEnd()}\n`, {
    mode: 0o600,
  });
}

/** The first file in which ssh looks for the host keys of that devbox, as its own configuration says. */
async function usersFile(devbox: SshDevbox, setup: SshSetup): Promise<string> {
  const [ssh = "ssh", ...words] = sshWords(devbox, setup);
  const { out } = await tool([ssh, "-G", ...words, "--", devbox.host]);
  const named = /^userknownhostsfile (\S+)/m.exec(out)?.[1]?.replace(/^~(?=\/)/, homedir());
  return named?.startsWith("/") && named !== "/dev/null" ? named : join(homedir(), ".ssh", "known_hosts");
}

/** Runs one of OpenSSH's programs to its end. */
async function tool(argv: string[], must = true): Promise<{ code: number; out: string; err: string }> {
  const child = spawned(argv);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  if (must && code !== 0)
    throw new LaunchError("failed", `${argv[0]} failed: ${err.trim().slice(0, 300)}`, "See what it says.");
  return { code, out, err };
}

function spawned(argv: string[]) {
  try {
    const signal = AbortSignal.timeout(KEY_WITHIN_MS);
    return Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe", signal });
  } catch {
    throw new LaunchError(
      "no_ssh",
      `there is no ${argv[0]} on this machine`,
      "Install the OpenSSH client (openssh-client).",
    );
  }
}
