// The server as `docker compose up` runs it, in a project of its own that goes with everything in it.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { answers, type Conditions, conditionsIn, memoryIn, output, type Place, port } from "./place.ts";

const ROOT = resolve(import.meta.dir, "../../..");
/** What users get who set nothing. */
const DEFAULT_PORT = 7200;

/** Whether an engine and `docker compose` answer here. */
export async function engineAnswers(): Promise<boolean> {
  try {
    await output(["docker", "version"]);
    await output(["docker", "compose", "version"]);
    return true;
  } catch {
    return false;
  }
}

export type Inspected = {
  State: { Pid: number; ExitCode: number; Health: { Status: string } };
  Config: { User: string; Env: string[]; Healthcheck: { Test: string[] } };
  HostConfig: {
    ReadonlyRootfs: boolean;
    Privileged: boolean;
    CapAdd: string[] | null;
    CapDrop: string[];
    SecurityOpt: string[];
    NetworkMode: string;
    PortBindings: Record<string, { HostIp: string; HostPort: string }[]>;
  };
  Mounts: { Type: string; Destination: string; RW: boolean }[];
};

export class Compose implements Place {
  readonly way = "in a container";
  readonly url: string;
  /** Milliseconds and bytes, for people. */
  readonly figures: Record<string, number> = {};
  readonly #name = `claude-remote-test-${process.pid}`;
  readonly #env: Record<string, string | undefined>;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
    const { NODE_EXTRA_CA_CERTS = "/dev/null", CLAUDE_REMOTE_BUILD_CA = NODE_EXTRA_CA_CERTS } = process.env;
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CLAUDE_REMOTE_"));
    this.#env = { ...Object.fromEntries(own), CLAUDE_REMOTE_BUILD_CA };
    if (port !== DEFAULT_PORT) this.#env.CLAUDE_REMOTE_PORT = String(port);
  }

  /** Builds the image and starts the server, with nothing set where that is possible. */
  static async up(): Promise<Compose> {
    const stack = new Compose(port(DEFAULT_PORT));
    await stack.#timed("build_ms", () => stack.run("build"));
    await stack.#timed("healthy_ms", () => stack.run("up", "--wait"));
    const [image = ""] = (await stack.run("images", "-q", "server")).split("\n");
    stack.figures.image_bytes = Number(
      await output(["docker", "image", "inspect", "-f", "{{.Size}}", image]),
    );
    return stack;
  }

  /** `docker compose` with these words, in this project, without anybody's .env. */
  run(...words: string[]): Promise<string> {
    const project = ["-p", this.#name, "-f", join(ROOT, "compose.yml"), "--env-file", "/dev/null"];
    return output(["docker", "compose", ...project, ...words], { env: this.#env, cwd: ROOT });
  }

  /** From now on with https in front: `docker compose --profile caddy up` with this address. */
  async withCaddy(publicUrl: string): Promise<void> {
    this.#env.CLAUDE_REMOTE_PUBLIC_URL = publicUrl;
    await this.run("--profile", "caddy", "up", "-d", "--wait");
  }

  exec(...words: string[]): Promise<string> {
    return this.run("exec", "-T", "server", ...words);
  }

  command(...words: string[]): Promise<string> {
    return this.exec("claude-remote", ...words);
  }

  async inspect(): Promise<Inspected> {
    const [id = ""] = (await this.run("ps", "-a", "-q", "server")).split("\n");
    return JSON.parse(await output(["docker", "inspect", id]))[0];
  }

  /** This machine, as the server's container reaches it. */
  async gateway(): Promise<string> {
    const [id = ""] = (await this.run("ps", "-q", "server")).split("\n");
    const format = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}";
    return (await output(["docker", "inspect", "-f", format, id])).trim();
  }

  async conditions(): Promise<Conditions> {
    const status = await this.exec("cat", "/proc/1/status");
    const written = await this.exec("sh", "-c", "touch /written /usr/written 2>&1 || true");
    const refused = written.match(/Read-only file system/g)?.length === 2;
    return { ...conditionsIn(status), readOnlyRoot: refused };
  }

  async memory(): Promise<number> {
    return memoryIn(await this.exec("cat", "/proc/1/status"));
  }

  /** By the system's own kill where that reaches it, so that the restart policy is what brings it back. */
  async killAndRestart(): Promise<void> {
    const { Pid } = (await this.inspect()).State;
    if (ours(Pid)) process.kill(Pid, "SIGKILL");
    else {
      await this.run("kill", "-s", "SIGKILL", "server");
      await this.run("start", "server");
    }
    await answers(this.url);
  }

  async stop(): Promise<number> {
    await this.#timed("stop_ms", () => this.run("stop", "server"));
    return (await this.inspect()).State.ExitCode;
  }

  async #timed(name: string, act: () => Promise<unknown>) {
    const begunAt = performance.now();
    await act();
    this.figures[name] = Math.round(performance.now() - begunAt);
  }

  async [Symbol.asyncDispose]() {
    await this.run("--profile", "caddy", "down", "-v", "--timeout", "2", "--rmi", "local");
  }
}

/** The engine may run on another machine: only a process that is this server may be killed. */
function ours(pid: number): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("claude-remote\0serve") &&
      process.getuid?.() === 0
    );
  } catch {
    return false;
  }
}
