// A stand-in for the Messages API on loopback, so that a real claude runs without an account or a network. The text of
// the user's prompt says what the model does: see directives.ts.
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, answerTo, type Block } from "./directives.ts";
import { type MessagesRequest, requestIn } from "./messages-request.ts";

export type MessagesApi = AsyncDisposable & {
  /** The value for `ANTHROPIC_BASE_URL`. */
  url: string;
  /** The requests for messages so far, oldest first; token counts are not among them. */
  requests: readonly MessagesRequest[];
  /** The first request, past or to come, that `wanted` accepts. Rejects after `timeout` ms (25,000 if not given). */
  waitFor(wanted: Wanted, options?: { timeout?: number }): Promise<MessagesRequest>;
};
type Wanted = (request: MessagesRequest) => boolean;

/** A busy machine is no verdict; still sooner than a test is given up, so that it tells what did come. */
const PATIENCE_MS = 25_000;

const USAGE = {
  input_tokens: 10,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 10,
};
const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};
/** A request without tools asks for the session's title; the directives that it quotes are not meant for it. */
const TITLE: Answer = {
  blocks: [{ type: "text", text: '{"title":"A session"}' }],
  error: null,
  slow: 0,
  rate: 0,
  verdict: null,
};
/** Characters in one event of the stream: small, so that a test sees an answer grow. */
const TEXT_PIECE = /[\s\S]{1,20}/gu;
const INPUT_PIECE = /[\s\S]{1,200}/gu;

/** Starts the stand-in on a free port of 127.0.0.1. Disposing it cuts every open answer. */
export async function messagesApi(): Promise<MessagesApi> {
  const requests: MessagesRequest[] = [];
  const looks = new Set<() => void>();
  const closing = new AbortController();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0, // A slow answer is silent for longer than Bun's default allows.
    fetch: async (http) => {
      const { pathname } = new URL(http.url);
      if (pathname === "/v1/messages/count_tokens") return Response.json({ input_tokens: 10 });
      if (http.method !== "POST" || pathname !== "/v1/messages") return refusal(404, "no such route");
      const request = requestIn(await http.json());
      requests.push(request);
      for (const look of [...looks]) look();
      return respond(request, AbortSignal.any([http.signal, closing.signal]));
    },
    error: (reason) => refusal(400, reason.message),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests,
    waitFor: (wanted, { timeout = PATIENCE_MS } = {}) => firstOf(requests, looks, wanted, timeout),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.stop(true);
    },
  };
}

function firstOf(requests: MessagesRequest[], looks: Set<() => void>, wanted: Wanted, timeout: number) {
  const { promise, resolve, reject } = Promise.withResolvers<MessagesRequest>();
  const look = () => {
    const found = requests.find(wanted);
    if (found) resolve(found);
  };
  const late = () => {
    const seen = requests.map(({ prompt, step }) => `${step} ${prompt}`).join("\n");
    reject(new Error(`no such request within ${timeout} ms; step and prompt of those that came:\n${seen}`));
  };
  const timer = setTimeout(late, timeout);
  looks.add(look);
  look();
  return promise.finally(() => {
    clearTimeout(timer);
    looks.delete(look);
  });
}

function refusal(status: number, message: string): Response {
  const type = ERROR_TYPES[status] ?? "api_error";
  return Response.json({ type: "error", error: { type, message } }, { status });
}

/** Waits, but not for somebody who is `gone`. */
async function pause(ms: number, gone: AbortSignal) {
  if (ms > 0) await sleep(ms, undefined, { signal: gone }).catch(() => {});
}

async function respond(request: MessagesRequest, gone: AbortSignal): Promise<Response> {
  const { body, tools } = request;
  const answer = tools.length > 0 ? answerTo(request) : TITLE;
  await pause(answer.slow, gone);
  if (answer.error) return refusal(answer.error, `told to answer ${answer.error}`);
  const message = {
    id: `msg_${crypto.randomUUID().replaceAll("-", "")}`,
    type: "message",
    role: "assistant",
    model: body.model,
    stop_sequence: null,
    usage: USAGE,
  };
  const stop = answer.blocks.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn";
  if (!body.stream) return Response.json({ ...message, content: answer.blocks, stop_reason: stop });
  const start = { message: { ...message, content: [], stop_reason: null } };
  const end = {
    stop_reason: stop,
    stop_sequence: null,
    ...(body.safeguards?.length ? verdicts(answer) : {}),
  };
  return new Response(streamed(events(start, answer, end, gone)), {
    headers: { "content-type": "text/event-stream" },
  });
}

function verdicts({ blocks, verdict }: Answer) {
  const calls = blocks.flatMap((block) => (block.type === "tool_use" ? [[block.id, verdict]] : []));
  const status = { type: "available", tool_uses: Object.fromEntries(calls) };
  return verdict ? { safeguard_results: [{ type: "dangerous_tool_use", status }] } : {};
}

async function* events(start: object, answer: Answer, end: object, gone: AbortSignal) {
  const event = (type: string, fields = {}) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  yield event("message_start", start);
  for (const [index, block] of answer.blocks.entries()) {
    yield event("content_block_start", { index, content_block: emptied(block) });
    for (const delta of deltas(block)) {
      yield event("content_block_delta", { index, delta });
      await pause(answer.rate, gone);
      if (gone.aborted) return;
    }
    yield event("content_block_stop", { index });
  }
  yield event("message_delta", { delta: end, usage: { output_tokens: USAGE.output_tokens } });
  yield event("message_stop");
}

function streamed(pieces: AsyncGenerator<string, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const piece = await pieces.next();
      if (piece.done) controller.close();
      else controller.enqueue(encoder.encode(piece.value));
    },
    async cancel() {
      await pieces.return();
    },
  });
}

const emptied = (block: Block): Block =>
  block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };

function deltas(block: Block): object[] {
  if (block.type === "text")
    return (block.text.match(TEXT_PIECE) ?? []).map((text) => ({ type: "text_delta", text }));
  const json = JSON.stringify(block.input);
  return (json.match(INPUT_PIECE) ?? []).map((piece) => ({ type: "input_json_delta", partial_json: piece }));
}
