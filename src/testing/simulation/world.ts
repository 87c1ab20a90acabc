// Everything there is in one run: machines with wrappers, a server, phones, and whoever moves them.
import type { AnswerId, PromptId, PromptState, SessionId, ViewerId } from "../../protocol.ts";
import { LIMITS } from "../../server/limits.ts";
import { template } from "./database.ts";
import { History } from "./history.ts";
import { Network } from "./network.ts";
import { Phone } from "./phone.ts";
import { type Random, random } from "./random.ts";
import type { Violation } from "./rules.ts";
import { ServerProcess } from "./server.ts";
import type { Stage, Tap } from "./stage.ts";
import { owner, Time } from "./time.ts";
import { Machine, WrapperProcess } from "./wrapper.ts";

/** Fifteen seconds of silence are noticed within one more; what was under way then has arrived, ms. */
const OUT_OF_REACH_MS = 17_000;

export class World implements Stage {
  readonly time = new Time(owner("the world"));
  readonly history = new History(this.time);
  readonly chance: Random;
  readonly network: Network;
  readonly server: ServerProcess;
  readonly machines: Machine[] = [];
  readonly phones: Phone[] = [];
  /** Every run of claude there was, ended ones too. */
  readonly wrappers: WrapperProcess[] = [];
  readonly taps = new Map<AnswerId, Tap>();
  readonly violations: Violation[] = [];
  readonly #seed: number;
  /** The server has come back. */
  onRestart: () => void = () => {};
  /** By the server's clock. */
  aDayPassed = false;
  #calm = false;
  /** The furthest into the future that the server's clock was ever set, ms. */
  #latestClock = 0;
  #prompts = 0;
  #serial = 0;

  constructor(seed: number, folder: string) {
    this.#seed = seed;
    this.chance = this.random("world");
    this.network = new Network(this.time, this.random("network"));
    this.server = new ServerProcess(this.time, this.random("server"), {
      folder,
      template: template(),
      onLog: (text, bad) => {
        this.history.note("server", text);
        if (bad)
          this.violations.push({ promise: "liveness", what: `the server: ${text}`, about: ["server"] });
      },
      onAnswer: (prompt, status) => this.#answered(prompt, status),
      onCrash: () => this.startServer(this.chance.pick([100, 1_000, 5_000, 17_000])),
    });
    this.network.server = this.server;
  }

