// The devboxes: which there are, how each stands, adding one with a yes to its host key, and removing one.
import type { DevboxState } from "../src/protocol.ts";
import { ApiFailure, post, remove } from "./api.ts";
import {
  addressOf,
  failure,
  field,
  keepDraft,
  nameOf,
  type Overview,
  overview,
  pathOf,
  plainInput,
  readDraft,
  standing,
} from "./devboxes.ts";
import { confirm } from "./dialogs.ts";
import { element, reconcile, setMarked, setText } from "./dom.ts";
import { reading } from "./reading.ts";
import type { Context, Drawn } from "./screen.ts";
import { age } from "./times.ts";

/** What a login over ssh may take, and a little. */
type Tested = { devbox: DevboxState; fingerprint: string | null };

/** Hosts of ssh's configuration that are offered: more are typed sooner than found. */
const MOST_OFFERED = 12;

export function devboxesView(body: HTMLElement, { model, say, go }: Context): Drawn {
  const rows = element("ul", "devbox-rows");
  const loading = element("p", "loading quiet", "Reading …");
  const more = element("div", "devbox-more");
  /** Devboxes that are being tried now. */
  const trying = new Set<string>();
  let known: Overview | null = null;
  let closed = false;
  body.append(loading, rows, more);
  const { load, close } = reading({
    read: overview,
    take(found) {
      const first = known === null;
      known = found;
      loading.hidden = true;
      if (first) more.append(...(found.enabled ? [adding(found)] : [disabled()]));
      draw();
    },
    say(problem) {
      loading.hidden = true;
      say(problem, load);
    },
  });
  load();

  function draw() {
    reconcile(rows, known?.devboxes ?? [], ({ name }) => name, makeRow, drawRow);
  }

  function makeRow({ name }: DevboxState): HTMLElement {
    const row = element("li", "devbox");
    const acts = element("p", "devbox-acts");
    const act = (words: string, work: () => void) => {
      const button = element("button", "tool", words);
      button.setAttribute("type", "button");
      button.setAttribute("aria-label", `${words}: ${name}`);
      button.addEventListener("click", work);
      acts.append(button);
      return button;
    };
    act("New session", () => {
      keepDraft({ ...readDraft(), devbox: name, dir: "" });
      go("/new");
    });
    act("Test", () => test(name)).classList.add("test");
    act("Remove", () => forget(name)).classList.add("remove");
    const head = element("p", "devbox-head");
    head.append(element("bdi", "project"), element("span", "age"));
    row.append(head, element("bdi", "devbox-address mono"), element("div", "devbox-state"), acts);
    return row;
  }

  function drawRow(row: HTMLElement, devbox: DevboxState) {
    const { name, kind, error, last_used } = devbox;
    const within = (selector: string) => row.querySelector<HTMLElement>(selector);
    const [title, used, address, state] = [".project", ".age", ".devbox-address", ".devbox-state"].map(
      within,
    );
    if (!title || !used || !address || !state) return;
    setMarked(title, nameOf(devbox));
    setText(used, last_used === null ? "" : `used ${ago(model.now() - last_used)}`);
    setMarked(address, addressOf(devbox));
    const busy = trying.has(name);
    // Beside what went wrong no age is told: its words are there to be copied, and stand still.
    const seen = error || devbox.seen_at === null ? "" : ago(model.now() - devbox.seen_at);
    const said = JSON.stringify([busy, error, devbox.state, seen]);
    if (state.dataset.said !== said) {
      state.dataset.said = said;
      state.replaceChildren(
        stateLine(devbox, busy, model.now()),
        ...(error && !busy ? [failure(error, name)] : []),
      );
    }
    for (const button of row.querySelectorAll<HTMLButtonElement>("button"))
      button.hidden = !known?.enabled || (kind === "local" && button.classList.contains("remove"));
    for (const button of row.querySelectorAll<HTMLButtonElement>(".test")) button.disabled = busy;
  }

  /** Logs in; a host key that nobody knows is shown first, and believed after a yes alone. */
  async function test(name: string, yes?: string): Promise<void> {
    trying.add(name);
    draw();
    try {
      const { devbox, fingerprint } = (await post(
        pathOf(name, "/test"),
        yes ? { fingerprint: yes } : {},
      )) as Tested;
      trying.delete(name);
      say(null);
      known = known && {
        ...known,
        devboxes: known.devboxes.map((one) => (one.name === name ? devbox : one)),
      };
      draw();
      if (fingerprint && !closed && (await confirm(hostKey(devbox, fingerprint))))
        await test(name, fingerprint);
    } catch (error) {
      trying.delete(name);
      draw();
      say(error);
    }
  }

  async function forget(name: string) {
    const running = model
      .ordered()
      .filter((session) => session.devbox === name && model.look(session) !== "ended").length;
    const sessions = running === 1 ? "The session" : `The ${running} sessions`;
    const there = `${sessions} there will go on, but cannot be seen or answered from here any more.`;
    const text = `No session can be started on it until it is added again. ${running > 0 ? there : ""}`;
    if (!(await confirm({ title: `Remove ${name}?`, text, yes: "Remove", danger: true }))) return;
    try {
      await remove(pathOf(name));
      say(null);
    } catch (error) {
      say(error);
    }
    await load();
  }

  /** The form for another one, folded until it is wanted. */
  function adding({ devboxes, public_key: key, aliases = [] }: Overview): HTMLElement {
    const fold = document.createElement("details");
    fold.className = "devbox-add";
    fold.open = devboxes.length === 0;
    const form = document.createElement("form");
    const name = plainInput({ name: "name", maxLength: 40, required: true, placeholder: "box1" });
    const host = plainInput({
      name: "host",
      maxLength: 253,
      required: true,
      placeholder: "box1.example.org",
    });
    const user = plainInput({ name: "user", maxLength: 64 });
    const port = plainInput({ name: "port", maxLength: 5, inputMode: "numeric", placeholder: "22" });
    const file = plainInput({ name: "key", maxLength: 1_000, placeholder: "~/.ssh/id_ed25519" });
    const dir = plainInput({ name: "dir", maxLength: 4_000, placeholder: "~/" });
    const unknown = aliases.filter(
      (one) => !devboxes.some((known) => [known.name, known.host].includes(one)),
    );
    const trouble = element("p", "problem");
    trouble.setAttribute("role", "alert");
    trouble.hidden = true;
    const pair = element("div", "pair");
    pair.append(field("User", user), field("Port", port));
    const submit = document.createElement("button");
    Object.assign(submit, { type: "submit", className: "button approve wide", textContent: "Add and test" });
    const take = (alias: string) => {
      name.value = alias.slice(0, name.maxLength);
      host.value = alias;
      submit.focus();
    };
    form.append(
      ...(unknown.length === 0 ? [] : [offered(unknown.slice(0, MOST_OFFERED), take)]),
      field("Name", name, "What it is called here"),
      field("Host", host, "A name or address, or a host of the server's ssh configuration"),
      pair,
      // A server with a key of its own uses that alone.
      ...(key === null ? [field("Key", file, "The file of a private key, where ssh would not find it")] : []),
      field("Directory", dir, "Where sessions begin, unless you choose another one"),
      ...(key === null ? [] : [publicKey(key)]),
      trouble,
      submit,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      trouble.hidden = true;
      try {
        const number = port.value.trim();
        await post("/api/devboxes", {
          ...{ name: name.value.trim(), host: host.value.trim(), user: user.value.trim() || null },
          port: number === "" ? null : Number(number),
          key: file.value.trim() || null,
          dir: dir.value.trim() || null,
        });
        const added = name.value.trim();
        form.reset();
        fold.open = false;
        await load();
        await test(added);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        setText(trouble, error.message);
        trouble.hidden = false;
      } finally {
        submit.disabled = false;
      }
    });
    fold.append(element("summary", "", "Add a devbox"), form);
    fold.addEventListener("toggle", () => fold.open && fold.scrollIntoView());
    return fold;
  }

  return {
    update: draw,
    close() {
      closed = true;
      close();
    },
  };
}

