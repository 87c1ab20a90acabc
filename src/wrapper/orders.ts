// What the server says, each message to the part of the wrapper that it is for.
import type { ServerMessage, SessionId } from "../protocol.ts";
import { unreachable } from "../protocol.ts";
import type { Ending } from "./ending.ts";
import type { LateFollower } from "./late-follower.ts";
import type { LateView } from "./late-view.ts";
import type { Prompts } from "./prompts.ts";
import type { Runs } from "./runs.ts";
import type { SessionFacts } from "./session.ts";
import type { Terminals } from "./terminals.ts";
import type { Writing } from "./writing.ts";

/** The escape key, as a terminal sends it. */
const ESCAPE = new Uint8Array([0x1b]);

/** The parts that the server speaks to. */
export type Ordered = {
  id: SessionId;
  prompts: Pick<Prompts, "answer" | "acked">;
  writing: Pick<Writing, "inputs" | "composing">;
  terminals: Pick<Terminals, "resize" | "attached" | "detached" | "typedAttached">;
  view: Pick<LateView, "watched" | "acked">;
  follower: Pick<LateFollower, "acked">;
  ending: Pick<Ending, "stop" | "watched" | "acked">;
  facts: Pick<SessionFacts, "state">;
  runs: Pick<Runs, "reported">;
  /** A phone's keys, as good as the desk's. */
  press: (bytes: Uint8Array) => void;
};

/** Obeys the server's messages, except for those that are the link's own. */
export function orders(parts: Ordered): (message: ServerMessage) => void {
  const { prompts, terminals, view, ending, facts } = parts;
  const { inputs, composing } = parts.writing;
  return (message) => {
    switch (message.type) {
      case "ack":
        return acknowledge(message, parts);
      case "answer":
        return prompts.answer(message, facts.state.status === "suspended");
      case "input":
        return inputs.text(message);
      case "key":
        return inputs.key(message.id, message.key);
      case "resize":
        if (!facts.state.terminal) terminals.resize(message);
        return;
      case "watch":
        ending.watched(message);
        if (message.viewers > 0) composing.watched();
        view.watched(message.viewers, message.rate);
        return;
      case "mode":
      case "file":
      case "file_gone":
        return composing.obey(message);
      case "desk":
        return terminals.attached(message);
      case "desk_gone":
        return terminals.detached(message);
      case "desk_keys":
        return terminals.typedAttached(message);
      case "interrupt":
        if (facts.state.status !== "suspended") parts.press(ESCAPE);
        return;
      case "stop":
        return ending.stop("stopped", "SIGTERM");
      case "ping":
      case "refused":
        return; // The link's own.
      default:
        unreachable(message);
    }
  };
}

/** The server has something on disk. */
function acknowledge(ack: Extract<ServerMessage, { type: "ack" }>, parts: Ordered) {
  switch (ack.stream) {
    case "lines":
      return void parts.view.acked(ack.upto);
    case "prompts":
      return parts.prompts.acked(ack.prompt, ack.fact);
    case "exit":
      parts.runs.reported(ack.session);
      if (ack.session === parts.id) parts.ending.acked();
      return;
    case "messages":
      return parts.follower.acked(ack);
    default:
      unreachable(ack);
  }
}
