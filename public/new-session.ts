// A new session: what is asked before it, then how it comes to be, step by step.
import type { EarlierConversation, Launch, LaunchBody, LaunchId } from "../src/protocol.ts";
import { ApiFailure, get, post, remove } from "./api.ts";
import { type Draft, dropDraft, overview, readDraft } from "./devboxes.ts";
import { disabled } from "./devboxes-view.ts";
import { confirm } from "./dialogs.ts";
import { element } from "./dom.ts";
import { newId } from "./ids.ts";
import { launchView } from "./launch-view.ts";
import type { Context, Drawn } from "./screen.ts";
import { type Continued, sessionForm } from "./session-form.ts";

/** The launch of this tab, so that a reloaded page shows it; in the address, whosever is looked at. */
const LAUNCH = "launch";
const inAddress = () => new URLSearchParams(location.search).get(LAUNCH);
/** What an ended session's own screen leads here with: the devbox and the conversation that is to go on. */
function continued(): Continued | null {
  const query = new URLSearchParams(location.search);
  const [devbox, resume] = [query.get("devbox"), query.get("resume")];
  return devbox && resume ? { devbox, resume } : null;
}
const isOwn = ({ id }: Launch) => sessionStorage.getItem(LAUNCH) === id;

/** A start that failed while its screen was not looked at: told, and tapped again, where one comes back to it. */
let untold: { sent: LaunchBody; lost: boolean; problem: string } | null = null;
/** Tells it on the screen that is looked at now, if there is one again. */
let tellNow: (() => void) | null = null;

const ALIVE = {
  title: "It is running now",
  text: "That conversation goes on in another session. If you go on here as well, both write to it, and neither sees what the other does.",
  yes: "Go on here too",
  danger: true,
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
      say(null);
      if (!known.enabled) return void body.append(disabled());
      const under = launches.find(({ id }) => id === wanted);
      // It began while somebody looked elsewhere: what was typed for it is not to be sent again.
      if (under?.step === "started" && !inAddress()) dropDraft();
      form = sessionForm(known, continued(), (draft, resume) => start(draft, resume));
      body.append(form.root);
      tellNow = tell;
      tell();
      if (under && (under.step !== "started" || inAddress())) follow(under);
      else if (!inAddress()) sessionStorage.removeItem(LAUNCH);
    } catch (error) {
      loading.hidden = true;
      if (!closed) say(error, begin);
    }
  }

  function tell() {
    if (!untold) return;
    ({ sent, lost } = untold);
    form?.trouble(untold.problem);
    untold = null;
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
      if (closed) {
        untold = { sent: asked, lost, problem: error.message };
        tellNow?.();
      } else {
        change();
        form?.trouble(error.message);
      }
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
    change();
    if (before) send({ ...before, launch: newId() as LaunchId });
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
      if (tellNow === tell) tellNow = null;
      form?.close();
    },
  };
}
