// The guards of all connections: silence, limits, revocation.
import type { Guards } from "../guard.ts";
import { LINKS } from "./tests.ts";

export const UPLINK: Guards = {
  file: "src/server/uplink.ts",
  tests: [...LINKS, "src/server/prompts.test.ts", "src/server/server.test.ts", "src/server/events.test.ts"],
  guards: [
    {
      id: "looks-for-silence",
      promise: "P4 silence is noticed within a second",
      text: "      clock.every(1_000, () => this.#all.forEach((one) => void one.pulse(clock.now()))),\n",
      instead: "",
    },
    {
      id: "says-that-it-lives",
      promise: "P4 the wrapper hears of the server every five seconds",
      text: '      clock.every(HEARTBEAT_MS, () => this.#all.forEach((one) => void one.tell({ type: "ping" }))),\n',
      instead: "",
    },
    {
      id: "answers-again",
      promise: "P3 an answer is said again every two seconds until it arrived",
      text: '      clock.every(LIMITS.answerAgainMs, guarded(log, "repeating answers", again)),\n',
      instead: "      void [LIMITS.answerAgainMs, guarded, again],\n",
    },
    {
      id: "revoked-is-cut-off",
      promise: "P7 a machine that is revoked is cut off at once",
      text: '      one.close("revoked");\n',
      instead: "",
    },
    {
      id: "revokes-nobody-else",
      promise: "P7 revoking one machine ends no other's connection",
      text: "      if (one.device !== device) continue;\n",
      instead: "",
    },
    {
      id: "stops-the-connections",
      promise: "P4 a server that stops ends its connections",
      text: `      one.close("the server stops");\n`,
      instead: "",
      equivalent: "Bun closes every socket of a server that stops: only the reason would not be given",
    },
    {
      id: "so-many-wrappers",
      promise: "P6 so many wrappers, not more",
      text: "if (this.#all.size - strangers.length >= this.#most) {",
      instead: "if (this.#all.size < 0) {",
    },
    {
      id: "so-many-strangers",
      promise: "P6 so many handshakes at a time, not more",
      text: "if (strangers.length >= LIMITS.handshakes) strangers[0]?.close",
      instead: "if (strangers.length < 0) strangers[0]?.close",
    },
    {
      id: "forgets-the-closed",
      promise: "P6 of a connection that has ended nothing is left",
      text: "    this.#all.delete(connection);\n",
      instead: "",
    },
    {
      id: "tells-of-the-end",
      promise: "P4 a connection that ended leaves its session out of reach",
      text: "    connection.ended();\n",
      instead: "",
    },
    {
      id: "a-full-socket-is-noticed",
      promise: "P4 a frame that the socket did not take is noticed",
      text: "send: (frame) => socket.send(frame) !== 0,",
      instead: "send: (frame) => socket.send(frame) !== null,",
      equivalent:
        "Bun itself closes a socket that is past its limit (closeOnBackpressureLimit): only the reason would not be given",
    },
  ],
};
