// The permission mode of a session: what it is now, and a sheet that switches it.
import { CONFIRM_WITHIN_MS, type InputId, type ModeBody, type PermissionMode } from "../src/protocol.ts";
import { ApiFailure, inputIn, post } from "./api.ts";
import type { ComposerParts } from "./composer-parts.ts";
import { confirm } from "./dialogs.ts";
import { element, setText } from "./dom.ts";
import { newId } from "./ids.ts";
import { MODES, type ModeWords, modeName, modeOf, offered, widens } from "./mode-words.ts";
import { REFUSALS } from "./outbox.ts";

/** What was said of a switch that is over stays this long. */
const SAID_FOR_MS = 12_000;

type Switch = { id: InputId; mode: PermissionMode; at: number; problem: string | null; over: boolean };

/** The chip of one composer. */
export function modeChip({ model, session: id, say }: ComposerParts) {
  const root = document.createElement("button");
  const word = element("span", "mode-word");
  let wish: Switch | null = null;

  root.type = "button";
  root.append(word);
  root.setAttribute("aria-haspopup", "dialog");
  root.addEventListener("click", () => void sheet());

  /** Why claude cannot be switched now, or "". */
  function held(): string {
    const session = model.session(id);
    if (!session || model.stale() || model.connection.kind !== "live")
      return "There is no connection: what stands here may be old.";
    switch (model.look(session)) {
      case "waiting":
        return "Claude waits for a decision first: Shift-Tab would be an answer there.";
      case "suspended":
        return "Claude is suspended at the desk.";
      case "unreachable":
        return "The host cannot be reached.";
      case "starting":
        return "Claude is starting.";
      default:
        return "";
    }
  }

  async function sheet() {
    const session = model.session(id);
    if (!session) return;
    const now = modeOf(session.permission_mode);
    const why = held();
    const list = element("div", "mode-list");
    let chosen: PermissionMode | null = null;
    for (const mode of offered(session)) list.append(choice(mode, MODES[mode], mode === now, why !== ""));
    list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (!button || button.disabled) return;
      chosen = modeOf(button.dataset.mode ?? null);
      list.closest("dialog")?.close("no");
    });
    await confirm({ title: "Permission mode", text: why, body: list });
    root.focus();
    const from = modeOf(model.session(id)?.permission_mode ?? null); // The desk may have switched it meanwhile.
    if (chosen && chosen !== from && (await agreed(from, chosen))) switchTo(chosen);
  }

  async function agreed(from: PermissionMode | null, to: PermissionMode): Promise<boolean> {
    if (!widens(from, to)) return true;
    const { name, sure } = MODES[to];
    const danger = to === "bypassPermissions";
    return confirm({ title: `Let Claude do more: ${name}?`, text: sure, yes: `Switch to ${name}`, danger });
  }

  async function switchTo(mode: PermissionMode) {
    const made: Switch = { id: newId() as InputId, mode, at: Date.now(), problem: null, over: false };
    wish = made;
    model.changed();
    setTimeout(model.changed, CONFIRM_WITHIN_MS + 50);
    setTimeout(model.changed, CONFIRM_WITHIN_MS + SAID_FOR_MS);
    const body: ModeBody = { id: made.id, mode };
    try {
      const said = inputIn(await post(`/api/sessions/${encodeURIComponent(id)}/mode`, body));
      const known = model.input(made.id)?.stage ?? "sent";
      if (said && known === "sent") model.fold("input", { session: id, ...said });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      made.problem = error.message;
    }
    model.changed();
  }

  /** How the last switch stands: still under way, what to say of it, or nothing. */
  function stand(): { busy: boolean; kind: "warn" | ""; text: string } {
    const session = model.session(id);
    if (!wish || !session) return { busy: false, kind: "", text: "" };
    const { name }: ModeWords = MODES[wish.mode];
    const known = model.input(wish.id);
    const age = Date.now() - wish.at;
    const still = `It is still ${modeName(session.permission_mode)}.`;
    if (wish.problem) return { busy: false, kind: "warn", text: `Not switched to ${name}: ${wish.problem}` };
    if (known?.stage === "refused") {
      const why = known.reason ? REFUSALS[known.reason] : "";
      return { busy: false, kind: "warn", text: `Not switched to ${name}. ${why} ${still}` };
    }
    if (known?.stage === "delivered")
      return { busy: false, kind: "", text: `Claude is in ${name} mode now.` };
    if (age >= CONFIRM_WITHIN_MS || known?.stage === "unconfirmed")
      return {
        busy: false,
        kind: "warn",
        text: `Not confirmed: Claude may not be in ${name} mode. ${still}`,
      };
    return { busy: true, kind: "", text: `Switching to ${name} …` };
  }

  function update() {
    const session = model.session(id);
    const now = session?.permission_mode ?? null;
    const { busy, kind, text } = stand();
    root.className = `mode-chip mode-${modeOf(now) ?? "unknown"}`;
    root.hidden = !session || now === null;
    root.disabled = busy;
    setText(word, busy && wish ? `${MODES[wish.mode].name} …` : modeName(now));
    root.setAttribute("aria-label", `Permission mode: ${modeName(now)}`);
    if (wish && !busy && Date.now() - wish.at > CONFIRM_WITHIN_MS + SAID_FOR_MS) wish = null;
    say("mode", kind, wish ? text : "");
  }

  return { root, update };
}

function choice(mode: PermissionMode, { name, about }: ModeWords, now: boolean, held: boolean): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `mode-choice mode-${mode}`;
  button.dataset.mode = mode;
  button.disabled = held || now;
  button.setAttribute("aria-pressed", String(now));
  button.append(element("span", "mode-name", now ? `${name} (now)` : name), element("span", "quiet", about));
  return button;
}
