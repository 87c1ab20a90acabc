// Every message on every wire: the one door to src/protocol/, where each noun has a file. It imports nothing but the
// screen's types; wrapper, server and page import it, never each other. Names on the wire are snake_case, as in the
// database, so that nothing is renamed on its way from a row to the page.

export * from "./protocol/audit.ts";
export * from "./protocol/command.ts";
export * from "./protocol/desk.ts";
export * from "./protocol/devbox.ts";
export * from "./protocol/error.ts";
export * from "./protocol/events.ts";
export * from "./protocol/file.ts";
export * from "./protocol/handshake.ts";
export * from "./protocol/ids.ts";
export * from "./protocol/input.ts";
export * from "./protocol/json.ts";
export * from "./protocol/launch.ts";
export * from "./protocol/link.ts";
export * from "./protocol/log.ts";
export * from "./protocol/message.ts";
export * from "./protocol/prompt.ts";
export * from "./protocol/push.ts";
export * from "./protocol/search.ts";
export * from "./protocol/session.ts";
export * from "./protocol/timing.ts";
export * from "./protocol/token.ts";
export * from "./protocol/unreachable.ts";
export * from "./protocol/usage.ts";
export * from "./protocol/viewer.ts";
