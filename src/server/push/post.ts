// One push of one phone: worded as that phone wants it, sent, and what became of it written down.
import type { PushDelivery, ViewerId } from "../../protocol.ts";
import { guarded } from "../log.ts";
import type { OpenAnnex } from "../parts.ts";
import { isApple } from "./endpoint.ts";
import type { Nonces } from "./nonces.ts";
import type { Notice, Notices } from "./notices.ts";
import type { Send, SendResult } from "./send.ts";
import type { Phone, Tables } from "./tables.ts";
import { pushOf, testOf, type Wording, type Wrapped } from "./wording.ts";

export type PostOptions = {
  core: Parameters<OpenAnnex>[0];
  tables: Tables;
  nonces: Nonces;
  send: Send;
  notices: Notices;
};

export class Post {
  readonly #options: PostOptions;

  constructor(options: PostOptions) {
    this.#options = options;
  }

  /** Sends, and writes down what became of it. */
  async send(phone: Phone, wrapped: Wrapped): Promise<SendResult> {
    const { core, tables, send } = this.#options;
    const { subscription, viewer } = phone;
    if (!subscription) return { outcome: "refused", status: null, reason: "there is no subscription" };
    const result = await send(subscription, wrapped);
    const { kind, topic, title, subject } = wrapped;
    const { outcome, status } = result;
    const reason = "reason" in result ? result.reason : null;
    const at = core.clock.now();
    const { endpoint } = subscription;
    core.pushes[outcome]++;
    if (outcome !== "sent") core.log.info({ viewer, outcome, status, reason }, "push");
    this.#keep(() => {
      if (!core.logins.inForce(viewer)) return; // Revoked meanwhile: nothing is kept.
      tables.delivered({ viewer_id: viewer, at, kind, topic, subject, title, outcome, status, reason });
      if (result.outcome === "sent") tables.sent(viewer, endpoint, at);
      else if (result.outcome === "gone") tables.gone(viewer, endpoint, result.reason);
      else if (result.outcome === "refused") tables.refused(viewer, endpoint, result.reason, at);
    });
    return result;
  }

  /** A test to that phone. Null: it has no subscription. */
  async test(viewer: ViewerId): Promise<SendResult | null> {
    const phone = this.#options.tables.phone(viewer);
    if (!phone?.subscription) return null;
    return this.send(phone, testOf(this.wording(phone)));
  }

  /** What did not go out is kept as well. */
  note(phone: Phone, notice: Notice, outcome: PushDelivery["outcome"], reason: string | null, at: number) {
    const { kind, topic, title, subject } = pushOf({ kind: "one", notice }, this.wording(phone));
    this.#options.core.pushes[outcome]++;
    const { viewer: viewer_id } = phone;
    const row = { viewer_id, at, kind, topic, subject, title, outcome, status: null, reason };
    this.#keep(() => this.#options.tables.delivered(row));
  }

  /** A full disk loses what became of a push, and no push. */
  #keep(write: () => void) {
    const { log } = this.#options.core;
    guarded(log, "writing down what became of a push", write)();
  }

  /** A phone whose login is too old is still told that it is needed, and not for what. */
  wording({ viewer, subscription, settings }: Phone): Wording {
    const { core, notices } = this.#options;
    return {
      ...{ url: core.url(), private: settings.private || core.logins.lapsed(viewer), open: notices.open },
      actions: !isApple(subscription?.endpoint ?? ""),
      nonce: (prompt) => this.#options.nonces.give(viewer, prompt.id, prompt.digest),
    };
  }
}
