// The conversations that a devbox still has, to go on with one of them instead of beginning anew.
import type { EarlierConversation } from "../src/protocol.ts";
import { ApiFailure, get } from "./api.ts";
import { pathOf } from "./devboxes.ts";
import { element, setText } from "./dom.ts";
import { radios } from "./radios.ts";
import { age } from "./times.ts";

const OFFER = "Continue a conversation";
const TAKEN = "Continues a conversation";

/** Folded until it is opened; `onPick` is told which one goes on, null for a new one. */
export function earlierConversations(onPick: (one: EarlierConversation | null) => void) {
  const root = element("div", "earlier");
  let asked = "";

  function fold(all: EarlierConversation[]): HTMLElement {
    const details = document.createElement("details");
    const summary = element("summary", "", OFFER);
    const options = all.map((one) => ({
      ...{ value: one.id, name: one.title || "Without a title", bad: false },
      about: `${one.dir} · ${one.alive_in ? "running now" : ago(one.last_at)}`,
    }));
    const first = { value: "", name: "A new conversation", about: "", bad: false };
    const list = radios("Conversation", "resume", [first, ...options], (id) => {
      const picked = all.find((one) => one.id === id) ?? null;
      setText(summary, picked ? TAKEN : OFFER);
      onPick(picked);
    });
    list.pick("");
    list.root.querySelector("legend")?.classList.add("sr");
    details.append(summary, list.root);
    return details;
  }

  return {
    root,
    /** Shows those of another devbox, once they have come. */
    async of(devbox: string) {
      asked = devbox;
      root.replaceChildren();
      try {
        const found = (await get(pathOf(devbox, "/conversations"))) as {
          conversations: EarlierConversation[];
        };
        if (asked === devbox && found.conversations.length > 0) root.append(fold(found.conversations));
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error; // Without them a new one can be begun all the same.
      }
    },
  };
}

const ago = (at: number) => {
  const words = age(Date.now() - at);
  return words === "now" ? "just now" : `${words} ago`;
};
