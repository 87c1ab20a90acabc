// Files on their way to a session's machine: handed over piece by piece, so that one that is cut goes on where it was.
import { CONFIRM_WITHIN_MS, type FileId, type FileState, type SessionId } from "../src/protocol.ts";
import { ApiFailure, postBytes, remove } from "./api.ts";
import { type ComposerParts, toolButton } from "./composer-parts.ts";
import { element, icon, reconcile, setMarked, setText } from "./dom.ts";
import { newId } from "./ids.ts";
import { lighter } from "./lighter.ts";
import type { Model } from "./model.ts";

/** Bytes of one request: the server takes a little more. A lost one is sent again, whole. */
const PIECE_BYTES = 192 * 1024;
/** Files attached to one text. */
const MAX_FILES = 10;
/** Waits before a piece is sent again, ms; the last one repeats. */
const AGAIN_MS = [500, 1_000, 2_000, 4_000];
/** In a row, with a connection: then it is for somebody to say whether it is tried again. */
const MAX_FAILURES = 8;
/** A piece waits for the host's disk: longer than any other request. */
const PIECE_MS = 3 * CONFIRM_WITHIN_MS;

type Attached = {
  id: FileId;
  name: string;
  size: number;
  /** None where only the page before this one had them: it is there already. */
  bytes: Blob;
  /** So much of it is on the host's disk. */
  upto: number;
  /** Where it is there, once it is whole. */
  path: string | null;
  problem: string | null;
  /** It will not get there by trying again. */
  refused: boolean;
  /** Nothing is under way. */
  idle: boolean;
  abort: AbortController;
};

/** The files of each session's next text; they outlive its view, and those that are there the page, as its draft does. */
const attached = new Map<SessionId, Attached[]>();
const KEY = "attached:";

function filesOf(session: SessionId): Attached[] {
  const known = attached.get(session) ?? kept(session);
  attached.set(session, known);
  return known;
}

function setFiles(session: SessionId, files: Attached[]) {
  attached.set(session, files);
  keep(session);
}

function keep(session: SessionId) {
  const there = filesOf(session).flatMap(({ id, name, size, path }) =>
    path ? [{ id, name, size, path }] : [],
  );
  try {
    if (there.length > 0) localStorage.setItem(KEY + session, JSON.stringify(there));
    else localStorage.removeItem(KEY + session);
  } catch {
    // Private mode or a full store: they live as long as the page.
  }
}

function kept(session: SessionId): Attached[] {
  try {
    const files: unknown = JSON.parse(localStorage.getItem(KEY + session) ?? "[]");
    return Array.isArray(files)
      ? files.map((file) => ({ ...made(file, new Blob()), ...file, upto: file.size }))
      : [];
  } catch {
    return [];
  }
}

const made = ({ name, size }: { name: string; size: number }, bytes: Blob): Attached => ({
  ...{ id: newId() as FileId, name, size, bytes, upto: 0, path: null, problem: null },
  ...{ refused: false, idle: true, abort: new AbortController() },
});

