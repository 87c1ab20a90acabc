// The guards of the wrapper: whether a question still stands, who decided, what the server has not acknowledged.
import type { Guards } from "./guard.ts";

/** The life of prompts is tested as a whole: these see what any part of it does. */
const TESTS = [
  "src/wrapper/prompts.test.ts",
  "src/wrapper/dialogs/answer-by-keys.test.ts",
  "src/wrapper/dialogs/screen-prompts.test.ts",
];

const PROMPTS: Guards = {
  file: "src/wrapper/prompts.ts",
  tests: TESTS,
  guards: [
    {
      id: "ends-once",
      promise: "P2 a prompt has one end",
      text: "    if (one.ended) return;\n    one.ended = true;",
      instead: "    one.ended = true;",
    },
    {
      id: "end-releases-hook",
      promise: "P1 a hook that lost is let go",
      text: "    one.decide(null);\n    forget();",
      instead: "    forget();",
    },
    {
      id: "end-told",
      promise: "P2 everybody learns that the desk decided",
      text: `if (!one.answer) one.facts.say({ type: "withdrawn", prompt, by, chosen });`,
      instead: 'if (!one.answer) tell({ type: "withdrawn", prompt, by: "unknown", chosen: null });',
    },
    {
      id: "unseen-only-unwaited",
      promise: "P2 a question that claude waited on was seen",
      text: "telling && !waits && !one.waitedOn && age(one) > UNSEEN_MS",
      instead: "telling && !waits && age(one) > UNSEEN_MS",
      equivalent:
        "what claude waited on ends as soon as it waits no more, or has its answer: no such question is ever asked about",
    },
    {
      id: "unseen-only-told",
      promise: "P2 of a claude that tells no state nothing is doubtful",
      text: "telling && !waits && !one.waitedOn && age(one) > UNSEEN_MS",
      instead: "!waits && !one.waitedOn && age(one) > UNSEEN_MS",
    },
    {
      id: "unseen-only-after-a-while",
      promise: "P2 a quick answer is accepted",
      text: "!one.waitedOn && age(one) > UNSEEN_MS",
      instead: "!one.waitedOn",
    },
    {
      id: "gone-by-evidence",
      promise: "P2 what the transcript said before we were asked names who decided",
      text: `if (one.evidence) end(one, one.evidence.byHook ? "unknown" : "desk", one.evidence.chosen);\n    else if`,
      instead: "if",
    },
    {
      id: "gone-only-by-handed-answer",
      promise: "P2 an answer that no key has carried yet was not accepted",
      text: "else if (!one.answer?.handed)",
      instead: "else if (!one.answer)",
    },
    {
      id: "gone-waits-for-evidence",
      promise: "P2 a contested end waits for evidence",
      text: "else one.contest ??= setTimeout(() => end(one, deciderWithoutEvidence(one), null), EVIDENCE_MS);",
      instead: "else end(one, deciderWithoutEvidence(one), null);",
    },
    {
      id: "evidence-ends",
      promise: "P2 a contested answer gets an end also without evidence",
      text: "else one.contest ??= setTimeout(() => end(one, deciderWithoutEvidence(one), null), EVIDENCE_MS);",
      instead: "",
    },
    {
      id: "completes-once",
      promise: "P2 late evidence changes no end that is known",
      text: `if (!fact || one.chosen || (fact.by !== by && fact.by !== "unknown")) return;`,
      instead: "if (!fact) return;",
    },
    {
      id: "completes-the-unknown",
      promise: "P2 the desk's choice is told as soon as it is known",
      text: `if (!fact || one.chosen || (fact.by !== by && fact.by !== "unknown")) return;`,
      instead: "return;",
    },
    {
      id: "keeps-unacknowledged",
      promise: "P5 what the server has not acknowledged is not forgotten",
      text: "ended.filter((one) => one.facts.unacked().length === 0);",
      instead: "ended;",
    },
    {
      id: "late-hook",
      promise: "P4 a question that asks after its call has ended does not stand",
      text: "    if (entry.evidence) setTimeout(() => late(entry), LATE_HOOK_MS);\n",
      instead: "",
    },
    {
      id: "late-hook-of-another-call",
      promise: "P4 a call that has ended was another's if one that has not comes soon",
      text: "if (join(one, false)) overtake(one);\n    else gone(one, null);",
      instead: "gone(one, null);",
    },
    {
      id: "late-hook-ends-nothing",
      promise: "P4 a question that asks after its call has ended ends none that was asked since",
      text: "const over = entry.evidence !== null || (",
      instead: "const over = (",
    },
    {
      id: "hook-of-an-ended-turn",
      promise: "P4 a question of a turn that has ended ends none of the next turn",
      text: "(stoppedAt !== undefined && entry.prompt.agent === null);",
      instead: "false;",
    },
    {
      id: "late-hook-was-a-new-one",
      promise: "P4 a question that proves to be a new one ends those before it",
      text: "      if (anew) overtake(anew); // It has not ended, so it is the newest.\n",
      instead: "",
    },
    {
      id: "late-hook-of-an-earlier-call",
      promise: "P2 of the calls that have not ended a question is about the first",
      text: "asked?.evidence ? join(asked, false) : false;",
      instead: "false;",
    },
    {
      id: "never-stood",
      promise: "P4 a question that claude never waits on does not stand",
      text: "    if (born.request) setTimeout(() => neverStood(entry), NEVER_WAITED_MS);\n",
      instead: "",
    },
    {
      id: "never-stood-without-its-word",
      promise: "P4 of a claude that tells no state every question stands",
      text: "if (telling && !waits && !one.waitedOn && !one.answer) gone(one, null);",
      instead: "if (!waits && !one.waitedOn && !one.answer) gone(one, null);",
    },
    {
      id: "never-stood-though-waited-on",
      promise: "P4 a question that claude waits on stands for as long as it does",
      text: "if (telling && !waits && !one.waitedOn && !one.answer) gone(one, null);",
      instead: "if (telling && !one.answer) gone(one, null);",
    },
    {
      id: "agent-has-stopped",
      promise: "P4 a question that asks after its agent has stopped does not stand",
      text: "if (entry.late) setTimeout(() => outlived(entry), LATE_HOOK_MS);",
      instead: "",
    },
    {
      id: "agent-on-the-screen",
      promise: "P4 what stands on the screen stands",
      text: "if (one.ended || !one.request || screen.standsFor(one.request)) return;",
      instead: "if (one.ended) return;",
    },
    {
      id: "agent-answer-unbelieved",
      promise: "P2 an answer to a question whose agent has stopped is accepted by evidence only",
      text: "unseen: one.late || unseen(one)",
      instead: "unseen: unseen(one)",
    },
    {
      id: "released-while-waiting",
      promise: "P2 a hook that ends while claude asks blames nobody",
      text: `else if (waits) end(one, "unknown", null);`,
      instead: "",
    },
    {
      id: "released-is-esc",
      promise: "P2 a hook that claude let go of was refused at the desk",
      text: `gone(one, one.call === null ? "rejected" : null);`,
      instead: "gone(one, null);",
    },
    {
      id: "released-and-read",
      promise: "P2 what the transcript will tell is not guessed",
      text: `gone(one, one.call === null ? "rejected" : null);`,
      instead: `gone(one, "rejected");`,
    },
    {
      id: "released-by-keys",
      promise: "P3 a question whose hook died is answered by keys",
      text: "const dialog = waits && !one.answer && one.request ? screen.standsFor(one.request) : null;",
      instead: "const dialog = null as Dialog | null;",
    },
    {
      id: "next-ends-the-one-before",
      promise: "P4 the next question of an agent ends the one before",
      text: "if (!over) follows(entry);",
      instead: "",
    },
    {
      id: "next-of-the-same-agent",
      promise: "P4 another agent's question ends nothing",
      text: "if (one.request && before && inTurn && one.prompt.agent === next.prompt.agent) gone(one, null);",
      instead: "if (one.request && before && inTurn) gone(one, null);",
    },
    {
      id: "next-of-parallel-tools",
      promise: "P4 calls that claude makes side by side end nothing",
      text: "asksInTurn(one.prompt.tool) && asksInTurn(next.prompt.tool);",
      instead: "true;",
    },
    {
      id: "left-only-once",
      promise: "P4 a dialog that left the screen ends its prompt",
      text: "if (one && !one.ended) gone(one, null);",
      instead: "",
    },
    {
      id: "missed-is-nobodys",
      promise: "P2 a dialog that was gone before the key was decided by nobody we know",
      text: `if (one && !one.ended && one.answer?.id === answer_id) end(one, "unknown", null);`,
      instead: "",
    },
    {
      id: "pressed-is-delivered",
      promise: "P3 delivered is said when the key is pressed",
      text: `      one.facts.say({ type: "delivered", prompt: id, answer_id });\n`,
      instead: "",
    },
    {
      id: "not-applied-is-open",
      promise: "P3 an answer that could not be given leaves the question open",
      text: "      one.answer = null;\n",
      instead: "",
    },
    {
      id: "not-applied-forgets-delivered",
      promise: "P3 what was not given is not said to be delivered",
      text: `      one.facts.takeBack("delivered");\n`,
      instead: "",
    },
    {
      id: "released-takes-no-answer",
      promise: "P2 an answer that would not arrive is not taken",
      text: "      one.released = true;\n",
      instead: "",
    },
    {
      id: "exit-follows",
      promise: "P2 claude's own exit is not the desk's no",
      text: "setTimeout(() => released(one), EXIT_FOLLOWS_MS);",
      instead: "released(one);",
    },
    {
      id: "released-ends",
      promise: "P4 Esc at the desk ends the question",
      text: "setTimeout(() => released(one), EXIT_FOLLOWS_MS);",
      instead: "",
    },
    {
      id: "keys-are-noted",
      promise: "P2 a key at the desk makes a race",
      text: "touchedAt = performance.now();",
      instead: "",
    },
    {
      id: "calls-by-name",
      promise: "P2 evidence is about the call it names",
      text: "[...held.values()].find((asked) => asked.call === call);",
      instead: "[...held.values()].find((asked) => asked.call !== null);",
    },
    {
      id: "evidence-ends-at-once",
      promise: "P4 a call that has its result is not asked about any more",
      text: "else end(one, by, how.chosen);",
      instead: "",
    },
    {
      id: "turn-ends-its-own",
      promise: "P4 the end of a turn ends its own questions only",
      text: "one.request?.prompt_id === turn && one.prompt.agent === agent;",
      instead: "one.prompt.agent === agent;",
    },
    {
      id: "turn-ends-its-agents",
      promise: "P4 the end of one agent's turn ends no other's questions",
      text: "one.request?.prompt_id === turn && one.prompt.agent === agent;",
      instead: "one.request?.prompt_id === turn;",
    },
    {
      id: "turn-ends",
      promise: "P4 what a turn asked ends with it",
      text: "if (turn !== undefined && its(one)) gone(one, null);",
      instead: "{}",
    },
    {
      id: "waits-no-more",
      promise: "P4 what claude does not wait on any more has ended",
      text: "else if (one.waitedOn || settled(one) || (one.request && age(one) >= NEVER_WAITED_MS))",
      instead: "else if (settled(one))",
    },
    {
      id: "waits-not-yet",
      promise: "P4 a question that claude has not come round to stands",
      text: "else if (one.waitedOn || settled(one) || (one.request && age(one) >= NEVER_WAITED_MS))",
      instead: "else",
    },
    {
      id: "exit-not-desk",
      promise: "P2 a question that did not stand when claude exited was closed at the desk",
      text: "if (one.evidence || (!one.answer && unseen(one))) gone(one, null);\n        else end",
      instead: "end",
    },
    {
      id: "exit-after-evidence",
      promise: "P2 what the transcript said is known when claude exits",
      text: "if (one.evidence || (!one.answer && unseen(one))) gone(one, null);",
      instead: "if (!one.answer && unseen(one)) gone(one, null);",
    },
    {
      id: "exit-after-a-key",
      promise: "P2 which of several questions a key decided nobody knows",
      text: `end(one, one.answer || one.touched ? "unknown" : "exited", null);`,
      instead: `end(one, one.answer ? "unknown" : "exited", null);`,
    },
    {
      id: "contested-from-the-first",
      promise: "P2 a key just before a question was told of may have been for it",
      text: "    if (mayBeFor(entry, touchedAt)) touchedAll();\n",
      instead: "",
    },
    {
      id: "contested-only-among-several",
      promise: "P2 a key makes one question that stands alone no more doubtful than before",
      text: "    if (all.length > 1)\n",
      instead: "",
    },
    {
      id: "exit-after-answer",
      promise: "P2 whether claude took an answer just before its exit nobody knows",
      text: `end(one, one.answer || one.touched ? "unknown" : "exited", null);`,
      instead: `end(one, "exited", null);`,
    },
    {
      id: "answer-to-the-unknown",
      promise: "P3 an answer to a prompt that nobody knows gets an end",
      text: `if (!one) return tell({ type: "too_late", prompt, by: "unknown", chosen: null });`,
      instead: "if (!one) return;",
    },
    {
      id: "answer-repeated",
      promise: "P3 the same answer again hears again that it was delivered",
      text: "if (one.answer?.id === answer_id) return one.facts.repeat();",
      instead: "if (one.answer?.id === answer_id) return;",
    },
    {
      id: "answer-once",
      promise: "P2 an answer is applied at most once",
      text: "if (one.answer?.id === answer_id) return one.facts.repeat();",
      instead: "if (one.answer?.id === answer_id) one.answer = null;",
    },
    {
      id: "answer-after-the-end",
      promise: "P3 an answer that comes too late is told so",
      text: "if (one.ended) return tooLate(one);",
      instead: "if (one.ended) return;",
    },
    {
      id: "answer-only-to-the-open",
      promise: "P2 nothing is handed over for a prompt that has ended",
      text: "      if (one.ended) return tooLate(one);\n",
      instead: "",
    },
    {
      id: "answer-first-wins",
      promise: "P2 the first answer wins",
      text: "if (one.answer || one.released || suspended",
      instead: "if (one.released || suspended",
    },
    {
      id: "answer-not-released",
      promise: "P2 nothing is handed to a hook that claude let go of",
      text: "if (one.answer || one.released || suspended",
      instead: "if (one.answer || suspended",
    },
    {
      id: "answer-not-suspended",
      promise: "P4 a suspended session takes no answer",
      text: "if (one.answer || one.released || suspended",
      instead: "if (one.answer || one.released",
    },
    {
      id: "answer-same-digest",
      promise: "P2 an answer applies to exactly what was shown",
      text: "digest !== one.prompt.digest ||",
      instead: "",
    },
    {
      id: "answer-offered-option",
      promise: "P2 an answer is an option that was offered",
      text: "|| !offered) return;",
      instead: ") return;",
    },
    {
      id: "answer-delivered",
      promise: "P3 delivered is said when the hook has the answer",
      text: '      one.facts.say({ type: "delivered", prompt, answer_id });\n',
      instead: "",
    },
    {
      id: "answer-settles",
      promise: "P3 an answer that claude never waited on is accepted after a moment",
      text: "      setTimeout(() => !waits && gone(one, null), SETTLE_MS);\n",
      instead: "",
    },
    {
      id: "answer-settles-unless-it-waits",
      promise: "P3 accepted is said when the dialog is gone, not before",
      text: "setTimeout(() => !waits && gone(one, null), SETTLE_MS);",
      instead: "setTimeout(() => gone(one, null), SETTLE_MS);",
    },
    {
      id: "restates-the-open",
      promise: "P4 what is open is said again after a reconnect",
      text: "      for (const one of open()) tell(told(one));\n",
      instead: "",
    },
  ],
};

