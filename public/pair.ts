// Letting this phone in: the code from the link or typed, a tap, two digits to compare, and the yes in the terminal.
import type { PairBody } from "../src/protocol.ts";
import { ApiFailure, keepKey, post } from "./api.ts";
import { fromTemplate, part, setText } from "./dom.ts";
import { newId } from "./ids.ts";

const POLL_MS = 1_000;

/** What the server says to a code: wait for the yes, or come in. */
type Reply = { status: "pending"; check: string } | { status: "paired"; key?: string | null };

/**
 * The pairing page. `code` comes from the link, or null when it has to be typed; `unsent` texts wait for this phone to be
 * paired again. `onPaired` once the login is set.
 */
export function pairView(code: string | null, unsent: number, onPaired: () => void) {
  const root = fromTemplate("pair-view");
  const at = (name: string) => part(root, name, HTMLElement);
  const typed = part(root, "code", HTMLInputElement);
  const name = part(root, "name", HTMLInputElement);
  const go = part(root, "go", HTMLButtonElement);
  /** By this the server knows the phone again, whichever answer was lost on the way. */
  const claim = newId();
  let waits = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  setText(at("server"), location.host);
  setText(
    at("lead"),
    code
      ? "It will be able to watch, answer and type to every Claude session on this server:"
      : "This browser is not paired with this server:",
  );
  at("code-field").hidden = code !== null;
  at("unsent").hidden = unsent === 0;
  setText(at("unsent"), unsent === 1 ? ONE_UNSENT : `${unsent} ${MANY_UNSENT}`);
  name.value = deviceName(navigator.userAgent);
  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = code ?? typed.value.trim();
    if (given === "") return say("Type the code that the terminal shows.");
    begin({ code: given, name: name.value.trim() || "Phone" });
  });

  function say(problem: string | null) {
    waits = false;
    at("problem").hidden = problem === null;
    setText(at("problem"), problem ?? "");
    go.disabled = false;
    at("form").hidden = false;
    at("check").hidden = true;
  }

  async function begin(body: { code: string; name: string }) {
    go.disabled = true;
    try {
      const bind = location.protocol === "http:"; // Over https no other port of the host speaks for it.
      const given: PairBody = { ...body, claim, bind };
      const reply = (await post("/api/pair", given)) as Reply;
      if (reply.status === "paired") keepKey(reply.key ?? null);
      if (closed) return;
      if (reply.status === "paired") return onPaired();
      at("form").hidden = true;
      at("check").hidden = false;
      setText(at("digits"), reply.check);
      waits = true;
      timer = setTimeout(begin, POLL_MS, body);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (closed) return;
      if (error.retryable && waits) timer = setTimeout(begin, Math.max(POLL_MS, error.againMs), body);
      else say(error.message);
    }
  }

  return {
    root,
    update() {},
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

const ONE_UNSENT =
  "One text was not sent. Keep this page open: once the phone is paired again, it waits in its session for you to send or remove.";
const MANY_UNSENT =
  "texts were not sent. Keep this page open: once the phone is paired again, they wait in their sessions for you to send or remove.";

/**
 * The code in the page's address, or null. Takes it out of the address at once, so that it stays in no history and no
 * later request can carry it.
 */
export function takeCode(): string | null {
  const code = location.hash.slice(1);
  if (location.pathname !== "/pair" || code === "") return null;
  history.replaceState(null, "", "/pair");
  return code;
}

/** "iPhone (Safari)" of a user agent, as far as it says. */
export function deviceName(agent: string): string {
  const android = /Android[^;)]*;\s*([^;)]+?)(\s+Build|[;)])/.exec(agent)?.[1];
  const device = /iPhone|iPad|Macintosh|Windows|CrOS/.exec(agent)?.[0];
  const machine =
    android && android !== "K" && android !== "Mobile"
      ? android
      : android
        ? "Android"
        : (NAMES[device ?? ""] ?? device ?? "Linux");
  const browser = /Firefox|FxiOS/.test(agent)
    ? "Firefox"
    : /Edg/.test(agent)
      ? "Edge"
      : /Chrome|CriOS/.test(agent)
        ? "Chrome"
        : /Safari/.test(agent)
          ? "Safari"
          : "browser";
  return `${machine} (${browser})`;
}

const NAMES: Record<string, string> = { Macintosh: "Mac", CrOS: "Chromebook" };
