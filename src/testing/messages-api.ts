// The stand-in for the Messages API, which `claude-remote doctor` brings along.
export { type MessagesApi, messagesApi } from "../doctor/messages-api.ts";
