// The conversations that a devbox still has, to go on with one of them instead of beginning anew.
import type { EarlierConversation } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { pathOf } from "./devboxes.ts";
import { element, setText } from "./dom.ts";
import { radios } from "./radios.ts";
import { age } from "./times.ts";

const OFFER = "Continue a conversation";
const TAKEN = "Continues";
const GONE =
  "That conversation is not among those of this machine any more. What you start here is a new one.";
const UNREAD = "The conversations of this machine could not be read, so what you start here is a new one.";

/** Folded until it is opened; `onPick` is told which one goes on, null for a new one. */
export function earlierConversations(onPick: (one: EarlierConversation | null) => void) {
  const root = element("div", "earlier");
  let asked = "";

  /** `wanted`: what is chosen already. */
  function fold(all: EarlierConversation[], wanted: string | undefined): HTMLElement {
    const details = document.createElement("details");
    const summary = element("summary", "", OFFER);
    const options = all.map((one) => ({
      ...{ value: one.id, name: one.title || "Without a title", bad: false },
      about: `${one.dir} · ${one.alive_in ? "running now" : ago(one.last_at)}`,
    }));
    const first = { value: "", name: "A new conversation", about: "", bad: false };
    const take = (id: string) => {
      const picked = all.find((one) => one.id === id) ?? null;
      setText(summary, picked ? `${TAKEN}: ${picked.title || "without a title"}` : OFFER);
      onPick(picked);
    };
    const list = radios("Conversation", "resume", [first, ...options], take);
    list.pick(wanted ?? "");
    if (wanted) take(wanted);
    list.root.querySelector("legend")?.classList.add("sr");
    details.append(summary, list.root);
    return details;
  }

  return {
    root,
    /** Shows those of another devbox, once they have come; `wanted` is to go on, if it is still there. */
    async of(devbox: string, wanted?: string) {
      asked = devbox;
      root.replaceChildren();
      try {
        const found = (await get(pathOf(devbox, "/conversations"))) as {
          conversations: EarlierConversation[];
        };
        if (asked !== devbox) return;
        const all = found.conversations;
        const there = all.some(({ id }) => id === wanted);
        if (all.length > 0) root.append(fold(all, there ? wanted : undefined));
        if (wanted && !there) root.prepend(element("p", "problem", GONE));
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error; // Without them a new one can be begun all the same.
        if (asked === devbox && wanted)
          root.replaceChildren(element("p", "problem", `${UNREAD} ${error.message}`));
      }
    },
    /** What comes now is picked by nobody. */
    close() {
      asked = "";
    },
  };
}

const ago = (at: number) => {
  const words = age(Date.now() - at);
  return words === "now" ? "just now" : `${words} ago`;
};
