// Where one types to claude: a draft per session that survives everything, and what became of the texts sent.
import type { SessionId } from "../src/protocol.ts";
import type { ComposeTools } from "./compose-tools.ts";
import { farewell } from "./composer-parts.ts";
import { element, fromTemplate, loadStyle, marked, part, reconcile, setMarked, setText } from "./dom.ts";
import type { Model } from "./model.ts";
import { meaningOf, type Outbox, type Sent, type SentStage } from "./outbox.ts";
import { clockTime } from "./times.ts";

const STAGES: Record<SentStage, string> = {
  queued: "Waiting for a connection",
  held: "Not sent.",
  sending: "Sending …",
  sent: "Sent, on its way to the host",
  delivered: "Typed into Claude",
  seen: "Seen by Claude",
  refused: "Not typed.",
  unconfirmed: "Not confirmed.",
};

/** The textarea grows up to this part of what is visible. */
const MAX_HEIGHT = 0.4;

/** The composer of one session; `onMenu`: a command was sent that opens a menu on claude's screen. */
export function composer(model: Model, outbox: Outbox, session: SessionId, onMenu: () => void = () => {}) {
  const root = fromTemplate("composer-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const text = part(root, "text", HTMLTextAreaElement);
  const send = part(root, "send", HTMLButtonElement);
  const drafts = draftOf(session);
  const touch = matchMedia("(pointer: coarse)").matches;
  const notes = new Map<string, { kind: "warn" | ""; text: string }>();
  let tools: ComposeTools | null = null;
  let closed = false;

  text.value = drafts.read();
  text.addEventListener("input", typed);
  text.addEventListener("keydown", (event) => {
    if (tools?.key(event)) return;
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch;
    if (!sends) return;
    event.preventDefault();
    submit();
  });
  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  const first = requestAnimationFrame(typed);
  loadTools();

  /** What stands around the text is not part of the first load; without it one can write as well. */
  async function loadTools() {
    try {
      const [{ composeTools }] = await Promise.all([
        import("./compose-tools.ts"),
        loadStyle("/composing.css"),
      ]);
      if (closed) return;
      const [above, below] = [at("above"), at("tools")];
      tools = composeTools({ model, session, text, above, tools: below, put, changed: draw, say, onMenu });
      update();
      draw();
    } catch {
      // The next visit tries again.
    }
  }

  function typed() {
    drafts.write(text.value);
    tools?.typed();
    draw();
  }

  function say(from: string, kind: "warn" | "", words: string) {
    notes.set(from, { kind, text: words });
    const told = [...notes.values()].find((note) => note.text !== "");
    at("told").hidden = !told;
    at("told").className = `told ${told?.kind ?? ""}`;
    setText(at("told"), told?.text ?? "");
  }

  function drawMeaning() {
    const sign = text.value.trimStart().charAt(0);
    const known = tools?.meaning() ?? null;
    const meaning = tools?.lists ? null : (known ?? meaningOf(text.value)); // The list says it itself.
    at("meaning").hidden = meaning === null;
    if (meaning && known) at("meaning").replaceChildren(marked(meaning));
    else if (meaning) at("meaning").replaceChildren(element("code", "", sign), ` ${meaning}`);
    // A command is not prose: a keyboard must not mend it.
    const prose = meaningOf(text.value) === null;
    text.autocapitalize = prose ? "sentences" : "none";
    text.setAttribute("autocorrect", prose ? "on" : "off");
    text.spellcheck = prose;
  }

  function drawSend() {
    send.disabled = tools?.waits || (text.value.trim() === "" && !tools?.any);
  }

  function draw() {
    drawMeaning();
    drawSend();
    text.style.height = "auto";
    const room = (visualViewport?.height ?? innerHeight) * MAX_HEIGHT;
    text.style.height = `${Math.min(text.scrollHeight + 2, room)}px`;
  }

  function submit() {
    if (send.disabled) return;
    outbox.send(session, tools?.take(text.value) ?? text.value);
    put("");
  }

  function put(value: string, caret = value.length) {
    text.value = value;
    text.setSelectionRange(caret, caret);
    typed();
  }

  /** Takes a text back into the box, before what is there. */
  function edit(message: Sent) {
    if (!outbox.has(message)) return; // A second tap.
    outbox.drop(message.id);
    put([message.text, text.value].filter((one) => one !== "").join("\n"));
    text.focus();
  }

  function actionsOf(message: Sent): [name: string, act: () => void][] {
    const { stage, refusal } = outbox.stageOf(message);
    const keep: [string, () => void] = ["Keep here", () => edit(message)];
    if (stage === "queued")
      return [
        ["Edit", () => edit(message)],
        ["Remove", () => outbox.drop(message.id)],
      ];
    if (stage === "held")
      return [
        ["Send now", () => outbox.retry(message)],
        ["Edit", () => edit(message)],
        ["Remove", () => outbox.drop(message.id)],
      ];
    if (stage === "unconfirmed") return [["Retry", () => outbox.retry(message)]];
    if (stage !== "refused") return [];
    if (refusal !== "desk_typing") return [keep, ["Remove", () => outbox.drop(message.id)]];
    return [
      ["Add to it", () => outbox.resend(message, "append")],
      ["Replace it", () => outbox.resend(message, "replace")],
      keep,
    ];
  }

  function drawSent(item: HTMLElement, message: Sent) {
    const { stage, reason } = outbox.stageOf(message);
    item.className = `sent ${stage}`;
    setMarked(part(item, "text", HTMLElement), message.text);
    const written = stage === "held" ? `Written ${clockTime(message.at, Date.now())}.` : null;
    setText(part(item, "stage", HTMLElement), [STAGES[stage], written, reason].filter(Boolean).join(" "));
    const actions = actionsOf(message);
    const names = actions.map(([name]) => name).join();
    const place = part(item, "actions", HTMLElement);
    if (place.dataset.names === names) return;
    place.dataset.names = names;
    place.replaceChildren(
      ...actions.map(([name, act]) => {
        const button = element("button", "text-button", name);
        button.addEventListener("click", act);
        return button;
      }),
    );
  }

  function update() {
    const known = model.session(session);
    const ended = known !== null && model.look(known) === "ended";
    at("form").hidden = ended;
    at("tools").hidden = ended;
    at("above").hidden = ended;
    tools?.update();
    drawSend();
    at("over").hidden = !ended;
    if (ended && at("over").childNodes.length === 0) at("over").append(...farewell(known));
    reconcile(
      at("outbox"),
      outbox.shown(session),
      ({ id }) => id,
      () => fromTemplate("sent"),
      drawSent,
    );
  }

  update();
  return {
    root,
    update,
    close() {
      closed = true;
      cancelAnimationFrame(first);
      tools?.close();
    },
  };
}

/** The draft of one session, kept where the browser allows it, else for as long as the page lives. */
function draftOf(session: SessionId) {
  const key = `draft:${session}`;
  return {
    read(): string {
      try {
        return localStorage.getItem(key) ?? "";
      } catch {
        return memory.get(key) ?? "";
      }
    },
    write(text: string) {
      memory.set(key, text);
      try {
        if (text) localStorage.setItem(key, text);
        else localStorage.removeItem(key);
      } catch {
        // Private mode or a full store: the memory has it.
      }
    },
  };
}

const memory = new Map<string, string>();
