// A small MCP server on stdin and stdout for tests: `echo` gives its text back, `ask` asks the user by a form.
import { createInterface } from "node:readline";

type Message = {
  id?: number | string;
  method?: string;
  params?: { name?: string; arguments?: object; protocolVersion?: string };
  result?: unknown;
};

const say = (message: object) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
const schema = (properties: object, required: string[] = []) => ({ type: "object", properties, required });
const tools = [
  { name: "echo", description: "Echo the text back", inputSchema: schema({ text: { type: "string" } }, ["text"]) },
  { name: "ask", description: "Ask the user", inputSchema: schema({}) },
];
const FORM = {
  message: "What is your name?",
  requestedSchema: schema(
    { name: { type: "string", title: "Name" }, agree: { type: "boolean", title: "Agree" } },
    ["name"],
  ),
};

let asking: number | string | undefined;

function answer(id: number | string, result: object) {
  say({ id, result });
}
const content = (value: unknown) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params, result } = JSON.parse(line) as Message;
  if (id === "form" && asking !== undefined) answer(asking, content(result));
  else if (id === undefined) continue;
  else if (method === "initialize") {
    const { protocolVersion } = params ?? {};
    const serverInfo = { name: "desk", version: "1.0.0" };
    answer(id, { protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === "tools/list") answer(id, { tools });
  else if (method === "tools/call" && params?.name === "ask") {
    asking = id;
    say({ id: "form", method: "elicitation/create", params: FORM });
  } else if (method === "tools/call") answer(id, content(params?.arguments));
  else answer(id, {});
}
