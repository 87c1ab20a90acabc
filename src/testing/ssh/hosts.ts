// Machines for ssh on this one: an sshd each, on loopback, with throwaway keys and a home of its own.
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SshDevbox, SshSetup } from "../../devbox/devbox.ts";
import { freePort } from "../port.ts";
import { childrenOf, kill, processesOf, textOf, until } from "../story/processes.ts";

/** An sshd that starts on a busy machine. */
const STARTS_WITHIN_MS = 20_000;
/** A process of a test's host that does not end by itself by then is killed. */
const ENDS_WITHIN_MS = 10_000;

export type HostOptions = {
  name: string;
  /** The login shell, of a user of its own; that needs root. Without it: this user, whose home is set by sshd. */
  shell?: string;
  /** Its home, if that is there already. */
  home?: string;
  /** More lines of sshd_config; a ListenAddress there stands beside loopback's. */
  lines?: string[];
  /** Files of its home, executable where their path says so by a trailing `*`. */
  files?: Record<string, string>;
};

/** From OpenSSH 9.8 on sshd bans who fails often; a test that wants that says so in its own lines. */
function withoutPenalties(): string[] {
  const line = "PerSourcePenalties no";
  const asked = ["/usr/sbin/sshd", "-T", "-f", "/dev/null", "-o", line];
  const { stderr } = Bun.spawnSync(asked, { stdio: ["ignore", "ignore", "pipe"] });
  return stderr.includes("Bad configuration option") ? [] : [line];
}

/** Whether users can be made here. */
export const mayMakeUsers = process.getuid?.() === 0;

function ran(...words: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(words, { stdin: "ignore" });
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout.toString();
}

/** One machine. */
export class Host {
  readonly name: string;
  readonly home: string;
  readonly port: number;
  /** Of a user that was made for it. */
  readonly user: string | null;
  readonly #folder: string;
  #process: Bun.Subprocess | null = null;

  constructor(folder: string, { name, shell, home, lines = [], files = {} }: HostOptions) {
    this.name = name;
    this.port = freePort();
    this.#folder = folder;
    this.home = home ?? join(folder, "homes", name);
    this.user = shell ? `crt-${crypto.randomUUID().slice(0, 8)}` : null;
    mkdirSync(join(this.home, ".ssh"), { recursive: true, mode: 0o700 });
    const public_key = readFileSync(join(folder, "ssh", "id_ed25519.pub"), "utf8");
    writeFileSync(join(this.home, ".ssh", "authorized_keys"), public_key, { mode: 0o600 });
    if (this.user && shell) ran("useradd", "-M", "-d", this.home, "-s", shell, "-p", "*", this.user);
    for (const [path, text] of Object.entries(files))
      this.put(path.replace("*", ""), text, path.endsWith("*"));
    this.#own(this.home);
    this.#configure(lines);
  }

  get devbox(): SshDevbox {
    const { name, port, user } = this;
    return { kind: "ssh", name, host: "127.0.0.1", user, port, key: null, dir: null };
  }

  /** Puts a file into its home. */
  put(path: string, text: string, executable = false) {
    const file = join(this.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (executable) chmodSync(file, 0o755);
    this.#own(this.home);
  }

  /** Gives what was made in its home to its user. */
  #own(path: string) {
    if (this.user) ran("chown", "-R", `${this.user}:`, path);
  }

