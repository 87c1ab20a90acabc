// What claude asks the Messages API for, read as far as tests care: whose words, which turn, what the tools gave back.

type Part = {
  type: string;
  text?: string;
  tool_use_id?: string;
  content?: string | Part[];
  is_error?: boolean;
};
type Message = { role: string; content: string | Part[] };
/** The body of a request for a message. */
export type MessagesBody = {
  model: string;
  messages: Message[];
  system?: unknown;
  tools?: { name: string }[];
  /** In auto mode: the judgements that claude wants with the answer. */
  safeguards?: unknown[];
  stream?: boolean;
};

/** What a tool gave back, or the words of whoever rejected it (then `isError`). */
export type ToolResult = { id: string; text: string; isError: boolean };
/**
 * One request for a message. `prompt` is the user's newest text and `step` how many turns of the model followed it;
 * `results` is what came back for the tool calls of the last turn. `tools` is empty in side requests (a session's title).
 */
export type MessagesRequest = {
  prompt: string;
  step: number;
  tools: string[];
  results: ToolResult[];
  body: MessagesBody;
};

const partsOf = (content: string | Part[]): Part[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

/** The user's own words in a message, or "": claude adds reminders and notes of its own. */
function wordsOf(message: Message): string {
  const own = partsOf(message.content)
    .map((part) => (part.type === "text" ? (part.text ?? "") : ""))
    .map((words) => words.replace(/<system-reminder>[\s\S]*?<\/system-reminder>/g, ""))
    .map((words) => words.replace(/<\/?pasted_content[^>]*>/g, "").trim())
    .filter((words) => words && !/^(\[Request interrupted|<local-command|<command-)/.test(words));
  return own.at(-1) ?? "";
}

function resultsOf(message: Message): ToolResult[] {
  return partsOf(message.content)
    .filter((part) => part.type === "tool_result")
    .map((part) => ({
      id: part.tool_use_id ?? "",
      text: partsOf(part.content ?? "")
        .map((piece) => piece.text ?? `[${piece.type}]`)
        .join(""),
      isError: part.is_error ?? false,
    }));
}

/** Reads the body of a request. */
export function requestIn(body: MessagesBody): MessagesRequest {
  const { messages } = body;
  const asked = messages.findLastIndex((message) => message.role === "user" && wordsOf(message) !== "");
  const answered = messages.findLastIndex((message) => message.role === "assistant");
  const prompt = messages[asked];
  return {
    prompt: prompt ? wordsOf(prompt) : "",
    step: messages.slice(asked + 1).filter((message) => message.role === "assistant").length,
    tools: (body.tools ?? []).map(({ name }) => name),
    results: messages.slice(answered + 1).flatMap(resultsOf),
    body,
  };
}