const DECIDER: Guards = {
  file: "src/wrapper/decider.ts",
  tests: TESTS,
  guards: [
    {
      id: "contested-by-keys",
      promise: "P2 an answer is accepted only if no key at the desk may have been first",
      text: "touchedAt >= Math.max(answer.at - (dialog ? SEEN_MS : CONTESTED_MS), openedAt - DRAWN_MS)",
      instead: "false",
    },
    {
      id: "contested-only-by-late-keys",
      promise: "P2 a key from before the question makes nothing doubtful",
      text: "openedAt - DRAWN_MS));",
      instead: "Number.NEGATIVE_INFINITY));",
    },
    {
      id: "contested-by-recent-keys",
      promise: "P2 a key long before the answer makes nothing doubtful",
      text: "answer.at - (dialog ? SEEN_MS : CONTESTED_MS)",
      instead: "Number.NEGATIVE_INFINITY",
    },
    {
      id: "contested-when-unseen",
      promise: "P2 an answer to a question that nobody saw stand is accepted by evidence only",
      text: "(answer.unseen ||",
      instead: "(false ||",
    },
    {
      id: "no-evidence-of-subagents",
      promise: "P2 of a call nobody reads about nobody is named",
      text: `one.call !== null && one.answer?.chosen === "approved";`,
      instead: `one.answer?.chosen === "approved";`,
    },
    {
      id: "no-evidence-of-a-no",
      promise: "P2 a contested no that no record shows is nobody's",
      text: `one.call !== null && one.answer?.chosen === "approved";`,
      instead: "one.call !== null;",
    },
    {
      id: "hook-decided-as-we-did",
      promise: "P2 another hook's decision is not the phone's",
      text: `if (byHook) return one.answer?.chosen === chosen ? "viewer" : "unknown";`,
      instead: `if (byHook) return "viewer";`,
    },
    {
      id: "desk-decided-when-contested",
      promise: "P2 where both acted and no hook decided, the desk did",
      text: `return one.answer && !contested(one, touchedAt) ? "viewer" : "desk";`,
      instead: `return one.answer ? "viewer" : "desk";`,
    },
    {
      id: "contested-among-several",
      promise: "P2 a key while several questions are open may have decided each of them",
      text: "    touched ||\n",
      instead: "",
    },
  ],
};

