// The guards of the server: who owns a session, who answered, what is acknowledged, who is told.
import type { Guards } from "./guard.ts";

/** Of wrappers, as the server sees them. */
const LINKS = ["uplink", "connection", "messages"].map((name) => `src/server/${name}.test.ts`);

const PROMPTS: Guards = {
  file: "src/server/prompts.ts",
  tests: ["src/server/prompts.test.ts", ...LINKS],
  guards: [
    {
      id: "opened-is-told",
      promise: "P4 a new prompt is told to every viewer",
      text: "if (opened?.news) this.#tell",
      instead: "if (opened && !opened.news) this.#tell",
    },
    {
      id: "opened-of-its-own",
      promise: "P7 a prompt of another session, or one too many, is refused",
      text: "    return opened !== null;",
      instead: "    return true;",
    },
    {
      id: "fact-of-its-own",
      promise: "P7 a wrapper says nothing of another session's prompts",
      text: "if (known && known.session_id !== session) return false;",
      instead: "",
    },
    {
      id: "fact-is-told",
      promise: "P2 everybody learns the outcome",
      text: `if (prompt) this.#tell(\`prompt \${prompt.id}\`, "prompt_response", { prompt });\n    return true;`,
      instead: "return true;",
    },
    {
      id: "answers-the-open",
      promise: "P2 only what is open is answered",
      text: `prompt.stage !== "open" || prompt.digest !== given.digest`,
      instead: "prompt.digest !== given.digest",
    },
    {
      id: "answers-the-same-digest",
      promise: "P2 an answer applies to exactly what was shown",
      text: `prompt.stage !== "open" || prompt.digest !== given.digest`,
      instead: `prompt.stage !== "open"`,
      equivalent:
        "the statement that decides compares the digest once more, and what it refuses has the same outcome",
    },
    {
      id: "answers-the-reachable",
      promise: "P4 what has had no contact cannot be approved",
      text: "    this.#reach(prompt.session_id);\n",
      instead: "",
    },
    {
      id: "answers-no-suspended",
      promise: "P4 a suspended session cannot be answered",
      text: `if (this.#sessions.get(session).status !== "suspended") return;`,
      instead: "if (session) return;",
    },
    {
      id: "loser-is-told",
      promise: "P2 of two answers one is applied",
      text: "if (!result.applied) return outcome(result.prompt, given);",
      instead: "",
      equivalent:
        "nothing runs between the look at the prompt and the statement that decides: the server has one thread, and both are one synchronous call",
    },
    {
      id: "answer-is-told",
      promise: "P2 the other phones learn who won",
      text: `    this.#tell(\`prompt \${prompt.id}\`, "prompt_response", { prompt: result.prompt });\n`,
      instead: "",
    },
    {
      id: "answer-is-delivered",
      promise: "P3 an answer goes to its wrapper at once",
      text: "    this.#deliver(result.prompt);\n",
      instead: "",
    },
    {
      id: "answer-is-repeated",
      promise: "P3 an answer is said again until it arrived",
      text: "for (const prompt of this.#store.prompts.undelivered(session)) this.#deliver(prompt);",
      instead: "",
    },
    {
      id: "refused-is-audited",
      promise: "P2 every refused answer is written down",
      text: "      this.#store.audit.add(entry, this.#clock.now());\n      throw error;",
      instead: "      throw error;",
    },
    {
      id: "retry-is-the-same",
      promise: "P3 the same answer again is the same result",
      text: "if (prompt.answer_id === answer_id && prompt.digest === digest) return prompt;",
      instead: "",
    },
    {
      id: "retry-of-the-same-prompt",
      promise: "P2 an answer's id with another digest is another answer",
      text: "if (prompt.answer_id === answer_id && prompt.digest === digest) return prompt;",
      instead: "if (prompt.answer_id === answer_id) return prompt;",
    },
    {
      id: "loser-hears-who-won",
      promise: "P2 the other side is told who won",
      text: "has answered this already.`, prompt);",
      instead: "has answered this already.`);",
    },
    {
      id: "late-hears-why",
      promise: "P2 an answer after the desk is told so",
      text: `if (prompt.withdrawn_at !== null) throw new ApiError("gone", "This question is not open any more.", prompt);\n`,
      instead: "",
    },
    {
      id: "only-what-is-offered",
      promise: "P2 an answer is an option that was offered",
      text: `if (!option) throw new ApiError("invalid", "option: this prompt does not offer that");\n  return option;`,
      instead: `return option ?? { id: "approve" as Option["id"], label: "", effect: "approve" };`,
    },
    {
      id: "never-merely-the-first",
      promise: "P2 no option is taken for its place",
      text: "offered.length === 1 ? offered[0] : undefined",
      instead: "offered[0]",
    },
    {
      id: "approve-approves",
      promise: "P2 approve takes no option that rejects",
      text: `options.filter(({ effect }) => effect.startsWith("approve"));`,
      instead: "options;",
    },
    {
      id: "reject-rejects",
      promise: "P2 reject takes no option that approves",
      text: `options.filter(({ effect }) => effect === "reject");`,
      instead: "options;",
    },
    {
      id: "plain-is-not-always",
      promise: "P2 a plain approval is never an always",
      text: `effect !== "approve_always" && text !== "required";`,
      instead: `text !== "required";`,
    },
    {
      id: "plain-needs-no-text",
      promise: "P2 a plain answer is none that needs a text",
      text: `effect !== "approve_always" && text !== "required";`,
      instead: `effect !== "approve_always";`,
    },
    {
      id: "no-text-where-none-belongs",
      promise: "P2 a text goes only where one belongs",
      text: "if (text !== undefined && chosen.text === undefined)",
      instead: 'if (text === "")',
    },
    {
      id: "a-text-where-one-is-needed",
      promise: "P2 an option that needs a text has one",
      text: `if (text === undefined && chosen.text === "required")`,
      instead: `if (text === "")`,
    },
  ],
};

const CONNECTION: Guards = {
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
      promise: "P7 nothing is heard on a connection that is closing",
      text: "  close(reason: string): void {\n    this.#channel = null;",
      instead: "  close(reason: string): void {",
      equivalent: "Bun hands over no frame after close(): this is a second lock on the same door",
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

const UPLINK: Guards = {
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

const SESSIONS: Guards = {
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
      text: 'if (ended_at !== null) throw new ApiError("gone", "The session has ended.");',
      instead: "",
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

export const SERVER_GUARDS: Guards[] = [PROMPTS, CONNECTION, UPLINK, SESSIONS];
