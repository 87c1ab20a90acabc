// A new session: where, in which folder, with which words; then how it comes to be, step by step.
import type {
  DevboxState,
  EarlierConversation,
  Launch,
  LaunchBody,
  LaunchId,
  LaunchMode,
} from "../src/protocol.ts";
import { ApiFailure, get, post, remove } from "./api.ts";
import {
  addressOf,
  type Draft,
  dropDraft,
  field,
  keepDraft,
  nameOf,
  type Overview,
  overview,
  pathOf,
  plainInput,
  readDraft,
} from "./devboxes.ts";
import { disabled } from "./devboxes-view.ts";
import { confirm } from "./dialogs.ts";
import { element, reconcile, setMarked, setText } from "./dom.ts";
import { folders } from "./folders.ts";
import { newId } from "./ids.ts";
import { launchView } from "./launch-view.ts";
import type { Context, Drawn } from "./screen.ts";
import { age } from "./times.ts";

/** Folders of earlier sessions offered at once. */
const RECENT = 4;
/** The launch of this tab, so that a reloaded page shows it; in the address, whosever is looked at. */
const LAUNCH = "launch";
const inAddress = () => new URLSearchParams(location.search).get(LAUNCH);
const isOwn = ({ id }: Launch) => sessionStorage.getItem(LAUNCH) === id;

const MODES: Record<LaunchMode, [name: string, about: string]> = {
  default: ["Ask", "Claude asks before it edits or runs anything."],
  plan: ["Plan first", "Claude reads, and shows a plan before it changes anything."],
  acceptEdits: ["Accept edits", "Edits in the folder need no yes; commands still do."],
  auto: ["Auto", "Claude judges by itself what it asks about."],
};

export function newSession(body: HTMLElement, { model, go, say }: Context): Drawn {
  const loading = element("p", "loading quiet", "Reading …");
  let form: ReturnType<typeof sessionForm> | null = null;
  let progress: ReturnType<typeof launchView> | null = null;
  /** What was sent last: a retry sends the same, under an id of its own. */
  let sent: LaunchBody | null = null;
  /** Nobody knows whether that arrived. */
  let lost = false;
  let closed = false;
  body.append(loading);
  begin();

  async function begin() {
    try {
      const wanted = inAddress() ?? sessionStorage.getItem(LAUNCH);
      const [known, { launches }] = await Promise.all([
        overview(),
        wanted ? (get("/api/launches") as Promise<{ launches: Launch[] }>) : { launches: [] as Launch[] },
      ]);
      if (closed) return;
      loading.hidden = true;
      if (!known.enabled) return void body.append(disabled());
      form = sessionForm(known, (draft, resume) => start(draft, resume));
      body.append(form.root);
      const under = launches.find(({ id }) => id === wanted);
      if (under && (under.step !== "started" || inAddress())) follow(under);
      else if (!inAddress()) sessionStorage.removeItem(LAUNCH);
    } catch (error) {
      loading.hidden = true;
      if (!closed) say(error);
    }
  }

  async function start(draft: Draft, resume: EarlierConversation | null) {
    const alive = resume?.alive_in ?? null;
    const anyway = alive !== null && (await confirm(ALIVE));
    if (alive !== null && !anyway) return;
    const { devbox, dir, prompt, mode } = draft;
    const asked: LaunchBody = {
      ...{ launch: newId() as LaunchId, devbox, dir },
      ...(prompt.trim() ? { prompt } : {}),
      ...(mode ? { mode } : {}),
      ...(resume ? { resume: resume.id, ...(anyway ? { anyway } : {}) } : {}),
    };
    const same = lost && sent && JSON.stringify({ ...asked, launch: sent.launch }) === JSON.stringify(sent);
    await send(same && sent ? sent : asked);
  }

  async function send(asked: LaunchBody) {
    sent = asked;
    lost = false;
    sessionStorage.removeItem(LAUNCH);
    form?.busy(true);
    try {
      const { launch } = (await post("/api/sessions", asked)) as { launch: Launch };
      sessionStorage.setItem(LAUNCH, launch.id);
      if (!closed) follow(launch);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      lost = error.retryable;
      change();
      form?.trouble(error.message);
    } finally {
      form?.busy(false);
    }
  }

  function follow(launch: Launch) {
    progress?.root.remove();
    progress = launchView(launch, {
      ...{ again: isOwn(launch) ? again : null, change, say },
      callOff: () => remove(`/api/launches/${encodeURIComponent(launch.id)}`),
    });
    if (form) form.root.hidden = true;
    body.append(progress.root);
    progress.root.focus();
    update();
  }

  /** The same again, as another launch: this one failed. */
  function again() {
    const before = sent ?? fromLaunch();
    if (!before) return change();
    leave();
    send({ ...before, launch: newId() as LaunchId });
  }

  function fromLaunch(): LaunchBody | null {
    const draft = readDraft();
    const { devbox, dir } = progress?.launch ?? {};
    if (!devbox || !dir) return null;
    const { prompt, mode } = draft.devbox === devbox ? draft : {};
    return {
      launch: newId() as LaunchId,
      devbox,
      dir,
      ...(prompt ? { prompt } : {}),
      ...(mode ? { mode } : {}),
    };
  }

  function change() {
    if (progress && isOwn(progress.launch)) sessionStorage.removeItem(LAUNCH);
    leave();
    if (form) form.root.hidden = false;
  }

  /** Shows none any more. */
  function leave() {
    progress?.root.remove();
    progress = null;
    go("/new", true);
  }

  function update() {
    const asked = inAddress() as LaunchId | null;
    const other = asked && asked !== progress?.launch.id ? model.launch(asked) : null;
    if (form && other) return follow(other);
    if (!progress) return;
    const launch = model.launch(progress.launch.id) ?? progress.launch;
    progress.update(launch, model.now());
    if (launch.step !== "started" || launch.session === null) return;
    if (isOwn(launch)) {
      sessionStorage.removeItem(LAUNCH);
      dropDraft();
    }
    go(`/s/${encodeURIComponent(launch.session)}`, true);
  }

  return {
    update,
    close() {
      closed = true;
      form?.close();
    },
  };
}

