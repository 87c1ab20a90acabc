// The guards of prompts on the server: who answered, what is refused, who is told.
import type { Guards } from "../guard.ts";
import { LINKS } from "./tests.ts";

export const PROMPTS: Guards = {
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
      text: `      this.#note({ ...wish.by, session, action: "answer refused", subject: id, detail });\n`,
      instead: "",
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
