// The guards of the hooks: no answer is no decision, one answer is one decision, and it says what was answered.
import type { Guards } from "./guard.ts";

const tests = ["src/hook.test.ts", "src/wrapper/hooks.test.ts"];

export const HOOK_GUARDS: Guards[] = [
  {
    file: "src/hook.ts",
    tests,
    outside: true,
    guards: [
      {
        id: "no-wrapper-no-decision",
        promise: "P2 without a wrapper claude's own dialog stays",
        text: "error: over, connectError: over };",
        instead: `error: over, connectError: () => (print(Buffer.from('{"decision":"allow"}')), over()) };`,
      },
      {
        id: "nobody-there-is-no-error",
        promise: "P1 a wrapper that is gone is no error of claude's",
        text: ".catch(over);",
        instead: ";",
      },
      {
        id: "hangs-up-with-the-wrapper",
        promise: "P1 a wrapper that hangs up lets claude go on",
        text: "end: over, close: over,",
        instead: "end() {}, close() {},",
        equivalent:
          "with the socket closed nothing is left that could keep the program waiting: it ends by itself, with 0",
      },
      {
        id: "sends-everything",
        promise: "P2 the whole input arrives",
        text: "drain: send,",
        instead: "drain() {},",
      },
      {
        id: "says-the-length",
        promise: "P2 the input's end is known",
        text: "length.writeUInt32BE(input.length);",
        instead: "length.writeUInt32BE(input.length + 1);",
      },
      {
        id: "prints-the-answer",
        promise: "P3 the answer reaches claude",
        text: "data: (_, answer) => print(answer)",
        instead: "data() {}",
      },
      {
        id: "outside-claude-nothing",
        promise: "P1 without claude's folder it does nothing",
        text: "!folder) return 0;",
        instead: "!folder) return 2;",
      },
    ],
  },
  {
    file: "src/wrapper/hooks.ts",
    tests,
    outside: true,
    guards: [
      {
        id: "replies-once",
        promise: "P2 a hook is answered at most once",
        text: "      if (replied) return;\n",
        instead: "",
      },
      {
        id: "notices-the-end",
        promise: "P2 claude letting go of a hook is noticed",
        text: "if (!replied) for (const listener of gone.splice(0)) listener();",
        instead: "",
      },
      {
        id: "answered-is-not-gone",
        promise: "P2 a hook that was answered was not let go of",
        text: "if (!replied) for (const listener of gone.splice(0)) listener();",
        instead: "for (const listener of gone.splice(0)) listener();",
      },
      {
        id: "nonsense-is-no-decision",
        promise: "P2 nonsense is no question",
        text: "else socket.destroy();\n    });\n  }",
        instead: 'else reply({ decision: "allow" });\n    });\n  }',
      },
      {
        id: "no-decision-is-silence",
        promise: "P2 no decision prints nothing",
        text: `socket.end(output ? JSON.stringify(output) : "");`,
        instead: "socket.end(JSON.stringify(output));",
      },
      {
        id: "ends-let-go",
        promise: "P1 the end of the wrapper lets every hook go",
        text: "for (const socket of this.#sockets) socket.destroy();",
        instead: "",
      },
      {
        id: "waits-for-everything",
        promise: "P2 an input counts when it is whole",
        text: "    if (size < wanted) return;\n    socket.removeAllListeners",
        instead: "    socket.removeAllListeners",
      },
      {
        id: "private-socket",
        promise: "P7 nobody else speaks to the socket",
        text: "    chmodSync(path, 0o600);\n",
        instead: "    chmodSync(path, 0o666);\n",
      },
      {
        id: "private-folder",
        promise: "P7 nobody else reaches the folder",
        text: `mkdirSync(join(folder, ".claude-plugin"), { recursive: true, mode: 0o700 });`,
        instead: `mkdirSync(join(folder, ".claude-plugin"), { recursive: true, mode: 0o755 });`,
      },
      {
        id: "bounded-waiting",
        promise: "P6 so many hooks may wait, not more",
        text: "if (this.#sockets.size >= MAX_WAITING) return void socket.destroy();",
        instead: "",
      },
      {
        id: "bounded-input",
        promise: "P6 an input has a limit",
        text: "if (wanted > MAX_HOOK_BYTES) return void socket.destroy();",
        instead: "",
      },
    ],
  },
  {
    file: "src/wrapper/claude-hooks.ts",
    tests: ["src/wrapper/claude-hooks.test.ts", "src/wrapper/prompts.test.ts", "src/hook.test.ts"],
    guards: [
      {
        id: "a-no-is-a-no",
        promise: "P2 a rejection denies",
        text: `answer.option === "reject" ? denial(answer)`,
        instead: `answer.text !== undefined ? denial(answer)`,
      },
      {
        id: "a-plain-yes-changes-no-rule",
        promise: "P2 a plain approval allows this call only",
        text: `  if (!answer.option.startsWith("always-")) return { behavior: "allow" };\n`,
        instead: "",
      },
      {
        id: "says-why-not",
        promise: "P2 a rejection carries its message",
        text: "message: answer.text?.trim() ? answer.text :",
        instead: "message:",
      },
      {
        id: "answers-the-question",
        promise: "P2 a question gets the answers that were tapped",
        text: "answers: answer.answers ?? {}",
        instead: "answers: {}",
      },
      {
        id: "plans-by-their-mode",
        promise: "P2 a plan goes on in the mode that was tapped",
        text: `answer.option.startsWith("mode-") ? answer.option.slice(5) : "default"`,
        instead: `"default"`,
      },
      {
        id: "reads-no-nonsense",
        promise: "P2 what we did not ask for is not read",
        text: "return parsed.success ? parsed.output : null;",
        instead: "return parsed.output as HookInput;",
      },
      {
        id: "always-only-where-offered",
        promise: "P2 what claude does not offer is not offered",
        text: "if (!scope) return [approve, reject];",
        instead: "",
      },
      {
        id: "waits-for-a-day",
        promise: "P3 a prompt may stay open for a day",
        text: "timeout: DAY_S",
        instead: "timeout: 60",
      },
      {
        id: "watched-hold-nobody-up",
        promise: "P1 watched events hold claude up for nothing",
        text: "async: true",
        instead: "async: false",
      },
    ],
  },
  {
    file: "src/wrapper/hook-prompt.ts",
    tests: ["src/wrapper/prompts.test.ts", "src/wrapper/calls.test.ts", "src/wrapper/claude-hooks.test.ts"],
    guards: [
      {
        id: "digest-names-the-prompt",
        promise: "P2 twins have two digests",
        text: "digestOf({ prompt: id,",
        instead: `digestOf({ prompt: "" as PromptId,`,
      },
      {
        id: "digest-covers-the-input",
        promise: "P2 the digest covers what is shown",
        text: "tool, input, options: options.map",
        instead: "tool, input: {}, options: options.map",
      },
      {
        id: "digest-covers-the-options",
        promise: "P2 the digest covers what is offered",
        text: "options: options.map((option) => option.id) });",
        instead: "options: [] });",
      },
      {
        id: "digest-covers-the-scope",
        promise: "P2 what always-allow would allow is in its id",
        text: ".update(JSON.stringify(request.permission_suggestions))",
        instead: `.update("")`,
      },
    ],
  },
];