/** What is asked before; keeps what was typed, also over a reload. */
function sessionForm(known: Overview, onStart: (draft: Draft, resume: EarlierConversation | null) => void) {
  const { devboxes, choices, modes } = known;
  const root = document.createElement("form");
  root.className = "new-session";
  const [last] = choices;
  const kept = readDraft();
  const named = (name: string | undefined) => devboxes.find((one) => one.name === name);
  let chosen = named(kept.devbox) ?? named(last?.devbox) ?? devboxes[0] ?? null;
  let resume: EarlierConversation | null = null;
  let mode: LaunchMode | null = kept.mode ?? null;
  let asked = "";

  const dir = plainInput({ name: "dir", maxLength: 4_000, required: true, enterKeyHint: "next" });
  const recent = element("div", "recent");
  const completion = folders(dir, () => changed());
  const prompt = document.createElement("textarea");
  Object.assign(prompt, { rows: 3, maxLength: 100_000, value: kept.prompt ?? "" });
  prompt.setAttribute("autocapitalize", "sentences");
  const earlier = element("div", "earlier");
  const about = element("p", "quiet");
  const problem = element("p", "problem");
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  const button = document.createElement("button");
  Object.assign(button, { type: "submit", className: "button approve wide" });
  const foot = element("div", "new-session-foot");
  foot.append(problem, button);

  const choose = radios(
    "Where",
    "devbox",
    devboxes.map((one) => ({
      value: one.name,
      name: nameOf(one),
      about: aboutOf(one),
      bad: one.error !== null,
    })),
    (name) => pick(named(name) ?? null),
  );
  const modeWords = radios(
    "Permissions",
    "mode",
    [
      { value: "", name: "As set there", about: "" },
      ...modes.map((one) => ({ value: one, name: MODES[one][0], about: "" })),
    ],
    (value) => {
      mode = (value || null) as LaunchMode | null;
      changed();
    },
  );
  modeWords.root.classList.add("segments");
  modeWords.root.append(about);
  const place = element("div", "place");
  place.append(field("Directory", dir), completion.root, recent);
  root.append(
    choose.root,
    place,
    earlier,
    field("First message", prompt, "Typed into Claude once it is ready; may be empty."),
    modeWords.root,
    foot,
  );
  if (devboxes.length === 0) root.replaceChildren(nowhere());
  pick(chosen, kept.dir || undefined);
  for (const input of [dir, prompt]) input.addEventListener("input", () => changed());
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    problem.hidden = true;
    onStart(draft(), resume);
  });

  function draft(): Draft {
    return { devbox: chosen?.name ?? "", dir: dir.value.trim(), prompt: prompt.value, mode };
  }

  function changed() {
    keepDraft(draft());
    setText(about, mode ? MODES[mode][1] : "Claude begins as it is set up on that machine.");
    setText(button, resume ? "Go on" : "Start");
    problem.hidden = true;
  }

  /** Another place: its own folders, its own conversations. */
  function pick(devbox: DevboxState | null, wanted?: string) {
    chosen = devbox;
    resume = null;
    if (!devbox) return;
    const own = choices.filter((choice) => choice.devbox === devbox.name);
    choose.pick(devbox.name);
    dir.value = wanted ?? own[0]?.dir ?? devbox.dir ?? "~/";
    mode = wanted === undefined ? (own[0]?.mode ?? mode) : mode;
    modeWords.pick(mode ?? "");
    completion.of(devbox.name);
    recent.replaceChildren(...own.slice(0, RECENT).map(recentButton));
    recent.hidden = own.length < 2;
    changed();
    conversations(devbox.name);
  }

  function recentButton({ dir: where, mode: how }: Overview["choices"][number]): HTMLElement {
    const one = element("button", "tool mono");
    one.setAttribute("type", "button");
    setMarked(one, where);
    one.addEventListener("click", () => {
      dir.value = where;
      mode = how;
      modeWords.pick(mode ?? "");
      completion.hide();
      changed();
    });
    return one;
  }

  async function conversations(name: string) {
    asked = name;
    earlier.replaceChildren();
    try {
      const found = (await get(pathOf(name, "/conversations"))) as { conversations: EarlierConversation[] };
      if (asked === name && found.conversations.length > 0) earlier.append(earlierFold(found.conversations));
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error; // Without them a new one can be begun all the same.
    }
  }

  function earlierFold(all: EarlierConversation[]): HTMLElement {
    const fold = document.createElement("details");
    const summary = element("summary", "", "Go on with an earlier conversation");
    const options = all.map((one) => ({
      ...{ value: one.id, name: one.title || "Without a title", bad: false },
      about: `${one.dir} · ${one.alive_in ? "running now" : ago(one.last_at)}`,
    }));
    const first = { value: "", name: "A new conversation", about: "", bad: false };
    const list = radios("Conversation", "resume", [first, ...options], (id) => {
      resume = all.find((one) => one.id === id) ?? null;
      if (resume) dir.value = resume.dir;
      completion.hide();
      setText(
        summary,
        resume ? "Goes on with an earlier conversation" : "Go on with an earlier conversation",
      );
      changed();
    });
    list.pick("");
    list.root.querySelector("legend")?.classList.add("sr");
    fold.append(summary, list.root);
    return fold;
  }

  return {
    root,
    /** A tap is on its way to the server. */
    busy(on: boolean) {
      button.disabled = on;
      setText(button, on ? "Starting …" : resume ? "Go on" : "Start");
    },
    trouble(text: string) {
      setText(problem, text);
      problem.hidden = false;
      problem.scrollIntoView({ block: "nearest" });
    },
    close: () => completion.close(),
  };
}

