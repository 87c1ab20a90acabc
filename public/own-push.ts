// Notifications on this very phone: the one next step, the test, and what its owner wants of them.
import type { PushDelivery, PushPhone, PushSettings } from "../src/protocol.ts";
import { ApiFailure, post } from "./api.ts";
import { element, fromTemplate, part, setText } from "./dom.ts";
import { allowedWhere, type Facts, fixesFor, type Situation, situationOf } from "./phone.ts";
import { facts, onArrival, PushFailure, turnOff, turnOn } from "./push.ts";

type Test = "none" | "sending" | "sent" | "arrived" | "missing";

/** Draws into `root`; `changed` after each thing that the list shows too. */
export function ownPush(root: HTMLElement, changed: () => void) {
  const view = fromTemplate("own-push");
  const at = (name: string) => part(view, name, HTMLElement);
  const input = (name: string) => part(view, name, HTMLInputElement);
  let known: PushPhone | null = null;
  let is: Facts | null = null;
  let test: Test = "none";
  let busy = false;
  /** What somebody set while something else was under way. */
  let unsaved = false;
  let problem = "";
  const stopListening = onArrival(() => arrived(true));
  root.replaceChildren(view);
  setText(at("address"), location.origin);

  const press = (name: string, work: () => Promise<unknown>) =>
    at(name).addEventListener("click", () => does(work));
  press("on", async () => {
    await turnOn();
    await sendTest();
  });
  press("off", async () => {
    await turnOff();
    test = "none";
  });
  press("test", sendTest);
  press("yes", () => arrived(true));
  press("no", () => arrived(false));
  for (const name of ["private", "quiet", "from", "to"]) input(name).addEventListener("change", set);
  look();

  /** One thing at a time; what goes wrong is said. */
  async function does(work: () => Promise<unknown>) {
    if (busy) return;
    busy = true;
    say("");
    draw();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiFailure || error instanceof PushFailure)) throw error;
      say(error.message);
    } finally {
      busy = false;
      if (unsaved) await set();
      await look();
      changed();
    }
  }

  /** All of it as it is by then: what is set in the middle of something is told after it. */
  async function set() {
    unsaved = busy;
    if (!busy) await does(save);
  }

  async function look() {
    is = await facts();
    draw();
  }

  async function sendTest() {
    test = "sending";
    draw();
    const result = (await post("/api/push/test")) as Pick<PushDelivery, "outcome" | "reason">;
    // It may have arrived before the answer did.
    if (result.outcome === "sent" && test === "sending") test = "sent";
    if (result.outcome !== "sent") {
      test = "missing";
      throw new PushFailure(`It was not sent: ${result.reason ?? result.outcome}.`);
    }
  }

  async function arrived(did: boolean) {
    test = did ? "arrived" : "missing";
    draw();
    await post("/api/push/tested", { arrived: did }).catch(() => {});
    changed();
  }

  function save() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const [from, to] = [input("from").value || "22:00", input("to").value || "07:00"];
    const quiet = input("quiet").checked ? { from, to, time_zone: timeZone } : null;
    return post("/api/push/settings", { private: input("private").checked, quiet } satisfies PushSettings);
  }

  function say(words: string) {
    problem = words;
    setText(at("problem"), words);
  }

  function draw() {
    const { platform } = is ?? { platform: "desktop" as const };
    const situation = is && situationOf(is);
    for (const name of ["insecure", "install", "unsupported", "denied", "off", "on"] satisfies Situation[])
      at(`is-${name}`).hidden = situation !== name;
    at("problem").hidden = problem === "" || situation === "denied"; // That says the same, and what to do.
    for (const name of ["on", "off", "test"]) part(view, name, HTMLButtonElement).disabled = busy;
    setText(at("on"), busy ? "Turning on …" : "Turn on notifications");
    setText(at("where"), allowedWhere(platform, navigator.userAgent));
    setText(at("lead"), leadOf(known, test));
    at("asked").hidden = test !== "sent";
    at("test").hidden = test === "sent";
    setText(at("test"), test === "sending" ? "Sending …" : "Send a test");
    at("fixes").hidden = test !== "missing";
    if (at("fix-list").childElementCount === 0 && is)
      at("fix-list").append(...fixesFor(platform).map((fix) => element("li", "", fix)));
    at("hours").hidden = !input("quiet").checked;
  }

  return {
    update(phone: PushPhone | null) {
      known = phone;
      // What somebody is changing now is not changed under the finger.
      if (phone && !busy && !view.contains(document.activeElement)) {
        input("private").checked = phone.private;
        input("quiet").checked = phone.quiet !== null;
        input("from").value = phone.quiet?.from ?? "22:00";
        input("to").value = phone.quiet?.to ?? "07:00";
      }
      draw();
    },
    close: stopListening,
  };
}

function leadOf(phone: PushPhone | null, test: Test): string {
  if (test === "sent") return "A test is on its way. Did it arrive?";
  if (test === "arrived") return "It arrived. You are told when Claude needs you.";
  if (test === "missing") return "It did not arrive.";
  if (phone?.state === "works") return "On: you are told when Claude needs you.";
  if (phone?.state === "refused") return `On, but refused: ${phone.reason ?? "no reason given"}.`;
  return "On. See whether one arrives:";
}
