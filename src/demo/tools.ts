// claude's tools as the demo plays them: what each dialog shows and offers, and what happens after a yes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { start } from "./child.ts";

export type Input = Record<string, unknown>;
export type Call = { id: string; name: string; input: Input };
/** A change of claude's permissions; fields that the demo does not know are passed on untouched. */
export type Update = {
  type: string;
  mode?: string;
  rules?: { toolName: string; ruleContent?: string }[];
  [field: string]: unknown;
};
/** What a hook, or a row of the dialog, says to a question. */
export type Decision =
  | { behavior: "allow"; updatedInput?: Input; updatedPermissions?: Update[] }
  | { behavior: "deny"; message?: string; interrupt?: boolean };
export type Option = { label: string; detail?: string; decision: Decision };
export type Dialog = { title: string; about: string; body: string[]; question: string; options: Option[] };
export type Place = { cwd: string; env: Record<string, string | undefined>; signal: AbortSignal };
export type Result = { text: string; failed: boolean; response: unknown };
type Shown = Omit<Dialog, "options"> & { heading: string; suggestions: Update[]; options: Option[] };
type Question = { question: string; header: string; options: { label: string; description: string }[] };

const str = (value: unknown) => String(value ?? "");
const rows = (text: unknown, sign = "") => {
  const lines = str(text).trimEnd().split("\n");
  return lines.map((line) => sign + line);
};

const YES: Option = { label: "Yes", decision: { behavior: "allow" } };
const NO: Option = { label: "No", decision: { behavior: "deny", interrupt: true } };
const ACCEPT_EDITS: Update[] = [{ type: "setMode", mode: "acceptEdits", destination: "session" }];
const rule = (toolName: string, ruleContent: string): Update[] => [
  { type: "addRules", rules: [{ toolName, ruleContent }], behavior: "allow", destination: "session" },
];
const allow = (label: string, updatedPermissions: Update[], more: object = {}): Option => ({
  label,
  decision: { behavior: "allow", updatedPermissions, ...more },
});
/** Yes, "don't ask again", no; the second is also what claude suggests to its hooks. */
const choices = (always: string, suggestions: Update[]) => ({
  options: [YES, allow(`Yes, and ${always}`, suggestions), NO],
  suggestions,
});
const editing = () => choices("accept edits for the rest of this session", ACCEPT_EDITS);

/** What is on the screen about a call: its heading above, and the dialog that asks. */
export function shown({ name, input }: Call): Shown {
  const [path, command] = [str(input.file_path), str(input.command)];
  const file = basename(path);
  const proceed = "Do you want to proceed?";
  switch (name) {
    case "Bash": {
      const about = str(input.description);
      const head = { heading: `Bash(${command})`, title: "Bash command", about, question: proceed };
      return {
        ...head,
        body: rows(command),
        ...choices(`don’t ask again for: ${command}`, rule(name, command)),
      };
    }
    case "Read": {
      const head = { heading: `Read(${path})`, title: "Read file", about: "", question: proceed };
      return { ...head, body: [path], ...choices("don’t ask again for this file", rule(name, path)) };
    }
    case "Write": {
      const question = `Do you want to create ${file}?`;
      const head = { heading: `Write(${file})`, title: "Create file", about: path, question };
      return { ...head, body: rows(input.content), ...editing() };
    }
    case "Edit": {
      const question = `Do you want to make this edit to ${file}?`;
      const body = [...rows(input.old_string, "- "), ...rows(input.new_string, "+ ")];
      return { heading: `Update(${file})`, title: "Edit file", about: path, question, body, ...editing() };
    }
    case "AskUserQuestion":
      return asking(input);
    default:
      return planning(input);
  }
}

function asking(input: Input): Shown {
  const [{ question, header, options }] = input.questions as [Question];
  const answers = options.map(({ label, description: detail }) => {
    const updatedInput = { ...input, answers: { [question]: label } };
    return { ...allow(label, [], { updatedInput }), detail };
  });
  const all = [...answers, { ...NO, label: "Chat about this" }];
  return {
    heading: "Asking",
    title: `☐ ${header}`,
    about: "",
    body: [],
    question,
    options: all,
    suggestions: [],
  };
}

const planning = (input: Input): Shown => ({
  heading: "Plan",
  title: "Ready to code?",
  about: "Here is the plan:",
  body: rows(input.plan),
  question: "Would you like to proceed?",
  options: [
    allow("Yes, and accept edits", ACCEPT_EDITS, { updatedInput: input }),
    allow("Yes, manually approve edits", [], { updatedInput: input }),
    { ...NO, label: "No, keep planning" },
  ],
  suggestions: [],
});

/** Carries a call out. Throws the system's error. */
export async function carryOut(name: string, input: Input, place: Place): Promise<Result> {
  const path = str(input.file_path);
  switch (name) {
    case "Bash":
      return bash(str(input.command), place);
    case "Read": {
      const content = readFileSync(path, "utf8");
      return done(content, { type: "text", file: { filePath: path, content } });
    }
    case "Write":
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, str(input.content));
      return done(`File created successfully at: ${path}`, { type: "create", filePath: path });
    case "Edit": {
      const [before, old] = [readFileSync(path, "utf8"), str(input.old_string)];
      if (!before.includes(old)) return failure(`String to replace not found in file.\nString: ${old}`);
      writeFileSync(
        path,
        before.replace(old, () => str(input.new_string)),
      );
      return done(`The file ${path} has been updated successfully.`, {
        filePath: path,
        originalFile: before,
      });
    }
    case "AskUserQuestion": {
      const said = Object.entries(Object(input.answers)).map(
        ([question, answer]) => `"${question}"="${answer}"`,
      );
      return done(`User has answered your questions: ${said.join(", ")}.`, input);
    }
    default:
      return done("User has approved your plan. You can now start coding.", { plan: input.plan });
  }
}

const done = (text: string, response: unknown): Result => ({ text, failed: false, response });
export const failure = (text: string): Result => ({ text, failed: true, response: `Error: ${text}` });

async function bash(command: string, { cwd, env, signal }: Place): Promise<Result> {
  const child = start(["sh", "-c", `exec 2>&1\n${command}`], { cwd, env });
  signal.addEventListener("abort", child.kill);
  const { text, code } = await child.ended;
  signal.removeEventListener("abort", child.kill);
  const stdout = text.trimEnd();
  if (code !== 0) return failure(`Exit code ${code}${stdout && `\n${stdout}`}`);
  return done(stdout || "(Bash completed with no output)", { stdout, stderr: "", interrupted: false });
}