type Choice = { value: string; name: string; about: string; bad?: boolean };

/** Radio buttons in a row each. */
function radios(words: string, name: string, options: Choice[], onPick: (value: string) => void) {
  const root = element("fieldset", "picks");
  const list = element("div", "picks-list");
  const inputs = new Map<string, HTMLInputElement>();
  root.append(element("legend", "field-name", words), list);
  reconcile(
    list,
    options,
    ({ value }) => value,
    make,
    () => {},
  );

  function make({ value, name: title, about, bad = false }: Choice): HTMLElement {
    const label = element("label", "choice");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name, value });
    input.addEventListener("change", () => onPick(value));
    inputs.set(value, input);
    const text = element("span", "choice-body");
    const line = element("span", "choice-label");
    setMarked(line, title);
    text.append(line);
    if (about) {
      const small = element("span", bad ? "quiet bad" : "quiet");
      setMarked(small, about);
      text.append(small);
    }
    label.append(input, text);
    return label;
  }

  return {
    root,
    pick(value: string) {
      const input = inputs.get(value);
      if (input) input.checked = true;
    },
  };
}

function aboutOf(devbox: DevboxState): string {
  const address = addressOf(devbox);
  if (devbox.state === "unreachable") return `${address} · not reached last time`;
  return address;
}

function nowhere(): HTMLElement {
  const block = element("div", "nowhere");
  block.append(
    element(
      "p",
      "",
      "There is no machine yet where the server could start a session: none here has a claude.",
    ),
  );
  const link = document.createElement("a");
  Object.assign(link, { href: "/devboxes", className: "button wide", textContent: "Add a devbox" });
  block.append(link);
  return block;
}

const ALIVE = {
  title: "It is running now",
  text: "That conversation goes on in another session. If you go on here as well, both write to it, and neither sees what the other does.",
  yes: "Go on here too",
  danger: true,
};

const ago = (at: number) => {
  const words = age(Date.now() - at);
  return words === "now" ? "just now" : `${words} ago`;
};
