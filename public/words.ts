// What a session's state is called, so that the list and the session say the same.
import type { Session } from "../src/protocol.ts";
import type { Look, Model } from "./model.ts";
import { clockTime } from "./times.ts";

const WORDS: Record<Look, string> = {
  waiting: "Waiting for you",
  working: "Working",
  starting: "Starting",
  done: "Done",
  idle: "Idle",
  suspended: "Suspended",
  unreachable: "Unreachable",
  ended: "Ended",
};

/** "Working", "Unreachable since 14:02", "Ended 14:10, exit code 1". */
export function stateWords(session: Session, model: Model): string {
  const look = model.look(session);
  const word = WORDS[look];
  if (look === "unreachable") return `${word} since ${clockTime(session.heard_at, model.now())}`;
  if (look !== "ended" || session.ended_at === null) return word;
  return [`${word} ${clockTime(session.ended_at, model.now())}`, endWords(session)]
    .filter(Boolean)
    .join(", ");
}

function endWords({ end_reason, exit_code, signal }: Session): string {
  switch (end_reason) {
    case "lost":
      return "its machine was lost";
    case "hangup":
      return "its terminal was closed";
    case "stopped":
      return "stopped";
    case "signal":
      return `killed by ${signal ?? "a signal"}`;
    default:
      return exit_code ? `exit code ${exit_code}` : "";
  }
}
