// `claude-remote pair`: a QR code that a phone can open, a one-time code, and a yes to the two digits.
import { encode } from "uqr";
import { admin, ownersServer } from "./background.ts";
import { askYes, CommandError, flags, printable, REFUSED } from "./command.ts";
import { loadConfig } from "./config.ts";
import type { Viewer } from "./protocol.ts";

const USAGE_LINE = "claude-remote pair [--yes] [--json]";
const LOOK_MS = 300;
/** A code lives so long (`pairingMs` of the server). */
const CODE_MS = 5 * 60_000;

type Opened = { code: string; url: string; expires_at: number };
type State =
  | { state: "closed" }
  | { state: "open"; expires_at: number }
  | { state: "requested"; name: string; address: string; check: string }
  | { state: "paired"; viewer: Viewer; check: string };

/** Lets one phone in. `--yes` does not ask at the terminal; `--json` prints {url, code, expires_at} and returns. */
export async function pair(args: string[]): Promise<number> {
  const { values } = flags(args, { yes: { type: "boolean" }, json: { type: "boolean" } }, USAGE_LINE);
  if (process.env.CLAUDECODE === "1") {
    throw new CommandError("pairing is refused below a running claude; use a terminal of your own", REFUSED);
  }
  if (!values.yes && !process.stdin.isTTY) {
    throw new CommandError(
      "pairing asks for a yes at a terminal; for scripts: claude-remote pair --json --yes",
      REFUSED,
    );
  }
  const config = loadConfig();
  await ownersServer(config);
  const opened = (await admin(config.paths, "POST", "/pair", { yes: values.yes === true })) as Opened;
  const { url } = opened;
  if (values.json) {
    console.log(JSON.stringify({ url, code: opened.code, expires_at: opened.expires_at }));
    return 0;
  }
  if (onThisMachineOnly(url)) waysFor(new URL(url).origin, config.host);
  else show(url);
  console.error(`\nCode ${opened.code}, for five minutes, once.`);
  const left = countdown();
  try {
    return await waitFor(() => admin(config.paths, "GET", "/pair") as Promise<State>, confirm, left);
  } finally {
    left.clear();
  }

  async function confirm(check: string, yes: boolean) {
    await (yes
      ? admin(config.paths, "POST", "/pair/confirm", { check })
      : admin(config.paths, "DELETE", "/pair"));
  }
}

const onThisMachineOnly = (url: string) => /^(127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname);

async function waitFor(
  look: () => Promise<State>,
  answer: (check: string, yes: boolean) => Promise<void>,
  left: ReturnType<typeof countdown>,
): Promise<number> {
  let asked = "";
  for (;;) {
    const now = await look();
    if (now.state === "open") left.show();
    else left.clear();
    if (now.state === "paired") {
      console.error(`Paired: ${printable(now.viewer.name)}`);
      return 0;
    }
    if (now.state === "closed")
      throw new CommandError("the code has expired; `claude-remote pair` shows a new one");
    if (now.state === "requested" && asked !== now.check) {
      asked = now.check;
      const yes = await askFor(now.name, now.address, now.check);
      await answer(now.check, yes);
      if (!yes) throw new CommandError("not paired", REFUSED);
    }
    await Bun.sleep(LOOK_MS);
  }
}

/** How long the code is good for still, written anew each second; only where somebody sees it. */
function countdown() {
  const until = performance.now() + CODE_MS;
  let shown = "";
  return {
    show() {
      const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1_000));
      const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (process.stderr.isTTY && text !== shown) process.stderr.write(`\r${text} left`);
      shown = text;
    },
    clear() {
      if (process.stderr.isTTY && shown !== "") process.stderr.write("\r\x1b[K");
      shown = "";
    },
  };
}

const askFor = (name: string, address: string, check: string) =>
  askYes(`"${printable(name)}" (${printable(address)}) shows the number ${check}. Let it in?`);

/** Black on white whatever the terminal's colours are, with the quiet zone that cameras need. */
function show(url: string) {
  const { data } = encode(url, { ecc: "L", border: 2 });
  for (let y = 0; y < data.length; y += 2) {
    const cells = (data[y] ?? []).map((top, x) => half(top, data[y + 1]?.[x] ?? false)).join("");
    console.error(`\x1b[30;107m${cells}\x1b[0m`);
  }
  console.error(`\n${url}`);
}

const half = (top: boolean, bottom: boolean) => (top ? (bottom ? "█" : "▀") : bottom ? "▄" : " ");

/** A QR code that no phone can open helps nobody: the ways that work here, with their commands. */
function waysFor(url: string, host: string) {
  const { port } = new URL(url);
  const tailscale = Bun.which("tailscale");
  console.error(`${url} can be opened on this machine only. So that a phone can reach it, one of:\n`);
  if (["0.0.0.0", "::"].includes(host)) {
    console.error("  an https address in front of it, named in CLAUDE_REMOTE_PUBLIC_URL (docs/https.md)");
    return console.error(`\nIn a browser on this machine: ${url}/pair`);
  }
  if (tailscale) {
    console.error("  tailscale (https, notifications work):");
    console.error(
      `    tailscale serve --bg ${port} && claude-remote serve --public-url https://<this machine>.<tailnet>.ts.net`,
    );
  }
  console.error("  an https address of your own in front of it:");
  console.error("    claude-remote serve --public-url https://claude.example.com");
  console.error("  your own network, in clear text (no notifications):");
  console.error("    claude-remote serve --host <this machine's address> --insecure-http");
  console.error(`\nIn a browser on this machine: ${url}/pair`);
}
