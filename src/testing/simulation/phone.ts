// A phone: the page's own model, answers, outbox and stream, and somebody who looks at it and taps.
import { type CardStatus, cardStatus, createAnswers } from "../../../public/answers.ts";
import { get, keepKey, post, promptIn } from "../../../public/api.ts";
import { createModel } from "../../../public/model.ts";
import { createOutbox } from "../../../public/outbox.ts";
import { stream } from "../../../public/stream.ts";
import {
  type AnswerId,
  CONFIRM_WITHIN_MS,
  type Option,
  type PromptId,
  type PromptState,
  type SessionId,
} from "../../protocol.ts";
import type { Place } from "./network.ts";
import type { Random } from "./random.ts";
import type { Stage, Tap } from "./stage.ts";
import { type Owner, owner } from "./time.ts";

/** Texts are retried like taps, so they must be typed once; each is like no other. */
export type Text = { id: string; session: SessionId; text: string };

/** A look a second, and a clock that was put back by some seconds, ms. */
const SLACK_MS = 6_000;
const DENIALS = [null, "not now", "use git rm"];

export class Phone {
  readonly owner: Owner;
  readonly place: Place;
  readonly model: ReturnType<typeof createModel>;
  readonly answers: ReturnType<typeof createAnswers>;
  readonly outbox: ReturnType<typeof createOutbox>;
  readonly texts: string[] = [];
  paired = false;
  revoked = false;
  readonly #world: Stage;
  readonly #chance: Random;
  readonly #stream: ReturnType<typeof stream>;
  readonly #seen = new Set<PromptId>();
  /** The last that was seen of each prompt it answered, as the card on its screen has it. */
  readonly #cards = new Map<PromptId, PromptState>();
  /** When each of its answers was first seen on its way: by the phone's clock, and really. */
  readonly #sentAt = new Map<PromptId, { at: number; since: number }>();
  #texted = 0;

