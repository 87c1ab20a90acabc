// ssh's own folder where the server is not to use the user's ~/.ssh, as in a container: made once, with a key of its own.
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { privateFolder } from "../paths.ts";

/**
 * Made where it is not there: `config`, `known_hosts`, and `id_ed25519` without a passphrase, since nobody sits there to
 * type one. Without ssh-keygen there is no key; a launch says then that ssh is missing.
 */
export function makeSshFolder(folder: string): void {
  privateFolder(folder);
  for (const name of ["config", "known_hosts"])
    if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), "", { mode: 0o600 });
  const key = join(folder, "id_ed25519");
  if (existsSync(key) || !Bun.which("ssh-keygen")) return;
  const words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "claude-remote", "-f", key];
  const { exitCode, stderr } = Bun.spawnSync(words, { stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`no key could be made in ${folder}: ${stderr.toString().trim()}`);
  chmodSync(key, 0o600);
}

/** The line that a devbox needs in `~/.ssh/authorized_keys`. Null: there is no key. */
export function publicKeyIn(folder: string | null): string | null {
  const file = folder === null ? null : join(folder, "id_ed25519.pub");
  return file !== null && existsSync(file) ? readFileSync(file, "utf8").trim() : null;
}
