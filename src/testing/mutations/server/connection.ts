// The guards of one wrapper's connection: who it is, what it may say, what is acknowledged.
import type { Guards } from "../guard.ts";
import { LINKS } from "./tests.ts";

export const CONNECTION: Guards = {
  file: "src/server/connection.ts",
  tests: [...LINKS, "src/server/prompts.test.ts"],
  guards: [
    {
      id: "a-lost-frame-ends-it",
      promise: "P4 a connection that does not take a frame is closed",
      text: `      this.close("it does not read");`,
      instead: "      return;",
    },
    {
      id: "replaced-is-mute",
      promise: "P4 whoever was replaced speaks for the session no more",
      text: '    this.session = null;\n    this.tell(refusal("replaced"));',
      instead: '    this.tell(refusal("replaced"));',
    },
    {
      id: "replaced-is-closed",
      promise: "P4 one connection owns a session",
      text: `    this.close("another wrapper took the session over");\n`,
      instead: "",
    },
    {
      id: "closed-hears-nothing",
      promise: "P7 nothing is heard or said on a connection that is closing",
      text: "  close(reason: string): void {\n    this.#channel = null;",
      instead: "  close(reason: string): void {",
    },
    {
      id: "nonsense-closes",
      promise: "P7 what makes no sense closes the connection",
      text: `      this.close("a message made no sense or could not be stored");\n`,
      instead: "",
    },
    {
      id: "no-clear-text",
      promise: "P7 nothing in clear text is heard",
      text: `else if (typeof frame === "string") throw new Nonsense("a frame in clear text");`,
      instead: "",
      equivalent:
        "clear text is no sealed frame either: opening it fails, and that closes the connection as well",
    },
    {
      id: "end-is-out-of-reach",
      promise: "P4 a session without a connection is out of reach",
      text: "    if (session) this.#options.sessions.lost(session, this);\n",
      instead: "",
    },
    {
      id: "silence-is-death",
      promise: "P4 fifteen seconds of silence are the end of a connection",
      text: "if (now - this.heardAt >= DEAD_AFTER_MS) this.close",
      instead: "if (now - this.heardAt < 0) this.close",
    },
    {
      id: "handshakes-end",
      promise: "P6 a handshake does not take long",
      text: "if (!this.#channel && now - this.#bornAt >= LIMITS.handshakeMs) this.close",
      instead: "if (now < 0) this.close",
    },
    {
      id: "so-many-frames",
      promise: "P6 so many frames a second, not more",
      text: "if (this.#frames > LIMITS.framesPerSecond) throw",
      instead: "if (this.#frames < 0) throw",
    },
    {
      id: "revoked-is-out",
      promise: "P7 a machine that is revoked is refused",
      text: `return known.revoked_at === null ? this.#options.secretOf(device) : "revoked";`,
      instead: "return this.#options.secretOf(device);",
    },
    {
      id: "unknown-is-out",
      promise: "P7 a machine that nobody let in is refused",
      text: `    if (!known) return "device";\n`,
      instead: "",
    },
    {
      id: "session-first",
      promise: "P7 nothing is heard before it is known of which session",
      text: "if (!this.session) throw",
      instead: "if (!this.session) return;\n    if (!this.session) throw",
    },
    {
      id: "one-session",
      promise: "P7 a connection speaks for one session",
      text: `if (this.session && this.session !== statement.id) throw new Nonsense("a second session");`,
      instead: "",
    },
    {
      id: "own-session",
      promise: "P7 a machine states no other machine's session",
      text: `if (!sessions.state(device, statement, this)) throw new Nonsense("a session of another device");`,
      instead: "sessions.state(device, statement, this);",
    },
    {
      id: "where-the-log-goes-on",
      promise: "P4 the log goes on where it is on disk",
      text: `    if (first) this.tell({ type: "ack", stream: "lines", upto: store.lines.cursor(statement.id) });\n`,
      instead: "",
    },
    {
      id: "answers-at-once-again",
      promise: "P3 an answer that did not arrive is said as soon as the wrapper is back",
      text: "    prompts.repeat(statement.id);\n",
      instead: "",
      equivalent:
        "it is only sooner: what is said again every two seconds reaches the wrapper that is back as well",
    },
    {
      id: "watch-at-once-again",
      promise: "P4 whoever looks sees the screen again after a reconnect",
      text: "    sessions.watch(statement.id);\n",
      instead: "",
    },
    {
      id: "left-by-its-own-machine",
      promise: "P7 a machine ends no other machine's session",
      text: `if (known && known.device_id !== device) throw new Nonsense("the end of another device's session");`,
      instead: "",
    },
    {
      id: "left-tells-its-facts",
      promise: "P2 what became of the last questions is told with the end",
      text: `      if (!prompts.fact(session, fact)) throw new Nonsense("another session's prompt");\n    if (known)`,
      instead: "      void fact;\n    if (known)",
    },
    {
      id: "left-facts-of-its-own",
      promise: "P7 the end of one session ends no other's prompts",
      text: `      if (!prompts.fact(session, fact)) throw new Nonsense("another session's prompt");\n    if (known)`,
      instead: "      prompts.fact(session, fact);\n    if (known)",
    },
    {
      id: "left-ends",
      promise: "P4 a session whose machine says so has ended",
      text: "    if (known) sessions.end(session, exit);\n",
      instead: "",
    },
    {
      id: "left-on-disk-first",
      promise: "P5 an end is on disk before it is acknowledged",
      text: '    if (known) sessions.end(session, exit);\n    this.tell({ type: "ack", stream: "exit", session });',
      instead:
        '    this.tell({ type: "ack", stream: "exit", session });\n    if (known) sessions.end(session, exit);',
    },
    {
      id: "left-is-acknowledged",
      promise: "P6 an end that is known is not said again",
      text: '    this.tell({ type: "ack", stream: "exit", session });\n',
      instead: "",
    },
    {
      id: "lines-on-disk-first",
      promise: "P5 lines are on disk before they are acknowledged",
      text: "          upto: store.lines.add(session, message.lines, clock.now()),\n        });",
      instead:
        "          upto: Math.max(store.lines.cursor(session), ...message.lines.map((one) => one.line_no + (one.count ?? 1) - 1)),\n        });\n        store.lines.add(session, message.lines, clock.now());",
    },
    {
      id: "lines-are-told",
      promise: "P4 new lines reach whoever looks",
      text: '        return events.logged(session);\n      case "message":',
      instead: '        return;\n      case "message":',
    },
    {
      id: "prompt-on-disk-first",
      promise: "P5 a prompt is on disk before it is acknowledged",
      text: `        if (!prompts.opened(session, message.prompt))
          throw new Nonsense("another session's prompt, or too many");
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt.id, fact: "prompt" });`,
      instead: `        this.tell({ type: "ack", stream: "prompts", prompt: message.prompt.id, fact: "prompt" });
        if (!prompts.opened(session, message.prompt))
          throw new Nonsense("another session's prompt, or too many");
        return;`,
    },
    {
      id: "prompt-of-its-own",
      promise: "P7 another session's prompt closes the connection",
      text: `        if (!prompts.opened(session, message.prompt))
          throw new Nonsense("another session's prompt, or too many");`,
      instead: "        prompts.opened(session, message.prompt);",
    },
    {
      id: "fact-on-disk-first",
      promise: "P5 what became of a prompt is on disk before it is acknowledged",
      text: `        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });`,
      instead: `        this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });
        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");
        return;`,
    },
    {
      id: "fact-of-its-own",
      promise: "P7 a word about another session's prompt closes the connection",
      text: `        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });`,
      instead: `        prompts.fact(session, message);
        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });`,
    },
    {
      id: "fact-is-acknowledged",
      promise: "P6 what is on disk is not said again",
      text: `        return this.tell({ type: "ack", stream: "prompts", prompt: message.prompt, fact: message.type });`,
      instead: "        return;",
    },
    {
      id: "not-applied-is-stored",
      promise: "P3 an answer that could not be given leaves the question open",
      text: `      case "not_applied":
        if (!prompts.fact(session, message)) throw new Nonsense("another session's prompt");`,
      instead: `      case "not_applied":`,
    },
    {
      id: "exit-on-disk-first",
      promise: "P5 an exit is on disk before it is acknowledged",
      text: `        sessions.end(session, { code, signal, reason });
        return this.tell({ type: "ack", stream: "exit", session });`,
      instead: `        this.tell({ type: "ack", stream: "exit", session });
        return sessions.end(session, { code, signal, reason });`,
    },
    {
      id: "exit-ends",
      promise: "P4 a claude that exited has ended",
      text: "        sessions.end(session, { code, signal, reason });\n",
      instead: "",
    },
    {
      id: "input-is-told",
      promise: "P3 a text that was delivered is told so",
      text: `return void inputs.set(session, message.id, "delivered");`,
      instead: "return;",
    },
    {
      id: "input-refused-is-told",
      promise: "P3 a text that was refused is told why",
      text: "return inputs.refused(session, message.id, message.reason);",
      instead: "return;",
    },
  ],
};
