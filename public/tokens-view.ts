// API tokens: which programs and machines may do what here, until when, and the end of each.
import type { ApiToken, TokenScope } from "../src/protocol.ts";
import { get, remove } from "./api.ts";
import { confirm } from "./dialogs.ts";
import { element, icon, reconcile, setIcon, setMarked, setText } from "./dom.ts";
import { reading } from "./reading.ts";
import type { Context, Drawn } from "./screen.ts";
import { age, clockTime } from "./times.ts";

/** When each was used last changes without an event of ours. */
const REFRESH_MS = 10_000;

const MAY: Record<TokenScope, string> = {
  read: "reads sessions and conversations",
  input: "types to Claude",
  metrics: "reads the server’s numbers",
  operate: "operates the server: pairs, lets in, revokes, attaches",
};

export function tokensView(body: HTMLElement, { model, say }: Context): Drawn {
  const loading = element("p", "loading quiet", "Reading …");
  const rows = element("ul", "phone-rows");
  const none = element("p", "quiet", "No program has one. The owner makes one in a terminal: ");
  none.append(element("code", "", "claude-remote token create"));
  none.hidden = true;
  body.append(loading, none, rows);
  const { load, close } = reading({
    read: async () => (await get("/api/tokens")) as { tokens: ApiToken[] },
    take({ tokens }) {
      loading.hidden = true;
      none.hidden = tokens.length > 0;
      reconcile(rows, tokens, ({ id }) => id, makeRow, drawRow);
    },
    say,
  });
  const timer = setInterval(() => document.visibilityState === "visible" && load(), REFRESH_MS);
  load();

  function makeRow(token: ApiToken) {
    const row = element("li", "phone");
    const head = element("p", "phone-head");
    const name = element("bdi", "project");
    setMarked(name, token.name);
    head.append(name, element("span", "age"));
    const revokes = element("button", "tool", "Revoke");
    revokes.setAttribute("type", "button");
    revokes.setAttribute("aria-label", `Revoke ${token.name}`);
    revokes.addEventListener("click", () => revoke(token));
    const acts = element("p", "phone-acts");
    acts.append(revokes);
    row.append(head, ...token.scopes.map(mayDo), element("p", "quiet until"), acts);
    return row;
  }

  function drawRow(row: HTMLElement, { created_at, expires_at, last_used }: ApiToken) {
    const now = model.now();
    const at = (name: string) => row.querySelector(`.${name}`) ?? row;
    setText(at("age"), last_used === null ? "never used" : `used ${ago(now - last_used)}`);
    setText(at("until"), `Made ${ago(now - created_at)}, good until ${clockTime(expires_at, now)}`);
  }

  async function revoke({ id, name, scopes }: ApiToken) {
    const what = scopes.includes("operate") ? "That machine then only reports its sessions." : "";
    const text = `It stops working at once. Only the owner can make another. ${what}`.trim();
    if (!(await confirm({ title: `Revoke ${name}?`, text, yes: "Revoke", danger: true }))) return;
    try {
      await remove(`/api/tokens/${id}`);
      say(null);
      await load();
    } catch (error) {
      say(error);
    }
  }

  return {
    close() {
      close();
      clearInterval(timer);
    },
  };
}

/** What it may, the right of an owner marked. */
function mayDo(scope: TokenScope): HTMLElement {
  const line = element("p", `push-state ${scope === "operate" ? "bad" : "quiet"}`);
  const mark = icon("idle");
  const use = mark.querySelector("use");
  if (use && scope === "operate") setIcon(use, "warn");
  line.append(mark, element("span", "", MAY[scope] ?? scope));
  return line;
}

const ago = (ms: number) => (age(ms) === "now" ? "just now" : `${age(ms)} ago`);