const CALLS: Guards = {
  file: "src/wrapper/calls.ts",
  tests: TESTS,
  guards: [
    {
      id: "joins-recent-ends",
      promise: "P4 a call that ended long ago is another one",
      text: "(!ended || one.openedAt - ended.at <= LATE_HOOK_MS) &&",
      instead: "",
    },
    {
      id: "joins-one-call",
      promise: "P2 of twins each has a call of its own",
      text: "(one.call === null || (one.evidence !== null && !one.ended)) &&",
      instead: "",
    },
    {
      id: "joins-no-agents",
      promise: "P2 the main conversation's calls say nothing of a subagent's question",
      text: "  one.prompt.agent === null &&\n",
      instead: "",
    },
    {
      id: "joins-same-tool",
      promise: "P2 evidence is about a call of the same tool",
      text: "  one.prompt.tool === tool &&\n",
      instead: "",
    },
    {
      id: "joins-in-time",
      promise: "P2 a call much later is another one",
      text: "performance.now() - one.openedAt <= CALLED_WITHIN_MS &&",
      instead: "",
    },
    {
      id: "joins-same-input",
      promise: "P2 evidence is about the very input",
      text: "  covers(one.request, input);",
      instead: "  true;",
    },
    {
      id: "evidence-before-the-hook",
      promise: "P4 evidence from before the hook is kept",
      text: "if (early) known.set(name, { ...early, end: { ...how, at: performance.now() } });",
      instead: "",
    },
  ],
};

