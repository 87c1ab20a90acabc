// What a session's state is called, so that the list and the session say the same.
import type { Launch, LaunchStep, Session } from "../src/protocol.ts";
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

export type UnderWay = Exclude<LaunchStep, "started" | "failed">;
/** The steps of a launch, in their order. */
export const STEPS: Record<UnderWay, string> = {
  connecting: "Connecting",
  checking: "Looking at the machine and its Claude",
  copying: "Putting claude-remote there",
  tunnel: "Opening the way back to this server",
  starting: "Starting Claude",
};

/** "Putting claude-remote there: 64 %". */
export function stepWords({ percent }: Pick<Launch, "percent">, step: UnderWay): string {
  return step === "copying" && percent !== null ? `${STEPS[step]}: ${percent} %` : STEPS[step];
}

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
