// The compiled program under the image's conditions, where no engine answers: where the system lets us, its own user,
// a read-only disk and no capabilities, made by the system's own tools; else simply as whoever runs this.
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { childrenOf } from "../story/processes.ts";
import { answers, type Conditions, conditionsIn, memoryIn, output, type Place } from "./place.ts";

/** The image's own (Dockerfile). */
const UID = 10_001;
const AS_USER =
  `setpriv --reuid ${UID} --regid ${UID} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all ` +
  "--ambient-caps=-all";
/** Only `/data` and what every container can write stays writable. */
const READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift';

const mayUnshare = () =>
  Boolean(Bun.which("setpriv")) && Bun.spawnSync(["unshare", "--mount", "true"]).exitCode === 0;

export class Bare implements Place {
  readonly way: string;
  readonly url: string;
  /** Whether the image's conditions can be made here. */
  readonly strict = process.getuid?.() === 0 && mayUnshare();
  readonly #folder: string;
  readonly #data: string;
  readonly #program: string;
  readonly #env: Record<string, string>;
  #server: Bun.Subprocess;

  private constructor() {
    const built = program();
    const number = freePort();
    this.way = this.strict
      ? "without an engine: as the image's user, on a read-only disk, without capabilities"
      : "without an engine and without root's rights: as this user";
    this.url = `http://127.0.0.1:${number}`;
    this.#folder = mkdtempSync(join(tmpdir(), "cr-bare-"));
    chmodSync(this.#folder, 0o755);
    this.#data = join(this.#folder, "data");
    mkdirSync(this.#data, { mode: 0o700 });
    if (this.strict) chownSync(this.#data, UID, UID);
    this.#program = join(this.#folder, "claude-remote"); // Where that user may go, wherever this stands.
    copyFileSync(built, this.#program);
    this.#env = {
      PATH: process.env.PATH ?? "",
      HOME: this.#data, // As in the image, where that is the user's home.
      CLAUDE_REMOTE_HOME: this.#data,
      CLAUDE_REMOTE_HOST: "0.0.0.0",
      CLAUDE_REMOTE_PORT: String(number),
    };
    this.#server = this.#serve();
  }

  static async up(): Promise<Bare> {
    const bare = new Bare();
    await answers(bare.url).catch(async (error) => {
      console.error(readFileSync(join(bare.#folder, "server.log"), "utf8"));
      await bare[Symbol.asyncDispose]();
      throw error;
    });
    return bare;
  }

  #serve(): Bun.Subprocess {
    const words = this.strict
      ? ["unshare", "--mount", "sh", "-c", `${READ_ONLY} && exec ${AS_USER} "$@"`, "sh", this.#data]
      : [];
    const log = openSync(join(this.#folder, "server.log"), "a");
    const server = Bun.spawn([...words, this.#program, "serve"], {
      env: this.#env,
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
    return server;
  }

  command(...words: string[]): Promise<string> {
    const user = this.strict ? AS_USER.split(" ") : [];
    return output([...user, this.#program, ...words], { env: this.#env });
  }

  async conditions(): Promise<Conditions> {
    const { pid } = this.#server;
    const [root = ""] = /^.* \/ \/ .*$/m.exec(readFileSync(`/proc/${pid}/mountinfo`, "utf8")) ?? [];
    return { ...conditionsIn(this.#status()), readOnlyRoot: / \/ \/ ro[, ]/.test(root) };
  }

  async memory(): Promise<number> {
    return memoryIn(this.#status());
  }

  #status = () => readFileSync(`/proc/${this.#server.pid}/status`, "utf8");

  async killAndRestart(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.exited;
    this.#server = this.#serve();
    await answers(this.url);
  }

  async stop(): Promise<number> {
    this.#server.kill("SIGTERM");
    return this.#server.exited;
  }

  async [Symbol.asyncDispose]() {
    this.#server.kill("SIGKILL");
    await this.#server.exited;
    if (childrenOf(this.#server.pid).length > 0) throw new Error("the server left processes behind");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
