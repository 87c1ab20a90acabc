// What the "model" does: directives in the user's own prompt, the newcomer's short story, and words for anything else.
import { resolve } from "node:path";
import type { Input } from "./tools.ts";

/** How the last tool of a turn ended. */
export type Outcome = { text: string; denied: boolean };
export type Step =
  | { type: "say"; text: string | ((last: Outcome | null) => string) }
  | { type: "wait"; ms: number }
  | { type: "tool"; name: string; input: Input }
  | { type: "exit"; code: number };
/** `parallel`: every tool at once, as claude does with several calls in one message. */
export type Plan = { steps: Step[]; parallel: boolean };

const WORDS = /^\s*(RUN|READ|WRITE|EDIT|SAY|TEXT|SLOW|ASK|PLAN|MULTI|EXIT)(?::\s*|\s+|$)(.*)$/s;
/** Answers of a hundred thousand lines are enough to test a log with. */
const MAX_LINES = 100_000;

const say = (text: string | ((last: Outcome | null) => string)): Step => ({ type: "say", text });
const tool = (name: string, input: Input): Step => ({ type: "tool", name, input });

const NEXT = `Try, here or from your phone:
  RUN: ls -l  I ask first; deny it with a message, and it reaches me word for word
  ASK  a question with choices
  PLAN  a plan to approve
/exit ends the demo.`;
/** After Esc or a plain No. */
export const STOPPED = "That stopped the turn, as it would in claude. To be asked again, type RUN: npm test";

/** The steps that a prompt asks for: directives joined by " ;; " or one a line, else a word on what to try. */
export function planFor(prompt: string, cwd: string): Plan {
  const found = prompt.split(/\s;;\s|\n/).flatMap((piece) => {
    const [, word, argument = ""] = WORDS.exec(piece) ?? [];
    return word ? [{ word, argument: argument.trim() }] : [];
  });
  if (found.length === 0)
    return { steps: [say(`This is the demo: no model reads what you type.\n\n${NEXT}`)], parallel: false };
  const steps = found.flatMap(({ word, argument }) => stepsFor(word, argument, cwd));
  return { steps, parallel: found.some(({ word }) => word === "MULTI") };
}

function stepsFor(word: string, argument: string, cwd: string): Step[] {
  const path = (text = "") => resolve(cwd, text.trim());
  switch (word) {
    case "RUN":
      return [say("Running it."), tool("Bash", { command: argument, description: "Run a command" })];
    case "READ":
      return [tool("Read", { file_path: path(argument) })];
    case "WRITE": {
      const [name, ...text] = argument.split(/\s+/);
      return [tool("Write", { file_path: path(name), content: `${text.join(" ")}\n` })];
    }
    case "EDIT": {
      const [name, old_string = "", new_string = ""] = argument.split("|");
      return [tool("Edit", { file_path: path(name), old_string, new_string, replace_all: false })];
    }
    case "TEXT": {
      const length = Math.min(Number(argument) || 10, MAX_LINES);
      return [say(Array.from({ length }, (_, at) => `line ${at + 1} of the answer`).join("\n"))];
    }
    case "SLOW":
      return [{ type: "wait", ms: Number(argument) || 1_000 }];
    case "ASK":
      return [tool("AskUserQuestion", { questions: [QUESTION] })];
    case "PLAN":
      return [tool("ExitPlanMode", { plan: argument || PLAN })];
    case "EXIT":
      return [{ type: "exit", code: Number(argument) || 0 }];
    case "SAY":
      return [say(argument)];
    default:
      return [];
  }
}

const PLAN = "# The plan\n\n1. Create `a.txt`\n2. Run the tests\n3. Report back\n";
const QUESTION = {
  question: "Which color should the button be?",
  header: "Color",
  multiSelect: false,
  options: [
    { label: "Red", description: "A warm color" },
    { label: "Blue", description: "A cool color" },
    { label: "Green", description: "A calm color" },
  ],
};

/** The file that the story would change. */
export const STORY_FILE = "export const greet = (name: string) => `Hello`;\n";
export const STORY_PROMPT = "Show me how this works";

/** What a newcomer sees first; `path` holds STORY_FILE. */
export function story(path: string): Plan {
  const [old_string, new_string] = ["`Hello`", `\`Hello, \${name}\``];
  const steps: Step[] = [
    say(
      "First I want to run the tests. Where I need a yes, the question stands here and on your phone at once: " +
        "whoever answers first decides.",
    ),
    { type: "wait", ms: 1_200 },
    tool("Bash", { command: "npm test", description: "Run the tests" }),
    say((last) =>
      last?.denied
        ? `You said: “${last.text}” So the tests are left alone. Next, a change to a file.`
        : "Say one test failed: the greeting forgets the name. I would change one line.",
    ),
    { type: "wait", ms: 1_200 },
    tool("Edit", { file_path: path, old_string, new_string, replace_all: false }),
    say(
      (last) =>
        `${last?.denied ? `You said: “${last.text}” ` : ""}That was the story; now it is your turn.\n\n${NEXT}`,
    ),
  ];
  return { steps, parallel: false };
}