  random(name: string): Random {
    return random(this.#seed, name);
  }

  readonly calm = () => this.#calm;
  nextPrompt = () => `p${++this.#prompts}` as PromptId;
  serial = () => ++this.#serial;

  /** Everybody is there and knows everybody. */
  async begin() {
    const { chance, time } = this;
    this.server.start();
    for (let i = chance.between(1, 3); i > 0; i--) this.phones.push(new Phone(this, `phone ${i}`));
    for (const phone of this.phones) {
      phone.pair();
      await time.run(time.now + 2_000, () => phone.paired);
    }
    for (let i = chance.between(1, 3); i > 0; i--) this.machines.push(new Machine(this, `machine ${i}`));
    for (const machine of this.machines)
      this.time.after(chance.between(0, 600), machine.place.owner, () => this.startWrapper(machine));
    for (const phone of this.phones) this.#wander(phone);
  }

  startWrapper(machine: Machine) {
    if (machine.wrapper) return;
    const wrapper = new WrapperProcess(this, machine, `wrapper ${this.wrappers.length + 1}`);
    machine.wrapper = wrapper;
    this.wrappers.push(wrapper);
    const { chance } = this;
    void wrapper.claude.live(this.#calm ? 0 : chance.between(1, 4), !this.#calm && chance.chance(0.3));
  }

  startServer(ms: number) {
    this.time.after(ms, this.time.nobody, () => {
      if (this.server.up) return;
      this.server.start();
      this.history.note("server", "starts");
      this.onRestart();
    });
  }

  /** Ms off the true time. */
  setServerClock(skew: number) {
    // What has been silent for a day is given up, and an answer that had not arrived with it.
    if (skew - this.server.owner.skew > LIMITS.lostMs) this.aDayPassed = true;
    this.#latestClock = Math.max(this.#latestClock, skew);
    this.server.owner.skew = skew;
  }

  /** Somebody looks here and there, writes something, presses Esc. */
  #wander(phone: Phone) {
    const chance = this.random(`${phone.owner.name} wanders`);
    const step = () => {
      const known = phone.model.ordered();
      const session = known.length > 0 ? chance.pick(known).id : null;
      const act = chance.pick(["watch", "watch", "list", "say", "escape", "nothing", "nothing"] as const);
      if (act === "watch") phone.watch(session);
      else if (act === "list") phone.watch(null);
      else if (act === "say" && session) phone.say(session);
      else if (act === "escape" && session && chance.chance(0.2)) phone.escape(session);
      if (!this.#calm) this.time.after(chance.between(200, 6_000), phone.owner, step);
    };
    this.time.after(chance.between(500, 2_000), phone.owner, step);
  }

  /** A phone was tapped: now and then the desk, or another phone, does the same in that very moment. */
  tapped(phone: Pick<Phone, "owner" | "place">, prompt: PromptState) {
    const { chance, time } = this;
    const within = 2 * phone.place.latency + 60;
    const question = this.wrappers
      .flatMap(({ claude }) => claude.questions)
      .find((q) => q.prompt === prompt.id);
    if (question && chance.chance(0.3)) {
      const wrapper = this.wrappers.find(({ claude }) => claude.questions.includes(question));
      this.history.count("races of desk and phone");
      const key = chance.pick(["yes", "yes", "esc", "no, and why"] as const);
      time.after(chance.between(0, within), time.nobody, () => wrapper?.claude.press(key));
    }
    const other = this.phones.find((one) => one !== phone);
    if (other && chance.chance(0.3)) {
      this.history.count("races of two phones");
      time.after(chance.between(0, within), other.owner, () => other.tap(prompt));
    }
  }

  told(session: SessionId) {
    for (const { id, acknowledged } of this.wrappers) if (id === session) acknowledged.left = true;
  }

  /** The server has just said this of an answer: none may be taken for a claude that cannot have been heard of for long. */
  #answered(id: string, status: number) {
    const { time, server, history } = this;
    const prompt = server.store.prompts.get(id);
    const wrapper = this.wrappers.find((one) => one.id === prompt?.session_id);
    if (!prompt || !wrapper || wrapper.doubled) return;
    const now = status === 200 && prompt.responded_at === time.wall(server.owner);
    const since = wrapper.silentSince();
    if (since === null || time.now - since < OUT_OF_REACH_MS) return;
    history.rule("P4 an answer to a session out of reach is refused");
    if (!now) return;
    const what = `${id} was answered, and its wrapper is silent since ${since}`;
    this.violations.push({ promise: "P4", what, about: [id, wrapper.owner.name] });
  }

  revoke(phone: Phone): boolean {
    if (!this.server.up || phone.revoked) return false;
    const viewer = this.server.parts.logins.list().find(({ name }) => name === phone.owner.name);
    if (!viewer) return false;
    phone.revoked = true;
    this.history.note("owner", `revokes ${phone.owner.name}`);
    return this.server.parts.revokeViewer(viewer.id as ViewerId, "owner");
  }

  /** Somebody who is no viewer tries to answer what is open: without a login, with a wrong one, from another site. */
  intrude(chance: Random): boolean {
    const open = this.server.up ? this.server.store.prompts.list("open") : [];
    const [prompt] = open;
    if (!prompt) return false;
    const stranger = { ...owner("intruder"), storage: new Map([["cookie", "cr=guessed"]]) };
    if (chance.chance(0.5)) stranger.storage.clear();
    const answer = `intruder-${this.serial()}` as AnswerId;
    const body = JSON.stringify({ digest: prompt.digest, answer_id: answer });
    const { id, digest } = prompt;
    const tap = { phone: "intruder", prompt: id, digest, answer, option: "approve", text: null, wrong: true };
    this.taps.set(answer, { ...tap, replies: [] });
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body };
    void this.network
      .request(this.network.place(stranger), `/api/prompts/${id}/approve`, init)
      .then(({ status }) => this.taps.get(answer)?.replies.push(status))
      .catch(() => {});
    return true;
  }

  /** From now on nothing goes wrong any more; what is away comes back. */
  heal() {
    this.#calm = true;
    this.history.note("the world", "peace");
    this.server.doom = null;
    if (!this.server.up) this.startServer(100);
    for (const { place } of [...this.machines, ...this.phones]) {
      place.outage.until = 0;
      Object.assign(place.lose, { requests: 0, replies: 0 });
      place.twice.requests = 0;
      for (const wire of place.wires) wire.harm = null;
    }
    // A clock that went back makes every login doubtful, on purpose, until it has caught up; then the page is opened anew.
    this.setServerClock(this.#latestClock);
    for (const phone of this.phones) if (!phone.revoked) phone.wake();
    // Whoever was left without a wrapper gets one more, which reports those that could not.
    for (const machine of this.machines)
      this.time.every(1_000, machine.place.owner, () => {
        if (machine.left.size > (machine.wrapper ? 1 : 0)) this.startWrapper(machine);
      });
  }

  /** When the last thing happened that others have to hear of. */
  lastAct(): number {
    return Math.max(0, ...this.wrappers.map(({ claude, refusedAt }) => Math.max(claude.activeAt, refusedAt)));
  }
}
