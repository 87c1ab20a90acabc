// Host keys: which one a devbox shows, and believing it once somebody has said yes to its fingerprint.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type SshDevbox, type SshSetup, sshWords } from "./devbox.ts";
import { LaunchError } from "./ssh-errors.ts";

/** A host key as known_hosts has it, and as people compare it ("SHA256:…"). */
export type HostKey = { line: string; fingerprint: string };

/** One connection without a login, over a jump host or two. */
const WITHIN_MS = 20_000;
/** Bytes of what ssh says of itself. */
const MOST_BYTES = 256 * 1024;

/**
 * The key that the devbox shows now, believed by nobody: it is taken into a file of its own that is thrown away, and no
 * login is tried. The way there is ssh's own, with the user's configuration and jump hosts. Null: it could not be seen.
 */
export async function hostKey(
  devbox: SshDevbox,
  setup: SshSetup,
  signal?: AbortSignal,
): Promise<HostKey | null> {
  const folder = mkdtempSync(join(tmpdir(), "claude-remote-host-"));
  const file = join(folder, "known_hosts");
  try {
    const seeing = [
      ...["StrictHostKeyChecking=accept-new", `UserKnownHostsFile=${file}`, "GlobalKnownHostsFile=/dev/null"],
      ...["HashKnownHosts=no", "CheckHostIP=no", "UpdateHostKeys=no", "VerifyHostKeyDNS=no"],
      ...["PreferredAuthentications=none", "ControlMaster=no", "ControlPath=none", "BatchMode=yes"],
    ].flatMap((option) => ["-o", option]);
    const [ssh = "ssh", ...rest] = sshWords(devbox, setup);
    await run([ssh, ...seeing, ...rest, "--", devbox.host, "exit 0"], signal); // Of ssh's options the first counts.
    const [line] = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    const fingerprint = line && fingerprintOf(line);
    return line && fingerprint ? { line, fingerprint } : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of a line of known_hosts, without marker. Null: it is none. */
export function fingerprintOf(line: string): string | null {
  const [, , blob] = line.trim().split(/\s+/);
  if (!blob || !/^[A-Za-z0-9+/]{40,}={0,2}$/.test(blob)) return null;
  const hash = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64");
  return `SHA256:${hash.replace(/=+$/, "")}`;
}

/**
 * Believes the key of that fingerprint, in the very file where ssh looks for it. Throws LaunchError where the devbox shows
 * another one by now, or none.
 */
export async function trust(devbox: SshDevbox, setup: SshSetup, fingerprint: string): Promise<void> {
  const { name } = devbox;
  const seen = await hostKey(devbox, setup);
  if (!seen)
    throw new LaunchError(
      "unreachable",
      `${name}: it shows no host key now`,
      "See that it is up and that its ssh port is open, then test again.",
    );
  if (seen.fingerprint !== fingerprint)
    throw new LaunchError(
      "host_key_changed",
      `${name}: it shows another host key now than the one you were asked about (${seen.fingerprint})`,
      "Compare it with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then test again.",
      seen.fingerprint,
    );
  const file = await knownHosts(devbox, setup);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const old = existsSync(file) ? readFileSync(file, "utf8") : "";
  appendFileSync(file, `${old === "" || old.endsWith("\n") ? "" : "\n"}${seen.line}\n`, { mode: 0o600 });
}

/** The first file in which ssh looks for the host keys of that devbox, as its own configuration says. */
async function knownHosts(devbox: SshDevbox, setup: SshSetup): Promise<string> {
  if (setup.folder) return join(setup.folder, "known_hosts");
  const [ssh = "ssh", ...rest] = sshWords(devbox, setup);
  const text = await run([ssh, "-G", ...rest, "--", devbox.host]);
  const named = /^userknownhostsfile (\S+)/m.exec(text)?.[1];
  const usual = join(homedir(), ".ssh", "known_hosts");
  return named?.startsWith("/") && named !== "/dev/null" ? named : usual;
}

/** What a program prints, however it ends. */
async function run(words: string[], signal?: AbortSignal): Promise<string> {
  const end = AbortSignal.any([AbortSignal.timeout(WITHIN_MS), ...(signal ? [signal] : [])]);
  try {
    const child = Bun.spawn(words, {
      ...{ stdin: "ignore", stdout: "pipe", stderr: "ignore" },
      ...{ signal: end, killSignal: "SIGKILL", maxBuffer: MOST_BYTES },
    });
    const [text] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new LaunchError(
      "no_ssh",
      `there is no ${words[0]} on this machine`,
      "Install the OpenSSH client (openssh-client).",
    );
  }
}