  #configure(lines: string[]) {
    const key = join(this.#folder, `${this.name}.key`);
    if (!existsSync(key)) ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
    const line = `[127.0.0.1]:${this.port} ${readFileSync(`${key}.pub`, "utf8")}`;
    appendFileSync(join(this.#folder, "ssh", "known_hosts"), line);
    const text = [
      ...lines, // The first of two counts.
      `Port ${this.port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${key}`,
      `PidFile ${join(this.#folder, `${this.name}.pid`)}`,
      ...["UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "StrictModes no"],
      "PermitRootLogin prohibit-password",
      "Subsystem sftp internal-sftp",
      ...withoutPenalties(),
      `AuthorizedKeysFile ${join(this.home, ".ssh", "authorized_keys")}`,
      ...(this.user ? [] : [`SetEnv HOME=${this.home}`]),
    ];
    writeFileSync(join(this.#folder, `${this.name}.conf`), `${text.join("\n")}\n`);
  }

  /** "SHA256:…" of its host key, as the machine itself says it. */
  fingerprint(): string {
    const listed = ran("ssh-keygen", "-l", "-f", join(this.#folder, `${this.name}.key.pub`));
    return /SHA256:\S+/.exec(listed)?.[0] ?? "";
  }

  /** Also known at that port, which leads here. */
  knownAt(port: number) {
    const key = readFileSync(join(this.#folder, `${this.name}.key.pub`), "utf8");
    appendFileSync(join(this.#folder, "ssh", "known_hosts"), `[127.0.0.1]:${port} ${key}`);
  }

  /** Starts its sshd, or starts it again. */
  async start(): Promise<void> {
    const log = join(this.#folder, `${this.name}.log`);
    const config = join(this.#folder, `${this.name}.conf`);
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    const child = Bun.spawn(["/usr/sbin/sshd", "-D", "-f", config, "-E", log], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    await until(
      `sshd of ${this.name}`,
      () => {
        if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(log, "utf8")}`);
        return answers(this.port);
      },
      STARTS_WITHIN_MS,
    );
  }

  /** Ends its sshd; `hard`: with every connection. */
  async stop(hard = false): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const sessions = hard ? childrenOf(child.pid) : [];
    child.kill();
    for (const pid of sessions) kill(pid, "SIGTERM");
    await child.exited;
    this.#process = null;
  }

  /** Every process that runs there with its home, sshd's own left out. */
  processes(): number[] {
    return processesOf(this.home).filter((pid) => !/^sshd/.test(textOf(`/proc/${pid}/comm`)));
  }

  async end(): Promise<void> {
    await this.stop(true);
    for (const pid of this.processes()) kill(pid, "SIGTERM");
    await until("the host's processes ended", () => this.processes().length === 0, ENDS_WITHIN_MS).catch(
      () => {},
    );
    for (const pid of this.processes()) kill(pid, "SIGKILL");
    if (this.user)
      Bun.spawnSync(["userdel", "-f", this.user], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  }
}

/** Whether something accepts connections there. */
function answers(port: number): boolean {
  return readFileSync("/proc/net/tcp", "utf8").includes(
    `:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`,
  );
}

/** Some machines, and an ssh that knows them. */
export class Hosts implements AsyncDisposable {
  readonly folder: string;
  /** What runs ssh against them. */
  readonly setup: SshSetup;
  readonly #hosts = new Map<string, Host>();

  private constructor(folder: string) {
    this.folder = folder;
    this.setup = { run: join(folder, "run"), folder: join(folder, "ssh"), ask: false };
  }

  static async open(...options: HostOptions[]): Promise<Hosts> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "crh-")));
    chmodSync(folder, 0o755); // Other users' homes are in it.
    mkdirSync(join(folder, "homes"), { mode: 0o755 });
    for (const name of ["ssh", "run"]) mkdirSync(join(folder, name), { mode: 0o700 });
    for (const name of ["config", "known_hosts"])
      writeFileSync(join(folder, "ssh", name), "", { mode: 0o600 });
    ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "ssh", "id_ed25519"));
    const hosts = new Hosts(folder);
    for (const one of options) hosts.#hosts.set(one.name, new Host(folder, one));
    try {
      await Promise.all([...hosts.#hosts.values()].map((host) => host.start()));
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
    return hosts;
  }

  host(name: string): Host {
    const found = this.#hosts.get(name);
    if (!found) throw new Error(`there is no host ${name}`);
    return found;
  }

  async [Symbol.asyncDispose]() {
    await Promise.all([...this.#hosts.values()].map((host) => host.end()));
    // Folders that a test closed cannot be emptied by a plain user.
    Bun.spawnSync(["chmod", "-R", "u+rwX", this.folder]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
