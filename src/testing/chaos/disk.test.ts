// The disk under everything of ours is full, or read-only: claude goes on at the desk, nothing breaks, all heals.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiFailure } from "../../../public/api.ts";
import type { PromptState } from "../../protocol.ts";
import { program } from "../program.ts";
import { Terminal } from "../terminal.ts";
import { leaves } from "./desks.ts";
import { ChaosPhone } from "./phone.ts";
import { command, demo, dialogOf, marks, place } from "./place.ts";
import { ChaosServer } from "./server.ts";
import { until } from "./until.ts";

import { freePort } from "./world.ts";

const DISK = "size=8m";
const PATIENCE_MS = 20_000;
const TEST_MS = 90_000;
/** The end of a log is what tells why. */
const LOG_CHARS = 2_000;
const STORAGE = {
  code: "storage",
  message: "The server cannot write to its disk; nothing was stored. Free some space there.",
};
const YES = { verb: "approve", message: null, patience: PATIENCE_MS } as const;

test(
  "SEC-079 a full disk: the phone is told, the desk answers, a new session starts, and all heals when there is space",
  async () => {
    await using disk = await SmallDisk.open();
    await using phone = await disk.pair();
    const [first, second, third, fourth] = ["one-x", "two-x", "three-x", "four-x"] as const;
    await using desk = disk.desk([first, second, third, fourth]);
    const prompt = await disk.shown(phone, first);

    disk.fill();
    expect(await refusal(phone, prompt)).toEqual(STORAGE);
    expect(marks(disk.project, first)).toBe(0);
    await answerAtDesk(disk, desk, first);
    // By now the wrapper had something to say that could not be stored.
    await until(
      "the end of its connection",
      () => !phone.model.session(prompt.session_id)?.connected,
      PATIENCE_MS,
    );
    expect(await refusal(phone, prompt)).toEqual(STORAGE);
    await answerAtDesk(disk, desk, second);
    await using another = disk.desk(["new-x"]);
    await answerAtDesk(disk, another, "new-x");
    expect(await leaves(another)).toEqual({ code: 0, signal: null });
    expect(await disk.server.admin("GET", "/status")).toMatchObject({ viewers: 1 });

    disk.free();
    expect((await phone.answer(await disk.shown(phone, third), YES)).won).toBe(true);
    // Of the second one nobody ever heard.
    const told = await disk.endOf(phone, first);
    expect(told).toMatchObject({ stage: "withdrawn", withdrawn_by: "desk", outcome: "approved" });
    expect((await phone.answer(await disk.shown(phone, fourth), YES)).won).toBe(true);
    expect(await leaves(desk)).toEqual({ code: 0, signal: null });
    expect([first, second, third, fourth].map((token) => marks(disk.project, token))).toEqual([1, 1, 1, 1]);
    await disk.server[Symbol.asyncDispose]();
    expect(disk.integrity()).toBe("ok");
  },
  TEST_MS,
);

test(
  "SEC-079 a server killed on a full disk says why it cannot start; with space it knows everything it had acknowledged",
  async () => {
    await using disk = await SmallDisk.open();
    await using phone = await disk.pair();
    await using desk = disk.desk(["kept-x", "next-x"]);
    const prompt = await disk.shown(phone, "kept-x");
    const answered = await phone.answer(prompt, YES);
    const next = await disk.shown(phone, "next-x");
    disk.fill();
    await disk.server.crash();
    expect(await disk.serveFails()).toMatch(/the database in .*data cannot be used: .*free space/);
    expect(desk.screen()).toMatch(dialogOf("next-x"));

    disk.free();
    await disk.server.start();
    const known = await disk.endOf(phone, "kept-x");
    expect(known).toMatchObject({ stage: "accepted", answer_id: answered.answerId });
    await until("the session's return", () => phone.model.session(next.session_id)?.connected, PATIENCE_MS);
    expect((await phone.answer(next, YES)).won).toBe(true);
    expect(await leaves(desk)).toEqual({ code: 0, signal: null });
    await disk.server[Symbol.asyncDispose]();
    expect(disk.integrity()).toBe("ok");
  },
  TEST_MS,
);

test(
  "SEC-079 a read-only disk: the server says why it cannot start, and claude runs all the same",
  async () => {
    await using disk = await SmallDisk.open();
    await disk.server.crash();
    disk.remount("ro");
    expect(await disk.serveFails()).toMatch(/read-?only|EROFS/i);
    await using desk = disk.desk(["alone-x"]);
    await answerAtDesk(disk, desk, "alone-x");
    expect(await leaves(desk)).toEqual({ code: 0, signal: null });

    disk.remount("rw");
    await disk.server.start();
    await using phone = await disk.pair();
    await using again = disk.desk(["again-x"]);
    expect((await phone.answer(await disk.shown(phone, "again-x"), YES)).won).toBe(true);
    expect(await leaves(again)).toEqual({ code: 0, signal: null });
    await disk.server[Symbol.asyncDispose]();
    expect(disk.integrity()).toBe("ok");
  },
  TEST_MS,
);

