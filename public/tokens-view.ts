// API tokens and machines: which programs and machines may do what here, until when, and the end of each.
import type { ApiToken, DeviceId, TokenScope } from "../src/protocol.ts";
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

/** A machine that may report its sessions, as `/api/devices` has it. */
type Machine = {
  id: DeviceId;
  name: string;
  created_at: number;
  last_seen: number;
  revoked_at: number | null;
};
/** The server's own machine, which holds the keys. */
const OWN = "local";

export function tokensView(body: HTMLElement, { model, say }: Context): Drawn {
  const loading = element("p", "loading quiet", "Reading …");
  const rows = element("ul", "phone-rows");
  const none = element("p", "quiet", "No program has a token. The owner makes one in a terminal: ");
  none.append(element("code", "", "claude-remote token create"));
  none.hidden = true;
  const machines = element("section", "machines");
  const machineRows = element("ul", "phone-rows");
  machines.append(
    element("h2", "", "Machines"),
    element("p", "quiet", "Each reports its own sessions."),
    machineRows,
  );
  machines.hidden = true;
  body.append(loading, none, rows, machines);
  const { load, close } = reading({
    async read() {
      const [{ tokens }, { devices = [] }] = (await Promise.all([
        get("/api/tokens"),
        get("/api/devices"),
      ])) as [{ tokens: ApiToken[] }, { devices?: Machine[] }];
      return { tokens, others: devices.filter(({ id, revoked_at }) => id !== OWN && revoked_at === null) };
    },
    take({ tokens, others }) {
      loading.hidden = true;
      none.hidden = tokens.length > 0;
      reconcile(rows, tokens, ({ id }) => id, makeRow, drawRow);
      machines.hidden = others.length === 0;
      reconcile(machineRows, others, ({ id }) => id, makeMachine, drawMachine);
    },
    say(problem) {
      loading.hidden = true;
      say(problem, load);
    },
  });
  const timer = setInterval(() => document.visibilityState === "visible" && load(), REFRESH_MS);
  load();

  const makeRow = (token: ApiToken) => rowOf(token.name, token.scopes.map(mayDo), () => revoke(token));
  const makeMachine = (machine: Machine) => rowOf(machine.name, [], () => cutOff(machine));

  function drawRow(row: HTMLElement, { created_at, expires_at, last_used }: ApiToken) {
    const now = model.now();
    const at = (name: string) => row.querySelector(`.${name}`) ?? row;
    setText(at("age"), last_used === null ? "never used" : `used ${ago(now - last_used)}`);
    setText(at("until"), `Made ${ago(now - created_at)}, good until ${clockTime(expires_at, now)}`);
  }

  async function revoke({ id, name, scopes }: ApiToken) {
    const what = scopes.includes("operate") ? "That machine then only reports its sessions." : "";
    const text = `It stops working at once. Only the owner can make another. ${what}`.trim();
    await ends(name, text, `/api/tokens/${id}`);
  }

  function drawMachine(row: HTMLElement, { created_at, last_seen }: Machine) {
    const now = model.now();
    const at = (name: string) => row.querySelector(`.${name}`) ?? row;
    setText(at("age"), `seen ${ago(now - last_seen)}`);
    setText(at("until"), `Let in ${ago(now - created_at)}`);
  }

  function cutOff({ id, name }: Machine) {
    const text =
      "Its sessions are cut off here at once, and it reports none any more; Claude goes on there. Only the owner can let it in again.";
    return ends(name, text, `/api/devices/${id}`);
  }

  /** After a yes. */
  async function ends(name: string, text: string, path: string) {
    if (!(await confirm({ title: `Revoke ${name}?`, text, yes: "Revoke", danger: true }))) return;
    try {
      await remove(path);
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

/** A row with its button; what changes in it is drawn afterwards. */
function rowOf(words: string, lines: readonly HTMLElement[], revoke: () => void): HTMLElement {
  const row = element("li", "phone");
  const head = element("p", "phone-head");
  const name = element("bdi", "project");
  setMarked(name, words);
  head.append(name, element("span", "age"));
  const revokes = element("button", "tool", "Revoke");
  revokes.setAttribute("type", "button");
  revokes.setAttribute("aria-label", `Revoke ${words}`);
  revokes.addEventListener("click", revoke);
  const acts = element("p", "phone-acts");
  acts.append(revokes);
  row.append(head, ...lines, element("p", "quiet until"), acts);
  return row;
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
