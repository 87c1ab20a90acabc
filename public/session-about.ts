// Everything worth knowing of a session; its name, and the ways to end it or to delete it.
import type { Session, Used } from "../src/protocol.ts";
import { ApiFailure, get, patch, remove } from "./api.ts";
import { confirm } from "./dialogs.ts";
import { element, setMarked, setText } from "./dom.ts";
import { modeName } from "./mode-words.ts";
import type { Model } from "./model.ts";
import { aboutOf, headlineOf } from "./session-words.ts";
import { clockTime } from "./times.ts";
import { usedWords } from "./used-words.ts";

export type AboutOptions = {
  model: Model;
  session: Session;
  /** Makes claude's screen as large as this one; absent where it cannot be. */
  fit?: (() => void) | undefined;
  /** Ends claude; absent where it runs no more. */
  stop?: (() => void) | undefined;
  /** It was deleted. */
  onDeleted?: (() => void) | undefined;
};

const NAME_CHARS = 100;

/** Shows it, and does what is chosen. Resolves when it is closed. */
export async function aboutSession({ model, session, fit, stop, onDeleted }: AboutOptions): Promise<void> {
  const body = element("div", "about");
  const list = element("dl", "");
  const told = element("p", "problem");
  told.hidden = true;
  const fact = (name: string, value: string) => {
    const shown = element("dd", "");
    setMarked(shown, value);
    list.append(element("dt", "", name), shown);
    return shown;
  };
  for (const [name, value] of factsOf(session, model.now())) if (value) fact(name, value);
  const used = fact("Used", "…");
  usedBy(session).then((words) => setText(used, words));
  body.append(list, told);

  const act = (label: string, kind: string, does: () => void) => {
    const button = element("button", `button wide ${kind}`, label);
    button.addEventListener("click", (event) => {
      event.preventDefault();
      does();
    });
    body.append(button);
  };
  if (fit) act("Fit Claude to this screen", "", fit);
  act(session.name ? "Change its name" : "Give it a name", "", () => tried(() => rename(session, model)));
  if (session.ended_at !== null) act("Delete …", "deny", () => tried(() => erase(session, model, onDeleted)));

  async function tried(work: () => Promise<boolean>) {
    try {
      if (await work()) body.closest("dialog")?.close("no");
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setText(told, `Not done: ${error.message}`);
      told.hidden = false;
    }
  }

  const title = headlineOf(session);
  if (!stop) await confirm({ title, text: "", body });
  else if (await confirm({ title, text: "", yes: "Stop …", danger: true, body })) stop();
}

/** True when it was done. */
async function rename(session: Session, model: Model): Promise<boolean> {
  const body = element("label", "field");
  const name = document.createElement("input");
  body.append(element("span", "", "Name"), name);
  name.maxLength = NAME_CHARS;
  name.value = session.name ?? "";
  name.placeholder = aboutOf(session).slice(0, NAME_CHARS);
  const text = "Every phone shows it. Empty: Claude's own title again.";
  if (!(await confirm({ title: "Name of this session", text, yes: "Save", body }))) return false;
  const answer = await patch(pathOf(session), { title: name.value.trim() });
  const changed = (answer as { session?: Session } | null)?.session;
  if (changed) model.fold(changed.ended_at === null ? "session_start" : "session_end", { session: changed });
  return true;
}

async function erase(session: Session, model: Model, onDeleted?: () => void): Promise<boolean> {
  const text =
    "Its log, questions, answers and conversation are deleted from this server for good; a conversation that another session goes on with stays. " +
    "What was decided stays in the audit log, what was used in the sums, and Claude's own files on the machine.";
  const yes = await confirm({ title: `Delete ${headlineOf(session)}?`, text, yes: "Delete", danger: true });
  if (!yes) return false;
  await remove(pathOf(session));
  model.fold("session_gone", { session: session.id });
  onDeleted?.();
  return true;
}

const pathOf = ({ id }: Session) => `/api/sessions/${encodeURIComponent(id)}`;

async function usedBy(session: Session): Promise<string> {
  try {
    const { used } = (await get(`${pathOf(session)}/usage`)) as { used?: Used | null };
    return used ? usedWords(used) : "nothing known";
  } catch (error) {
    if (error instanceof ApiFailure) return "not known now";
    throw error;
  }
}

function factsOf(session: Session, now: number): [name: string, value: string][] {
  const { started_at, ended_at, kept_until, devbox, device_name } = session;
  return [
    ["About", aboutOf(session)],
    ["Directory", session.cwd],
    ["Command", session.command.join(" ")],
    ["Host", devbox ? `${devbox} (by ${device_name})` : device_name],
    ["Claude", session.claude_version ?? "version not known"],
    ["Mode", modeName(session.permission_mode)],
    ["Terminal", ended_at === null ? terminalWords(session) : ""],
    ["Size", `${session.cols} × ${session.rows}`],
    ["Started", clockTime(started_at, now)],
    ["Ended", ended_at === null ? "" : clockTime(ended_at, now)],
    ["Kept until", kept_until == null ? "" : clockTime(kept_until, now)],
  ];
}

function terminalWords({ terminal, attached = 0, connected }: Session): string {
  if (!connected) return "not known: its machine is out of reach";
  const own = terminal ? ["its own"] : [];
  const more = attached > 0 ? [`${attached} attached from elsewhere`] : [];
  return [...own, ...more].join(", ") || "no terminal; Claude goes on without";
}