/** What the phone is told when it taps. */
async function refusal(phone: ChaosPhone, prompt: PromptState) {
  const told = await phone.tap(prompt, YES).catch((error) => error);
  return told instanceof ApiFailure ? { code: told.code, message: told.message } : told;
}

async function answerAtDesk(disk: SmallDisk, desk: Terminal, token: string) {
  await desk.waitFor(dialogOf(token), { timeout: PATIENCE_MS });
  desk.write("1");
  await until(`the mark of ${token}\n${desk.screen()}`, () => marks(disk.project, token) === 1, PATIENCE_MS);
}

/** Everything of claude-remote on a disk of its own, of some megabytes; needs a right to mount. */
class SmallDisk implements AsyncDisposable {
  readonly server: ChaosServer;
  readonly #root: string;
  readonly #home: string;
  readonly #port = freePort();
  readonly #here = place();
  #desks = 0;

  private constructor(root: string) {
    this.#root = root;
    this.#home = join(root, "disk");
    mkdirSync(this.#home);
    mount("-t", "tmpfs", "-o", DISK, "tmpfs", this.#home);
    this.server = new ChaosServer(this.#home, this.#port, this.#here.env, join(root, "server.log"));
  }

  static async open(): Promise<SmallDisk> {
    const disk = new SmallDisk(mkdtempSync(join(tmpdir(), "cr-disk-")));
    await disk.server.start();
    return disk;
  }

  get project(): string {
    return this.#here.project;
  }

  get #env() {
    const own = { CLAUDE_REMOTE_HOME: this.#home, CLAUDE_REMOTE_PORT: String(this.#port) };
    return { ...this.#here.env, ...own, CLAUDE_REMOTE_KEEP_AWAKE: "0" };
  }

  async pair(): Promise<ChaosPhone> {
    const { code } = (await this.server.admin("POST", "/pair", { yes: true })) as { code: string };
    return ChaosPhone.pair("Phone", `http://127.0.0.1:${this.#port}`, code);
  }

  /** A demo that asks for these and exits. */
  desk(tokens: string[]): Terminal {
    const lines = [...tokens.map((token) => `RUN: ${command(token)}`), "EXIT: 0"];
    const claude = demo(join(this.#root, `desk-${this.#desks++}`), lines);
    return new Terminal([program()], {
      cwd: this.project,
      env: { ...this.#env, CLAUDE_REMOTE_CLAUDE: claude },
    });
  }

  shown(phone: ChaosPhone, token: string): Promise<PromptState> {
    const late = () => `the prompt of ${token}; the server says: ${this.#log()}`;
    return until(late, () => phone.open(command(token)), PATIENCE_MS);
  }

  /** How a prompt ended, once the server knows what was chosen. */
  endOf(phone: ChaosPhone, token: string): Promise<PromptState> {
    const over = ({ prompt_text, outcome }: PromptState) =>
      prompt_text === command(token) && outcome !== null;
    return until(`the end of ${token}`, async () => (await phone.recent()).find(over), PATIENCE_MS);
  }

  /** Takes every free byte. */
  fill() {
    try {
      for (;;) appendFileSync(join(this.#home, "filler"), Buffer.alloc(4_096, 1));
    } catch {
      // Now it is full.
    }
  }

  free() {
    rmSync(join(this.#home, "filler"));
  }

  remount(how: "ro" | "rw") {
    mount("-o", `remount,${how}`, this.#home);
  }

  /** What another server says that tries to start here and cannot. */
  async serveFails(): Promise<string> {
    const child = Bun.spawn([program(), "serve"], {
      cwd: this.#root,
      env: this.#env,
      stderr: "pipe",
      stdout: "ignore",
    });
    const said = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    return said;
  }

  #log(): string {
    const file = join(this.#home, "state", "logs", "server.log");
    return existsSync(file) ? readFileSync(file, "utf8").slice(-LOG_CHARS) : "nothing";
  }

  /** What SQLite says of the database. */
  integrity(): string {
    using db = new Database(join(this.server.data, "claude-remote.db"));
    return (db.query("PRAGMA integrity_check").get() as { integrity_check: string }).integrity_check;
  }

  async [Symbol.asyncDispose]() {
    await using _here = this.#here;
    await this.server[Symbol.asyncDispose]();
    if (existsSync(this.#home)) Bun.spawnSync([...sudo, "umount", "-l", this.#home]);
    rmSync(this.#root, { recursive: true, force: true });
  }
}

const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

function mount(...args: string[]) {
  const { exitCode, stderr } = Bun.spawnSync([...sudo, "mount", ...args]);
  if (exitCode !== 0) throw new Error(`this test mounts a small disk, as root or by sudo: ${stderr}`);
}
