// A small MCP server on stdin and stdout, for claude to ask about: `echo` gives its text back, `ask` asks the user by a form.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The word of our own command line that runs it. */
export const MCP_COMMAND = "doctor-mcp";

type Message = {
  id?: number | string;
  method?: string;
  params?: { name?: string; arguments?: object; protocolVersion?: string };
  result?: unknown;
};

const say = (message: object) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
const answer = (id: number | string, result: object) => say({ id, result });
const content = (value: unknown) => ({ content: [{ type: "text", text: JSON.stringify(value) }] });
const schema = (properties: object, required: string[] = []) => ({ type: "object", properties, required });

const TOOLS = [
  {
    name: "echo",
    description: "Echo the text back",
    inputSchema: schema({ text: { type: "string" } }, ["text"]),
  },
  { name: "ask", description: "Ask the user", inputSchema: schema({}) },
];
const FIELDS = { name: { type: "string", title: "Name" }, agree: { type: "boolean", title: "Agree" } };
const FORM = { message: "What is your name?", requestedSchema: schema(FIELDS, ["name"]) };

/** Serves until its input ends. Makes the file `listed` once claude has heard which tools there are. */
export async function mcpServer([listed]: string[]): Promise<number> {
  let asking: number | string | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params, result } = JSON.parse(line) as Message;
    if (id === "form" && asking !== undefined) answer(asking, content(result));
    else if (id === undefined) continue;
    else if (method === "initialize") {
      const serverInfo = { name: "desk", version: "1.0.0" };
      answer(id, { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo });
    } else if (method === "tools/list") {
      answer(id, { tools: TOOLS });
      if (listed) writeFileSync(listed, "");
    } else if (method === "tools/call" && params?.name === "ask") {
      asking = id;
      say({ id: "form", method: "elicitation/create", params: FORM });
    } else if (method === "tools/call") answer(id, content(params?.arguments));
    else answer(id, {});
  }
  return 0;
}
