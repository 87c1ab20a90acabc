// Paired phones and their notifications: what this one has to do, how each stands, and what became of every push.
import type { PushDelivery, PushOverview, PushPhone, SessionId, Viewer } from "../src/protocol.ts";
import { ApiFailure, get, patch, post, remove } from "./api.ts";
import { confirm } from "./dialogs.ts";
import { element, fromTemplate, part, reconcile, setIcon, setMarked, setText } from "./dom.ts";
import { ownPush } from "./own-push.ts";
import { reading } from "./reading.ts";
import type { Context, Drawn } from "./screen.ts";
import { hostOf, projectOf } from "./session-words.ts";
import { signOut, signOutWords } from "./settings-view.ts";
import { age, clockTime } from "./times.ts";

type Known = { viewers: Viewer[]; own: string; push: PushOverview };
type Listed = { viewer: Viewer; push: PushPhone | null; own: boolean };

/** Last seen and states change without an event of ours. */
const REFRESH_MS = 10_000;
const SNOOZE_MINUTES = 60;

export function phonesView(body: HTMLElement, { model, say }: Context): Drawn {
  const root = fromTemplate("phones-view");
  body.append(root);
  const at = (name: string) => part(root, name, HTMLElement);
  let known: Known | null = null;
  const { load, close } = reading({
    read: () => Promise.all([get("/api/viewers"), get("/api/push")]),
    take([viewers, push]) {
      known = { ...(viewers as Pick<Known, "viewers" | "own">), push: push as PushOverview };
      draw();
    },
    say(problem) {
      at("loading").hidden = true;
      say(problem, load);
    },
  });
  const own = ownPush(at("own"), load);
  const timer = setInterval(() => document.visibilityState === "visible" && load(), REFRESH_MS);
  load();

  /** A tap that the server has to carry out. */
  async function does(work: () => Promise<unknown>) {
    try {
      await work();
      say(null);
      await load();
    } catch (error) {
      say(error);
    }
  }

  function draw() {
    if (!known) return;
    const { viewers, push } = known;
    at("loading").hidden = true;
    const pushOf = (viewer: Viewer) => push.phones.find((one) => one.viewer === viewer.id) ?? null;
    const isOwn = (viewer: Viewer) => viewer.id === known?.own;
    own.update(push.phones.find((one) => one.viewer === known?.own) ?? null);
    const rows = viewers
      .map((viewer) => ({ viewer, push: pushOf(viewer), own: isOwn(viewer) }))
      .sort((a, b) => Number(b.own) - Number(a.own) || b.viewer.last_seen - a.viewer.last_seen);
    reconcile(at("rows"), rows, ({ viewer }) => viewer.id, makeRow, drawRow);
    drawSnoozes();
  }

  function makeRow({ viewer }: Listed) {
    const row = fromTemplate("phone-row");
    const press = (name: string, work: () => unknown) =>
      part(row, name, HTMLElement).addEventListener("click", work);
    press("test", () => test(row, viewer));
    press("rename", () => rename(viewer.id));
    press("revoke", () => revoke(viewer.id));
    part(row, "log", HTMLDetailsElement).addEventListener("toggle", () => log(row, viewer));
    return row;
  }

  function drawRow(row: HTMLElement, { viewer, push, own: mine }: Listed) {
    const within = (name: string) => part(row, name, HTMLElement);
    setMarked(within("name"), viewer.name);
    within("mine").hidden = !mine;
    setText(within("seen"), mine ? "seen now" : `seen ${ago(model.now() - viewer.last_seen)}`);
    const { look, text } = standing(push);
    within("state").className = `push-state ${look}`;
    setIcon(part(row, "icon", SVGUseElement), LOOKS[look]);
    setText(within("word"), text);
    within("reason").hidden = !push?.reason || look === "good";
    setText(within("reason"), push?.reason ?? "");
    within("test").hidden = !push?.service;
    within("log").hidden = push === null;
    for (const [name, verb] of Object.entries({ test: "Test", rename: "Rename", revoke: "Revoke" }))
      within(name).setAttribute("aria-label", `${verb} ${viewer.name}`);
  }

  async function test(row: HTMLElement, viewer: Viewer) {
    const told = part(row, "told", HTMLElement);
    told.hidden = false;
    setText(told, "Sending …");
    try {
      const result = (await post("/api/push/test", { viewer: viewer.id })) as Pick<
        PushDelivery,
        "outcome" | "reason"
      >;
      const sent = result.outcome === "sent";
      setText(
        told,
        sent ? "Its push service has taken it." : `Not sent: ${result.reason ?? result.outcome}.`,
      );
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setText(told, error.message);
    }
    await log(row, viewer);
    await load();
  }

  const viewerOf = (id: string) => known?.viewers.find((viewer) => viewer.id === id);

  async function rename(id: string) {
    const body = element("label", "field");
    const name = document.createElement("input");
    body.append(element("span", "", "Name"), name);
    name.maxLength = 60;
    name.value = viewerOf(id)?.name ?? "";
    const agreed = await confirm({ title: "Rename this phone", text: "", yes: "Rename", body });
    if (agreed && name.value.trim())
      await does(() => patch(`/api/viewers/${id}`, { name: name.value.trim() }));
  }

  async function revoke(id: string) {
    const viewer = viewerOf(id);
    const mine = id === known?.own;
    const title = `Revoke ${viewer?.name ?? "this phone"}?`;
    const text =
      "It can then neither watch nor answer, at once. To let it in again you need the terminal, or a paired phone.";
    if (!(await confirm(mine ? signOutWords() : { title, text, yes: "Revoke", danger: true }))) return;
    await does(() => (mine ? signOut(model) : remove(`/api/viewers/${id}`)));
  }

  async function log(row: HTMLElement, viewer: Viewer) {
    if (!part(row, "log", HTMLDetailsElement).open) return;
    const list = part(row, "deliveries", HTMLElement);
    try {
      const path = `/api/push/deliveries?viewer=${encodeURIComponent(viewer.id)}`;
      const { deliveries } = (await get(path)) as { deliveries: PushDelivery[] };
      reconcile(
        list,
        deliveries,
        ({ id }) => String(id),
        makeDelivery,
        () => {},
      );
      part(row, "none", HTMLElement).hidden = deliveries.length > 0;
    } catch (error) {
      say(error);
    }
  }

  function makeDelivery({ at: when, title, outcome, status, reason }: PushDelivery) {
    const item = element("li", `delivery ${outcome === "sent" ? "good" : ""}`);
    const what = element("bdi", "what");
    setMarked(what, title);
    const how = [OUTCOMES[outcome], reason, status !== null && status >= 300 ? `(${status})` : null];
    const words = element("span", "quiet", how.filter(Boolean).join(" "));
    item.append(element("span", "age", clockTime(when, model.now())), what, words);
    return item;
  }

  function drawSnoozes() {
    const open = model.ordered().filter((session) => model.look(session) !== "ended");
    at("snoozes").hidden = open.length === 0;
    reconcile(
      at("snooze-rows"),
      open,
      ({ id }) => id,
      ({ id }) => {
        const row = fromTemplate("snooze-row");
        part(row, "act", HTMLElement).addEventListener("click", () => snooze(id));
        return row;
      },
      (row, session) => {
        const until = known?.push.snoozed[session.id];
        setMarked(part(row, "project", HTMLElement), projectOf(session));
        const host = until ? `silent until ${clockTime(until, model.now())}` : `on ${hostOf(session)}`;
        setMarked(part(row, "host", HTMLElement), host);
        setText(part(row, "act", HTMLElement), until ? "Wake" : "Snooze 1 h");
        part(row, "act", HTMLElement).setAttribute(
          "aria-label",
          until ? `Wake ${projectOf(session)}` : `Snooze 1 h: ${projectOf(session)}`,
        );
      },
    );
  }

  function snooze(session: SessionId) {
    const minutes = known?.push.snoozed[session] ? 0 : SNOOZE_MINUTES;
    return does(() => post("/api/push/snooze", { session, minutes }));
  }

  return {
    update: draw,
    close() {
      close();
      clearInterval(timer);
      own.close();
    },
  };
}

type Look = "good" | "bad" | "quiet";
const LOOKS: Record<Look, string> = { good: "done", bad: "warn", quiet: "idle" };

/** How notifications stand on one phone. */
export function standing(push: PushPhone | null): { look: Look; text: string } {
  if (!push) return { look: "quiet", text: "Notifications never turned on" };
  switch (push.state) {
    case "works":
      return { look: "good", text: "Notifications work" };
    case "untested":
      return { look: "quiet", text: "Notifications on, never seen to arrive" };
    case "refused":
      return { look: "bad", text: "Notifications are refused" };
    default:
      if (push.permission === "denied")
        return { look: "bad", text: "Notifications not allowed in its browser" };
      return push.reason
        ? { look: "bad", text: "Notifications went off" }
        : { look: "quiet", text: "Notifications off" };
  }
}

const OUTCOMES: Record<PushDelivery["outcome"], string> = {
  sent: "sent",
  refused: "refused:",
  gone: "gone:",
  limited: "later:",
  failed: "later:",
  expired: "given up:",
  answered_first: "answered before it was sent",
};

const ago = (ms: number) => (age(ms) === "now" ? "now" : `${age(ms)} ago`);
