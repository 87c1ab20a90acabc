// What one may set on this phone: how the page looks, what is kept here, and the end of logins.
import { post } from "./api.ts";
import { confirm } from "./dialogs.ts";
import { element, setText } from "./dom.ts";
import type { Model } from "./model.ts";
import { dropList, keepList } from "./offline.ts";
import { keptTexts } from "./outbox.ts";
import { pollingSince } from "./polling.ts";
import { prefer, preference } from "./preferences.ts";
import type { Context, Drawn } from "./screen.ts";
import { clockTime } from "./times.ts";

const THEMES = { system: "System", light: "Light", dark: "Dark" } as const;

export function settingsView(body: HTMLElement, { model, say }: Context): Drawn {
  const connection = element("p", "quiet");
  const version = element("p", "quiet");
  body.append(
    section("Look", themes(), wrap()),
    section("On this phone", keep(model)),
    section("Connection", connection, version),
    section("Logins", ...logins(model, say)),
  );
  return {
    update() {
      setText(connection, connectionWords(model));
      setText(version, model.version ? `Server version ${model.version}` : "");
    },
  };
}

function section(title: string, ...parts: HTMLElement[]): HTMLElement {
  const made = element("section", "");
  const heading = element("h2", "", title);
  heading.id = `settings-${title.toLowerCase().replaceAll(" ", "-")}`;
  made.setAttribute("aria-labelledby", heading.id);
  made.append(heading, ...parts);
  return made;
}

function themes(): HTMLElement {
  const group = element("fieldset", "themes");
  group.append(element("legend", "sr", "Colours"));
  for (const [value, words] of Object.entries(THEMES) as [keyof typeof THEMES, string][]) {
    const label = element("label", "choice");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "theme", checked: preference("theme") === value });
    input.addEventListener("change", () => prefer("theme", value));
    label.append(input, element("span", "choice-body", words));
    group.append(label);
  }
  return group;
}

function onOff(words: string, about: string, on: boolean, change: (on: boolean) => void): HTMLElement {
  const label = element("label", "switch");
  const input = document.createElement("input");
  Object.assign(input, { type: "checkbox", checked: on });
  input.addEventListener("change", () => change(input.checked));
  const text = element("span", "", words);
  text.append(element("span", "quiet", about));
  label.append(input, text);
  return label;
}

const wrap = () =>
  onOff("Break long lines", "In the log; else they are read sideways", preference("wrap") === "on", (on) =>
    prefer("wrap", on ? "on" : "off"),
  );

const keep = (model: Model) =>
  onOff(
    "Keep the list on this phone",
    "Sessions and questions as they were last, to look at without a connection; gone when you sign out. No output and no messages.",
    preference("keep") === "on",
    (on) => {
      prefer("keep", on ? "on" : "off");
      if (on) keepList(model);
      else dropList();
    },
  );

function logins(model: Model, say: Context["say"]): HTMLElement[] {
  const told = element("p", "quiet");
  told.setAttribute("role", "status");
  const button = (words: string, press: () => Promise<void>) => {
    const made = element("button", "button danger wide", words);
    made.addEventListener("click", () => press().then(() => say(null), say));
    return made;
  };
  return [
    button("Sign out this phone", async () => {
      if (await confirm(signOutWords())) await signOut(model);
    }),
    button("Sign out everywhere else", async () => {
      if (!(await confirm(SIGN_OUT_OTHERS))) return;
      const { revoked } = (await post("/api/logout/others")) as { revoked: number };
      const many = revoked === 1 ? "One other phone is" : `${revoked} other phones are`;
      setText(told, revoked === 0 ? "No other phone was signed in." : `${many} signed out.`);
    }),
    told,
  ];
}

/** Ends this browser's login and leaves nothing of it here. Throws ApiFailure. */
export async function signOut(model: Model) {
  await post("/api/logout");
  model.connect({ kind: "logged_out" }); // What is kept is dropped by that, and nothing is kept from here on.
  location.assign("/");
}

/** What is asked before it. */
export function signOutWords() {
  const texts = keptTexts();
  const lost =
    texts === 1 ? " A text that waits to be sent is lost." : ` ${texts} texts that wait to be sent are lost.`;
  return {
    title: "Sign out this phone?",
    text: `It can then neither watch nor answer, and forgets what it keeps.${texts > 0 ? lost : ""} To pair it again you need the terminal, or another paired phone.`,
    yes: "Sign out",
    danger: true,
  };
}
const SIGN_OUT_OTHERS = {
  title: "Sign out everywhere else?",
  text: "Every other phone and browser can then neither watch nor answer, at once. This one stays.",
  yes: "Sign out others",
  danger: true,
};

function connectionWords(model: Model): string {
  if (model.connection.kind !== "live")
    return `No line now; last heard ${clockTime(model.asOf(), model.now())}.`;
  const since = pollingSince();
  if (!model.connection.polling || since === null) return "Live, by an event stream.";
  return `Live, by polling: something on the way keeps streams back (last tried ${clockTime(since, Date.now())}).`;
}
