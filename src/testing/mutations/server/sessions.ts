// The guards of sessions: who owns one, what is told of it, when it is over.
import type { Guards } from "../guard.ts";
import { LINKS } from "./tests.ts";

export const SESSIONS: Guards = {
  file: "src/server/sessions.ts",
  tests: [...LINKS, "src/server/prompts.test.ts", "src/server/events.test.ts"],
  guards: [
    {
      id: "newer-owns",
      promise: "P4 the newer of two connections owns the session",
      text: "if (live.uplink && live.uplink !== uplink) live.uplink.replaced();",
      instead: "",
    },
    {
      id: "older-end-is-nothing",
      promise: "P4 the end of a connection that was replaced is nobody's end",
      text: "if (!live || live.uplink !== uplink) return;",
      instead: "if (!live) return;",
      equivalent: "a connection that was replaced has no session any more: its end never comes here",
    },
    {
      id: "withdrawn-is-told",
      promise: "P4 what a wrapper names no more is withdrawn everywhere",
      text: "for (const prompt of stated.withdrawn)",
      instead: "for (const prompt of stated.withdrawn.slice(0, 0))",
    },
    {
      id: "change-is-told",
      promise: "P4 what is true of a session now is told",
      text: "    this.#save(live);\n    this.#changed(live);\n  }\n\n  /** What changed",
      instead: "    this.#save(live);\n  }\n\n  /** What changed",
    },
    {
      id: "end-is-told",
      promise: "P4 the end of a session is told",
      text: '"session_end", { session });\n    for',
      instead: '"session_start", { session: { ...session, ended_at: null } });\n    for',
    },
    {
      id: "end-of-prompts-is-told",
      promise: "P2 what ended with a session is told",
      text: "for (const prompt of prompts) this.#events.tell",
      instead: "for (const prompt of prompts.slice(0, 0)) this.#events.tell",
    },
    {
      id: "lost-is-told",
      promise: "P4 a session out of reach is marked so",
      text: "    else this.#changed(live); //",
      instead: "    //",
    },
    {
      id: "reach-the-living",
      promise: "P4 nothing is sent to a session that has ended",
      text: "    this.opened(id);\n    const uplink",
      instead: "    const uplink",
    },
    {
      id: "reach-the-heard",
      promise: "P4 what has had no contact for 15 s cannot be approved",
      text: "if (uplink && since(uplink.heardAt) < DEAD_AFTER_MS) return uplink;",
      instead: "if (uplink) return uplink;",
    },
    {
      id: "gives-up-the-lost",
      promise: "P4 a session that was silent for a day has ended",
      text: "if (lost) this.end(live.session.id,",
      instead: "if (!live) this.end(live,",
    },
    {
      id: "keeps-sessions-over-a-restart",
      promise: "P4 sessions outlive the server",
      text: "    for (const session of store.sessions.open()) this.#keep(session, null);\n",
      instead: "",
    },
  ],
};
