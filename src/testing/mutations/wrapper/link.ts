// The guards of the connection to the server, as the wrapper sees it.
import type { Guards } from "../guard.ts";

export const LINK: Guards = {
  file: "src/wrapper/link.ts",
  tests: ["src/wrapper/link.test.ts"],
  guards: [
    {
      id: "says-whether-told",
      promise: "P5 what nobody heard is not taken for told",
      text: "if (!this.#channel || !this.#socket) return false;",
      instead: "if (!this.#channel || !this.#socket) return true;",
    },
    {
      id: "leaves-who-does-not-read",
      promise: "P6 a server that does not read is not buffered for",
      text: "if (this.#socket.buffered() > MAX_BUFFERED_BYTES) {",
      instead: "if (false) {",
    },
    {
      id: "full-waits",
      promise: "P6 frames wait while the network is full",
      text: "(this.#socket?.buffered() ?? 0) > FULL_BYTES",
      instead: "false",
    },
    {
      id: "hears-the-current-socket",
      promise: "P4 an earlier connection's words are not heard",
      text: "received: (frame) => current() && this.#received(handshake, frame),",
      instead: "received: (frame) => this.#received(handshake, frame),",
    },
    {
      id: "drops-the-current-socket",
      promise: "P4 an earlier connection's end ends no later one",
      text: "closed: (reason) => current() && this.#drop(reason),",
      instead: "closed: (reason) => this.#drop(reason),",
    },
    {
      id: "silence-is-death",
      promise: "P4 a connection that is silent for 15 s is given up",
      text: "if (silent >= DEAD_AFTER_MS) this.#drop",
      instead: "if (silent < 0) this.#drop",
    },
    {
      id: "silence-by-a-steady-clock",
      promise: "P4 a clock that is put back hides no silence",
      text: "Math.max(Date.now() - wall, performance.now() - steady);",
      instead: "Date.now() - wall;",
    },
    {
      id: "silence-in-sleep",
      promise: "P4 a machine that slept knows at once that nobody spoke",
      text: "Math.max(Date.now() - wall, performance.now() - steady);",
      instead: "performance.now() - steady;",
    },
    {
      id: "heard-is-alive",
      promise: "P4 a connection on which something is heard lives",
      text: "    this.#hears();\n    try {",
      instead: "    try {",
    },
    {
      id: "says-that-it-lives",
      promise: "P4 the server hears of us every five seconds",
      text: 'else this.tell({ type: "ping" });',
      instead: "",
    },
    {
      id: "no-clear-text",
      promise: "P7 nothing in clear text is obeyed",
      text: 'if (typeof frame === "string") throw new Error("a frame in clear text");\n        this.#message(JSON.parse(this.#channel.open(frame)));',
      instead: 'this.#message(JSON.parse(typeof frame === "string" ? frame : this.#channel.open(frame)));',
    },
    {
      id: "nonsense-ends-it",
      promise: "P7 a frame that was not sealed for us ends the connection",
      text: "} else this.#shake(handshake, String(frame));\n    } catch (error) {\n      this.#drop(error instanceof Error ? error.message : String(error));",
      instead: "} else this.#shake(handshake, String(frame));\n    } catch {",
    },
    {
      id: "restates-at-each-connection",
      promise: "P4 everything true is said at each connection",
      text: "        this.#options.onUp();\n",
      instead: "        if (this.#attempt <= 1) this.#options.onUp();\n",
    },
    {
      id: "asks-less-often",
      promise: "P6 who is refused asks every half minute",
      text: "const wait = this.#refused\n      ? REFUSED_BACKOFF_MS",
      instead: "const wait = this.#refused\n      ? 250",
    },
    {
      id: "lets-in-again",
      promise: "P4 a server that let us in refuses us no more",
      text: "        this.#refused = null;\n",
      instead: "",
    },
    {
      id: "backs-off",
      promise: "P6 a server that cannot store is asked less and less often",
      text: "    this.#attempt++;\n",
      instead: "",
    },
    {
      id: "backs-off-anew",
      promise: "P4 after a word the shortest wait counts again",
      text: "    this.#attempt = 0; //",
      instead: "    //",
    },
    {
      id: "one-attempt-at-a-time",
      promise: "P6 there is one attempt at a time",
      text: "    if (this.#retry) return;\n",
      instead: "",
    },
    {
      id: "channel-ends-with-socket",
      promise: "P5 nothing is told to a connection that has ended",
      text: "    this.#channel = null;\n    socket?.close();",
      instead: "    socket?.close();",
    },
    {
      id: "closes-what-it-drops",
      promise: "P6 a connection that is given up is closed",
      text: "    socket?.close();\n",
      instead: "",
    },
    {
      id: "tries-for-ever",
      promise: "P4 it reconnects for ever",
      text: "    this.#retry = setTimeout(() => this.#dial(), wait * spread);",
      instead: "    if (this.#attempt < 3) this.#retry = setTimeout(() => this.#dial(), wait * spread);",
    },
    {
      id: "ends-when-disposed",
      promise: "P1 it ends with its wrapper",
      text: "    if (this.#ended) return;\n    this.#options.onDown(reason);",
      instead: "    this.#options.onDown(reason);",
    },
    {
      id: "refusal-is-heard",
      promise: "P4 a refusal on the open channel is kept as the reason",
      text: "      this.#refused = message;\n",
      instead: "",
    },
  ],
};
