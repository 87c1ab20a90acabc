// The disk under everything of ours is full, or read-only: claude goes on at the desk, nothing breaks, all heals.
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiFailure } from "../../../public/api.ts";
import type { PromptState } from "../../protocol.ts";
import { freePort } from "../port.ts";
import { program } from "../program.ts";
import { filesBelow, kill, nameOf, processesOf, textOf } from "../story/processes.ts";
import { Terminal } from "../terminal.ts";
import { leaves } from "./desks.ts";
import { DISKS, type Disk } from "./disks.ts";
import { ChaosPhone } from "./phone.ts";
import { command, demo, dialogOf, marks, place } from "./place.ts";
import { ChaosServer } from "./server.ts";
import { until } from "./until.ts";

const PATIENCE_MS = 60_000;
const TEST_MS = 300_000;
/** The end of a log is what tells why. */
const LOG_CHARS = 2_000;
const STORAGE = {
  code: "storage",
  message: "The server cannot write to its disk; nothing was stored. Free some space there.",
};
const YES = { verb: "approve", message: null, patience: PATIENCE_MS } as const;

describe.each([...DISKS])("%s", (_way, make) => {
  test(
    "SEC-079 a full disk: the phone is told, the desk answers, a new session starts, and all heals when there is space",
    async () => {
      await using disk = await SmallDisk.open(make);
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
      await using disk = await SmallDisk.open(make);
      await using phone = await disk.pair();
      await using desk = disk.desk(["kept-x", "next-x"]);
      const prompt = await disk.shown(phone, "kept-x");
      const answered = await phone.answer(prompt, YES);
      const next = await disk.shown(phone, "next-x");
      disk.fill();
      await disk.server.crash();
      disk.useUp();
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
      await using disk = await SmallDisk.open(make);
      await disk.server.crash();
      disk.readOnly();
      expect(await disk.serveFails()).toMatch(
        /the database in .*data cannot be used: .*(read-?only|EROFS|EACCES).*free space/i,
      );
      await using desk = disk.desk(["alone-x"]);
      await answerAtDesk(disk, desk, "alone-x");
      expect(await leaves(desk)).toEqual({ code: 0, signal: null });
      await disk.deserted();

      disk.writable();
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
});

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

/** Everything of claude-remote on a disk that can be filled and forbidden. */
class SmallDisk implements AsyncDisposable {
  readonly server: ChaosServer;
  readonly #root: string;
  readonly #home: string;
  readonly #port = freePort();
  readonly #here = place();
  readonly #disk: Disk;
  readonly #desks: Terminal[] = [];

  private constructor(root: string, make: (folder: string) => Disk) {
    this.#root = root;
    this.#home = join(root, "disk");
    mkdirSync(this.#home);
    this.#disk = make(this.#home);
    const log = join(root, "server.log");
    this.server = new ChaosServer(this.#home, this.#port, this.#here.env, { log, words: this.#disk.words });
  }

  static async open(make: (folder: string) => Disk): Promise<SmallDisk> {
    await using rest = new AsyncDisposableStack();
    const disk = rest.use(new SmallDisk(mkdtempSync(join(tmpdir(), "cr-disk-")), make));
    await disk.server.start();
    rest.move();
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
    const claude = demo(join(this.#root, `desk-${this.#desks.length}`), lines);
    const desk = new Terminal([...this.#disk.words, program()], {
      cwd: this.project,
      env: { ...this.#env, CLAUDE_REMOTE_CLAUDE: claude },
    });
    this.#desks.push(desk);
    return desk;
  }

  shown(phone: ChaosPhone, token: string): Promise<PromptState> {
    const look = () => phone.open(command(token));
    return until(`the prompt of ${token}`, look, PATIENCE_MS).catch(async ({ message }: Error) => {
      const known = (await phone.recent()).map(({ prompt_text, stage }) => `${prompt_text}: ${stage}`);
      const screens = this.#desks.map((desk) => desk.screen());
      const seen = phone.live ? "live" : "not live";
      throw new Error([message, `the phone is ${seen}`, ...known, this.#log(), ...screens].join("\n── "));
    });
  }

  /** How a prompt ended, once the server knows what was chosen. */
  endOf(phone: ChaosPhone, token: string): Promise<PromptState> {
    const over = ({ prompt_text, outcome }: PromptState) =>
      prompt_text === command(token) && outcome !== null;
    return until(`the end of ${token}`, async () => (await phone.recent()).find(over), PATIENCE_MS);
  }

  get #running(): number[] {
    const all = [this.server.pid, ...this.#desks.map(({ pid }) => pid)];
    return all.filter((pid) => existsSync(`/proc/${pid}/limits`));
  }

  /** Nothing more can be written. */
  fill() {
    this.#disk.fill(this.#running);
  }

  /** SQLite's files have room in them, in which a server can start: what it makes anew goes, and its place is filled. */
  useUp() {
    rmSync(join(this.server.data, "claude-remote.db-shm"), { force: true });
    this.fill();
  }

  /** There is space again, for all that still runs. */
  free() {
    this.#disk.free(this.#running);
  }

  readOnly() {
    this.#disk.readOnly();
  }

  writable() {
    this.#disk.writable();
  }

  /** What another server says that tries to start here and cannot. */
  async serveFails(): Promise<string> {
    const { words } = this.#disk;
    const child = Bun.spawn([...words, ...this.#disk.starting(), program(), "serve"], {
      cwd: this.#root,
      env: this.#env,
      stderr: "pipe",
      stdout: "ignore",
      timeout: PATIENCE_MS,
    });
    const said = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    return said;
  }

  /** The ends of all logs. */
  #log(): string {
    const folder = join(this.#home, "state", "logs");
    return filesBelow(folder)
      .map((name) => `${name}:\n${textOf(join(folder, name)).slice(-LOG_CHARS)}`)
      .join("\n");
  }

  /** What SQLite says of the database. */
  integrity(): string {
    using db = new Database(join(this.server.data, "claude-remote.db"));
    return (db.query("PRAGMA integrity_check").get() as { integrity_check: string }).integrity_check;
  }

  /** Resolves when no program of this disk runs: also no server that a wrapper has tried to start. */
  deserted(): Promise<boolean> {
    const left = this.#processes;
    return until(
      () => `the end of ${left().map(nameOf).join("; ")}`,
      () => left().length === 0,
      PATIENCE_MS,
    );
  }

  #processes = () => processesOf(this.#here.env.HOME ?? "");

  /** Throws if a program is left. */
  async [Symbol.asyncDispose]() {
    await using _here = this.#here;
    using rest = new DisposableStack();
    rest.defer(() => rmSync(this.#root, { recursive: true, force: true }));
    rest.use(this.#disk);
    rest.defer(() => {
      for (const pid of this.#processes()) kill(pid, "SIGKILL");
    });
    for (const desk of this.#desks) await desk[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.deserted();
  }
}