/** Hosts that ssh knows already: a tap fills in what is to be typed. */
function offered(aliases: readonly string[], take: (alias: string) => void): HTMLElement {
  const block = element("div", "recent");
  block.append(element("p", "quiet", "Of the server's ssh configuration:"));
  for (const alias of aliases) {
    const one = element("button", "tool mono");
    one.setAttribute("type", "button");
    setMarked(one, alias);
    one.addEventListener("click", () => take(alias));
    block.append(one);
  }
  return block;
}

function stateLine({ state, error, kind, seen_at }: DevboxState, busy: boolean, now: number): HTMLElement {
  if (busy) return standing("quiet", "working", "Logging in …");
  if (state === "unreachable") return standing("bad", "unreachable", "Not reached when it was tried last");
  if (error) return standing("bad", "warn", "Reached, but a session could not be started");
  if (kind === "local") return standing("good", "done", "Here");
  if (seen_at === null) return standing("quiet", "idle", "Never tried yet");
  return standing("good", "done", `Reached ${ago(now - seen_at)}`);
}

function hostKey({ name, host }: DevboxState, fingerprint: string) {
  const body = element("div", "host-key");
  const shown = element("p", "command");
  const code = element("code", "", fingerprint);
  shown.append(code);
  const how = element("p", "quiet");
  how.append("The machine itself says it with ");
  how.append(element("code", "", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"));
  body.append(shown, how);
  const text = `The server has never logged in to ${host}. Is this the fingerprint of its host key?`;
  return { title: `Is this ${name}?`, text, yes: "It is", body };
}

function publicKey(key: string): HTMLElement {
  const block = element("div", "public-key");
  const shown = element("p", "command");
  shown.append(element("code", "", key));
  const copy = element("button", "tool", "Copy");
  copy.setAttribute("type", "button");
  copy.setAttribute("aria-label", "Copy the server's key");
  copy.addEventListener("click", async () => {
    const done = await navigator.clipboard?.writeText(key).then(
      () => true,
      () => false,
    );
    setText(copy, done ? "Copied" : "Select it by hand");
  });
  block.append(
    element("p", "quiet", "The devbox has to let this key in (~/.ssh/authorized_keys):"),
    shown,
    copy,
  );
  return block;
}

/** Where phones may not start anything, the owner can change that. */
export function disabled(): HTMLElement {
  const block = element("div", "disabled");
  const how = element("p", "command");
  how.append(element("code", "", "launch = true"));
  block.append(
    element("p", "", "Phones may not start sessions on this server. Its owner can let them, in config.toml:"),
    how,
  );
  return block;
}

const ago = (ms: number) => (age(ms) === "now" ? "now" : `${age(ms)} ago`);
