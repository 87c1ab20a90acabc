// Connecting from a terminal at which somebody sits: an unknown host key is shown, a password can be asked for.
import { askYes } from "../command.ts";
import type { SshDevbox, SshSetup } from "./devbox.ts";
import { hostKey, trust } from "./setup.ts";
import { Ssh } from "./ssh.ts";
import { LaunchError } from "./ssh-errors.ts";

export type Asked = {
  /** Whether somebody sits at the terminal. */
  terminal: boolean;
  /** A fingerprint that was said yes to beforehand (`--host-key`). */
  fingerprint: string | null;
  say: (line: string) => void;
};

/**
 * Connects as far as nobody has to be asked, then asks once: whether this is the right host key, then ssh itself for a
 * password. Throws LaunchError. `fingerprint`: the host key that was said yes to, or null.
 */
export async function connect(
  devbox: SshDevbox,
  setup: SshSetup,
  asked: Asked,
): Promise<{ ssh: Ssh; fingerprint: string | null }> {
  let fingerprint: string | null = null;
  let tried = await attempt(devbox, setup);
  if (tried instanceof LaunchError && tried.class === "host_key_unknown") {
    fingerprint = await believe(devbox, setup, asked, tried);
    tried = await attempt(devbox, setup);
  }
  if (tried instanceof Ssh) return { ssh: tried, fingerprint };
  if (tried.class !== "auth" || !asked.terminal) throw tried;
  return { ssh: await Ssh.open(devbox, { ...setup, ask: true }), fingerprint };
}

async function attempt(devbox: SshDevbox, setup: SshSetup): Promise<Ssh | LaunchError> {
  return Ssh.open(devbox, { ...setup, ask: false }).catch((error) => {
    if (error instanceof LaunchError) return error;
    throw error;
  });
}

/** Has the host key compared, unless its fingerprint was named; from then on it is believed. Returns it. */
async function believe(
  devbox: SshDevbox,
  setup: SshSetup,
  asked: Asked,
  unknown: LaunchError,
): Promise<string> {
  if (asked.fingerprint === null && !asked.terminal) throw unknown; // Nobody is there to say yes.
  const key = await hostKey(devbox, setup);
  const { fingerprint } = key;
  if (asked.fingerprint !== null && asked.fingerprint !== fingerprint)
    throw new LaunchError(
      "host_key_changed",
      `${devbox.name}: it shows ${fingerprint}, not the host key that you named`,
      "Compare both with the machine's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there).",
      fingerprint,
    );
  if (asked.fingerprint === null) {
    asked.say(`The host key of ${devbox.host} is not known here:\n    ${fingerprint}`);
    asked.say("On that machine, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints the true one.");
    if (!(await askYes("Is it that one?"))) throw unknown;
  }
  await trust(devbox, setup, key);
  return fingerprint;
}