  constructor(world: Stage, name: string) {
    this.#world = world;
    this.#chance = world.random(name);
    this.owner = { ...owner(name), storage: new Map(), listeners: new Map() };
    this.place = world.network.place(this.owner);
    this.owner.fetch = (path, init) => this.#fetch(path, init);
    const before = world.time.owner;
    world.time.owner = this.owner;
    this.model = createModel();
    this.answers = createAnswers(this.model);
    this.outbox = createOutbox(this.model);
    this.#stream = stream({ fold: this.model.fold, connect: this.model.connect });
    this.model.subscribe(() => this.#look());
    world.time.owner = before;
  }

  /** Pairs, as the page does, and begins to watch. */
  pair() {
    const { code } = this.#world.server.parts.pairing.open(true);
    this.#do(async () => {
      const login = await post("/api/pair", { code, name: this.owner.name, bind: true });
      keepKey((login as { key: string | null }).key);
      this.paired = true;
      this.#stream.open("/events");
    });
    this.#world.time.every(1_000, this.owner, () => this.#tick());
  }

  /** Goes to a session's page, or back to the list. */
  watch(session: SessionId | null) {
    this.#do(() => {
      this.#world.history.note(this.owner.name, `watches ${session ?? "the list"}`);
      this.model.watch(session);
      this.#stream.open(session ? `/events?session=${encodeURIComponent(session)}` : "/events");
    });
  }

  /** What a card says of the answer that was given here. */
  status(prompt: PromptId): CardStatus | null {
    const known = this.model.prompt(prompt);
    const current = known ?? this.#cards.get(prompt);
    if (!current) return null;
    const { time } = this.#world;
    const before = time.owner;
    time.owner = this.owner;
    const status = cardStatus(current, {
      known: known !== null || !this.model.loaded,
      session: this.model.session(current.session_id),
      attempt: this.answers.of(prompt),
      undone: this.answers.undone(prompt),
      now: this.model.now(),
      asOf: this.model.asOf(),
      stale: this.model.stale(),
      offline: this.model.connection.kind === "offline",
      clock: time.wall(this.owner),
    });
    time.owner = before;
    return status;
  }

  /** Prompts that were answered here. */
  answered(): PromptId[] {
    return [...this.#cards.keys()];
  }

  /** Somebody taps, if the card lets them. `wanted`: rather this than that. */
  tap(prompt: PromptState, wanted: (option: Option) => boolean = () => true) {
    this.#do(() => {
      if (this.status(prompt.id)?.kind !== "ready") return;
      const options = prompt.options.filter(wanted);
      const option = this.#chance.pick(options.length > 0 ? options : prompt.options);
      const text = option.effect === "reject" ? this.#chance.pick(DENIALS) : null;
      const given = option.effect === "answer" ? { answers: { "Which?": "a" } } : text ? { text } : {};
      this.#cards.set(prompt.id, prompt);
      this.#world.history.count("taps");
      this.answers.send(prompt, option, given);
    });
  }

  /** Answers past the page: an old prompt, a digest or an option that was never shown, another answer to the same. */
  misuse(prompt: PromptState) {
    const how = this.#chance.pick(["digest", "option", "again", "again"] as const);
    this.#world.history.count(`misuse: ${how}`);
    const body = {
      digest: how === "digest" ? "0".repeat(64) : prompt.digest,
      answer_id: `misuse-${this.owner.name}-${this.#world.serial()}`.replaceAll(" ", "-"),
      option: how === "option" ? "always-000000000000" : "approve",
    };
    this.#do(() => {
      void post(`/api/prompts/${prompt.id}/answer`, body).then(promptIn, () => null);
      const tap = this.#world.taps.get(body.answer_id as AnswerId);
      if (tap) tap.wrong = how !== "again";
    });
  }

  /** Sends a text to claude. */
  say(session: SessionId) {
    const text = `text ${this.#texted++} of ${this.owner.name}${this.#chance.pick(["", "\nand more\nof it"])}.`;
    this.texts.push(text);
    this.#world.history.count("texts");
    this.#do(() => this.outbox.send(session, text));
  }

  /** Presses Esc on the key bar. */
  escape(session: SessionId) {
    this.#do(() => this.outbox.press(session, "escape"));
  }

  /** The page comes back to the front. */
  wake() {
    this.#do(() => this.#stream.again());
  }

  #do(work: () => unknown) {
    this.#world.time.after(0, this.owner, () => void work());
  }

  /** The model changed: what is new may be answered. */
  #look() {
    for (const prompt of this.model.open()) {
      if (this.#seen.has(prompt.id)) continue;
      this.#seen.add(prompt.id);
      if (!this.#world.calm() && this.#chance.chance(0.75)) this.#plan(prompt);
    }
    for (const id of this.#cards.keys()) {
      const known = this.model.prompt(id);
      if (known) this.#cards.set(id, known);
    }
  }

  #plan(prompt: PromptState) {
    const { time } = this.#world;
    const think = this.#chance.between(50, this.#chance.pick([200, 1_500, 8_000]));
    time.after(think, this.owner, () => {
      this.tap(prompt);
      this.#world.tapped(this, prompt);
    });
    if (this.#chance.chance(0.2))
      time.after(think + this.#chance.between(-50, 5_000), this.owner, () => this.misuse(prompt));
  }

  /** Once a second: whoever sees "not confirmed", or that nothing was given, taps again, sooner or later; and asks for what it missed. */
  #tick() {
    if (this.revoked) return;
    for (const id of this.#cards.keys()) {
      const status = this.status(id);
      this.#confirmed(id, status);
      if (status?.kind === "unconfirmed" && (this.#world.calm() || this.#chance.chance(0.3))) {
        this.#world.history.count("taps again");
        this.answers.retry(id);
      }
      // Its answer was not let in, or could not be given: all can be chosen again.
      const known = this.model.prompt(id);
      if (status?.kind === "ready" && known && (this.#world.calm() || this.#chance.chance(0.3)))
        this.tap(known);
      if (!known) void this.#lookUp(id);
    }
    for (const session of this.model.ordered())
      for (const sent of this.outbox.shown(session.id))
        if (this.outbox.stageOf(sent).stage === "unconfirmed" && !sent.queued) this.outbox.retry(sent);
  }

  /** A tap that was not confirmed says so ten seconds later, whoever awaits it. */
  #confirmed(id: PromptId, status: CardStatus | null) {
    const attempt = this.answers.of(id);
    const sentAt = this.#sentAt.get(id);
    if (!attempt || sentAt?.at !== attempt.at)
      return void this.#sentAt.set(id, { at: attempt?.at ?? 0, since: this.#world.time.now });
    if (this.#world.time.now - sentAt.since < CONFIRM_WITHIN_MS + SLACK_MS) return;
    if (status?.kind === "unconfirmed") this.#world.history.rule("P3 not confirmed is said within 10 s");
    if (status?.kind !== "progress") return;
    const what = `${this.owner.name} says ${status.stage} of ${id} since ${sentAt.since}`;
    this.#world.violations.push({ promise: "P3", what, about: [id, this.owner.name] });
  }

  /** As app.ts does for a card whose prompt the stream does not tell of any more. */
  async #lookUp(id: PromptId) {
    const found = await get("/api/prompts").catch(() => null);
    const prompts = (found as { prompts?: PromptState[] } | null)?.prompts ?? [];
    const prompt = prompts.find((one) => one.id === id);
    if (prompt) this.model.replied(prompt);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const tap = this.#tapOf(path, init);
    const response = await this.#world.network.request(this.place, path, init);
    if (!tap) return response;
    tap.replies.push(response.status);
    const text = await response.text();
    const shown = response.status === 200 ? "200" : `${response.status} ${codeIn(text)}`;
    this.#world.history.note(this.owner.name, `hears ${shown} for ${tap.answer} to ${tap.prompt}`);
    return new Response(text, { status: response.status });
  }

  /** Notes each answer that goes out. */
  #tapOf(path: string, init: RequestInit): Tap | null {
    const [, prompt, verb] = /^\/api\/prompts\/([^/]+)\/(approve|reject|answer)$/.exec(path) ?? [];
    if (!prompt || !verb) return null;
    const body = JSON.parse(String(init.body));
    const known = this.#world.taps.get(body.answer_id);
    if (known) return known;
    const tap: Tap = {
      phone: this.owner.name,
      prompt: prompt as PromptId,
      digest: body.digest,
      answer: body.answer_id,
      option: body.option ?? verb,
      text: body.message ?? null,
      wrong: false,
      replies: [],
    };
    this.#world.taps.set(tap.answer, tap);
    this.#world.history.note(this.owner.name, `answers ${prompt}: ${tap.option} (${tap.answer})`);
    return tap;
  }
}

function codeIn(text: string): string {
  return /"code":"(\w+)"/.exec(text)?.[1] ?? "";
}