/** The files of one composer. */
export function attachFiles({ model, session, text, above, changed, say }: ComposerParts) {
  const input = document.createElement("input");
  const list = element("ul", "attached");
  const button = toolButton("attach", "Attach a photo or file", () => input.click());
  const form = text.closest("form");

  input.type = "file";
  input.multiple = true;
  input.hidden = true;
  list.setAttribute("aria-label", "Attached files");
  list.hidden = true;
  above.append(list);
  button.append(input);
  input.addEventListener("click", (event) => event.stopPropagation());
  input.addEventListener("change", () => {
    add([...(input.files ?? [])]);
    input.value = "";
  });
  text.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  });
  form?.addEventListener("dragover", (event) => event.preventDefault());
  form?.addEventListener("drop", (event) => {
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  });

  const own = () => filesOf(session);

  async function add(files: File[]) {
    const room = MAX_FILES - own().length;
    say("files", "warn", files.length > room ? `At most ${MAX_FILES} files go with one text.` : "");
    const wanted = files.slice(0, Math.max(0, room));
    const empty = wanted.find(({ size }) => size === 0);
    if (empty) say("files", "warn", `${empty.name} is empty.`);
    // They are there from now on: a text that is sent meanwhile would go without them.
    const fresh = wanted
      .filter(({ size }) => size > 0)
      .map((file) => ({ file, one: { ...made(file, file), name: file.name || "file", idle: false } }));
    setFiles(session, [...own(), ...fresh.map(({ one }) => one)]);
    changed();
    model.changed();
    for (const { file, one } of fresh) {
      const { bytes, name } = await lighter(file);
      Object.assign(one, { bytes, name, size: bytes.size, idle: true });
      if (!one.abort.signal.aborted) handOver(model, session, one);
    }
  }

  function drop(one: Attached) {
    one.abort.abort();
    setFiles(
      session,
      own().filter((other) => other !== one),
    );
    // Should this not arrive, the file goes with the session.
    remove(`${pathOf(session)}/${encodeURIComponent(one.id)}`).catch(() => {});
    say("files", "", "");
    model.changed();
  }

  function make(one: Attached): HTMLElement {
    const item = element("li", "attached-file");
    const words = element("span", "attached-words");
    const progress = document.createElement("progress");
    const name = element("bdi", "attached-name");
    words.append(name, element("span", "attached-stage quiet"), progress);
    const again = element("button", "text-button", "Retry");
    again.addEventListener("click", () => handOver(model, session, one));
    const away = document.createElement("button");
    away.className = "compose-tool";
    away.append(icon("close"));
    away.addEventListener("click", () => drop(one));
    for (const one of [again, away]) one.setAttribute("type", "button");
    item.append(words, again, away);
    return item;
  }

  function drawOne(item: HTMLElement, one: Attached) {
    const { path, upto, size, problem, refused, idle } = one;
    const [words, again, away] = item.children;
    const [name, stage, progress] = words?.children ?? [];
    if (name) setMarked(name, one.name);
    progress?.setAttribute("aria-label", `${one.name} on its way`);
    away?.setAttribute("aria-label", `Remove ${one.name}`);
    const done = `${sizeOf(upto)} of ${sizeOf(size)}`;
    const failed = problem !== null && (refused || idle);
    item.classList.toggle("failed", failed);
    item.classList.toggle("waits", problem !== null);
    const waits = problem ? `${done}. Waits: ${problem}` : done;
    if (stage) setText(stage, path ? `${sizeOf(size)}, ready` : failed ? problem : waits);
    if (progress instanceof HTMLProgressElement) {
      progress.hidden = path !== null || failed;
      progress.max = size;
      progress.value = upto;
    }
    if (again instanceof HTMLElement) again.hidden = !(failed && !refused);
  }

  function update() {
    list.hidden = own().length === 0;
    reconcile(list, own(), ({ id }) => id, make, drawOne);
    for (const one of own()) if (one.idle && !one.path && !one.problem) handOver(model, session, one);
  }

  return {
    button,
    update,
    /** Some are not there yet, or will never be. */
    get waits() {
      return own().some(({ path }) => path === null);
    },
    get any() {
      return own().length > 0;
    },
    /**
     * What claude is told of them: it reads a file whose name follows an @. The name ends with a blank, for after it claude
     * offers files, and Enter would take the first of them.
     */
    take(): string {
      const words = own().flatMap(({ path }) => (path === null ? [] : [mention(path)]));
      setFiles(session, []);
      return words.join(" ");
    },
    close() {},
  };
}

/** As claude takes it. */
const mention = (path: string) => (/\s/.test(path) ? `@"${path}" ` : `@${path} `);

const pathOf = (session: SessionId) => `/api/sessions/${encodeURIComponent(session)}/files`;

/** Hands a file over from where the host has it, again and again until it is there, refused or not wanted any more. */
async function handOver(model: Model, session: SessionId, one: Attached) {
  if (!one.idle || one.refused || one.path) return;
  Object.assign(one, { idle: false, problem: null });
  const { signal } = one.abort;
  for (let failures = 0; one.path === null && !signal.aborted; ) {
    try {
      if (model.connection.kind === "logged_out")
        throw new ApiFailure("unauthorized", "This phone is not paired.");
      const { upto, path } = await piece(session, one);
      if (upto !== one.upto) failures = 0;
      Object.assign(one, { upto: Math.min(upto, one.size), path, problem: null });
      if (path) keep(session);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiFailure)) throw error;
      one.problem = error.message;
      one.refused = !error.retryable;
      const away = error.code === "network" || error.code === "unreachable"; // That ends some day.
      if (one.refused || (!away && failures >= MAX_FAILURES)) break;
      model.changed();
      const pause = AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)] ?? 0;
      await after(model, Math.max(pause, error.againMs), signal);
    }
    model.changed();
  }
  one.idle = true;
  model.changed();
}

async function piece(session: SessionId, { id, name, bytes, upto, abort }: Attached): Promise<FileState> {
  const end = Math.min(upto + PIECE_BYTES, bytes.size);
  const about = { id, name, size: String(bytes.size), at: String(upto) };
  const path = `${pathOf(session)}?${new URLSearchParams(about)}`;
  const own = new AbortController();
  const stop = () => own.abort();
  const timer = setTimeout(stop, PIECE_MS);
  abort.signal.addEventListener("abort", stop);
  try {
    return fileIn(await postBytes(path, bytes.slice(upto, end), own.signal));
  } finally {
    clearTimeout(timer);
    abort.signal.removeEventListener("abort", stop);
  }
}

/** That many ms later, and not before there is a connection. */
function after(model: Model, ms: number, signal: AbortSignal): Promise<void> {
  const isLive = () => model.connection.kind === "live" || signal.aborted;
  return new Promise((resolve) => {
    setTimeout(() => {
      if (isLive()) return resolve();
      const stop = model.subscribe(() => {
        if (!isLive()) return;
        stop();
        resolve();
      });
      signal.addEventListener("abort", () => {
        stop();
        resolve();
      });
    }, ms);
  });
}

function fileIn(value: unknown): FileState {
  if (value && typeof value === "object" && "upto" in value && typeof value.upto === "number")
    return value as FileState;
  throw new ApiFailure("network", "The server did not say how much of the file is there.");
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