const FACTS: Guards = {
  file: "src/wrapper/facts.ts",
  tests: TESTS,
  guards: [
    {
      id: "acked-the-last",
      promise: "P5 the acknowledgement of an earlier word is none of a later one",
      text: "unacked = unacked.filter(({ due }) => due > 0);",
      instead: "unacked = unacked.filter(({ fact: known }) => known.type !== type);",
    },
    {
      id: "acked-counted",
      promise: "P5 each word waits for its own acknowledgement",
      text: "due: (before?.due ?? 0) + 1 }",
      instead: "due: 1 }",
    },
    {
      id: "acked-forgotten",
      promise: "P6 what is acknowledged is not said again",
      text: "unacked = unacked.filter(({ due }) => due > 0);",
      instead: "",
    },
    {
      id: "restates-facts",
      promise: "P5 what was not acknowledged is said again after a reconnect",
      text: "for (const known of unacked) known.due = 0;\n      repeat();",
      instead: "for (const known of unacked) known.due = 0;",
    },
    {
      id: "restates-counts-anew",
      promise: "P5 acknowledgements of the connection before are not waited for",
      text: "for (const known of unacked) known.due = 0;\n      repeat();",
      instead: "repeat();",
    },
  ],
};

const HELD: Guards = {
  file: "src/wrapper/held-prompt.ts",
  tests: TESTS,
  guards: [
    {
      id: "settled-only-if-handed",
      promise: "P3 an answer by keys is not accepted before its key",
      text: "answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;",
      instead: "answer !== null && performance.now() - answer.at >= SETTLE_MS;",
    },
    {
      id: "settled-after-a-while",
      promise: "P3 accepted is not said of an answer that claude has not read yet",
      text: "answer?.handed === true && performance.now() - answer.at >= SETTLE_MS;",
      instead: "answer?.handed === true;",
    },
  ],
};

const LINK: Guards = {
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

export const WRAPPER_GUARDS: Guards[] = [PROMPTS, DECIDER, CALLS, FACTS, HELD, LINK];
