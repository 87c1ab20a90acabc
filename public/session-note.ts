// What is worth knowing of a session before one types to it, worst first.
import type { Session } from "../src/protocol.ts";
import type { Model } from "./model.ts";
import { clockTime } from "./times.ts";

/** `warn`: what is typed may not do what one thinks. */
export function noteFor(session: Session, model: Model): [kind: "warn" | "", text: string] {
  const look = model.look(session);
  if (model.stale() && model.banner() === null)
    return ["warn", `As of ${clockTime(model.asOf(), model.now())}.`];
  if (look === "suspended")
    return ["warn", "Suspended with Ctrl-Z: it takes nothing until fg is typed at the desk."];
  if (look === "waiting" && model.openOf(session.id).length === 0) {
    return [
      "warn",
      `Claude waits${session.waiting_for ? ` (${session.waiting_for})` : ""}: answer on its screen with the keys.`,
    ];
  }
  if (session.hooks === "dead")
    return ["warn", "Claude's hooks are switched off: its questions are on its screen only."];
  const stale = session.copy?.problem;
  if (stale)
    return [
      "warn",
      `The copy of this conversation with the server may be stale: ${stale.message}. ${stale.next}`,
    ];
  const alone = !session.terminal && session.connected && look !== "ended";
  return ["", alone ? "No terminal is attached; Claude goes on." : ""];
}
