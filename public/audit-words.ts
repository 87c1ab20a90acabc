// What an entry of the audit log says, in words: who did what.
import type { AuditEntry, Json } from "../src/protocol.ts";
import { modeName } from "./mode-words.ts";

/** How an entry is marked: something went through, was turned away, or is only told. */
export type Tone = "good" | "bad" | "plain";

const WHY: Record<string, string> = {
  answered: "somebody had answered before",
  changed: "the prompt was another one by then",
  gone: "the question was over",
  unreachable: "the machine was out of reach",
  invalid: "the prompt does not offer that",
  not_found: "there is no such prompt",
};
const REFUSED: Record<string, string> = {
  revoked: "its right was taken away",
  device: "it could not prove who it is",
  protocol: "it speaks another protocol",
};
const DONE: Record<string, string> = {
  interrupt: "interrupted Claude",
  stop: "stopped Claude",
  paired: "was paired",
  accepted: "Claude took the answer",
  delivered: "The answer reached the machine",
  not_applied: "The answer could not be given; the question stands",
  "prompt reopened": "Claude asks again",
  "input refused": "The text was not typed",
  "pairing opened": "A pairing was opened",
  "pairing confirmed": "let another phone in",
  "pairing refused": "A wrong pairing code",
};

/** One line that says who did what. */
export function deedOf(entry: AuditEntry): string {
  const { action, asked, detail } = entry;
  const who = personOf(entry);
  switch (action) {
    case "prompt":
      return `Claude asked: ${asked?.tool ?? "?"}`;
    case "prompt changed":
      return `Claude asked for something else: ${asked?.tool ?? "?"}`;
    case "answer":
      return `${who}: ${optionOf(entry)}`;
    case "answer refused":
      return `${who}: ${optionOf(entry)}, refused: ${WHY[String(detail.why)] ?? String(detail.why)}`;
    case "withdrawn":
      return `Ended ${byWhom(detail.by)}${chosen(detail.chosen)}`;
    case "too_late":
      return `Too late, ended ${byWhom(detail.by)}${chosen(detail.chosen)}`;
    case "input":
      return typeof detail.key === "string" ? `${who} pressed ${detail.key}` : `${who} typed`;
    case "mode":
      return `${who} wished for another mode: ${modeName(String(detail.mode))}`;
    case "file":
      return `${who} handed over a file: ${String(detail.name)}`;
    case "file removed":
      return `${who} took a file back`;
    case "revoked":
      return `${who} revoked ${String(detail.viewer ?? detail.device ?? detail.token ?? "")}`;
    case "devbox added":
      return `${who} added the devbox ${entry.subject}`;
    case "devbox removed":
      return `${who} removed the devbox ${entry.subject}`;
    case "host key trusted":
      return `${who} said yes to the host key of ${entry.subject}`;
    case "launch":
      return `${who} started a session on ${String(detail.devbox)}`;
    case "launched":
      return `The session on ${String(detail.devbox)} is there`;
    case "launch failed":
      return `No session on ${String(detail.devbox)}: ${String(detail.message)}`;
    case "launch called off":
      return `${who} called off a session on ${String(detail.devbox)}`;
    case "enrolled":
      return `${who} enrolled ${String(detail.device)}`;
    case "token created":
      return `${who} made the token ${String(detail.token)}`;
    case "session named":
      return typeof detail.name === "string"
        ? `${who} named a session: ${detail.name}`
        : `${who} took a session's name away`;
    case "session deleted":
      return `${who} deleted a session of ${String(detail.cwd)}`;
    case "device refused":
      return `A machine was refused: ${REFUSED[String(detail.why)] ?? String(detail.why)}`;
    case "interrupt":
    case "stop":
    case "paired":
    case "pairing confirmed":
      return `${who} ${DONE[action]}`;
    default:
      return DONE[action] ?? `${who}: ${action}`;
  }
}

export function toneOf(entry: AuditEntry): Tone {
  const { action } = entry;
  if (/failed|refused|revoked|too_late|not_applied|deleted/.test(action)) return "bad";
  if (action === "answer") return chosenOf(entry)?.effect === "reject" ? "plain" : "good";
  return action === "accepted" || action === "paired" ? "good" : "plain";
}

/** "Pixel 8", "the desk", "the owner's command". */
function personOf({ actor, name }: AuditEntry): string {
  if (actor === "owner") return "The owner's command";
  if (actor === "desk") return "The desk";
  return name ?? actor;
}

/** What was chosen, as the prompt's own options call it. */
const optionOf = (entry: AuditEntry) => chosenOf(entry)?.label ?? String(entry.detail.option ?? "an answer");

const chosenOf = ({ asked, detail }: AuditEntry) => asked?.options?.find(({ id }) => id === detail.option);

function byWhom(by: Json | undefined): string {
  if (by === "desk") return "at the desk";
  if (by === "claude") return "by Claude";
  if (by === "exited") return "with Claude";
  return "for a reason nobody knows";
}

const chosen = (what: Json | undefined) => (typeof what === "string" ? `: ${what}` : "");
