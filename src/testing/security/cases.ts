// The abuse cases, 1 to 93, and which test files try each: read from the names of the tests.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");

/** What somebody tries, by its number; what has to become of it is what the tests say. */
export const CASES: Record<string, readonly string[]> = {
  "Front door": [
    "who it listens to without any setting",
    "DNS rebinding: a Host that is not ours",
    "another site's WebSocket",
    "another site's requests with our login",
    "what other origins may read",
    "another site's event stream",
    "links built from what a client says; redirects",
    "odd methods, paths and content types",
    "errors that tell of the inside",
    "the headers of every response",
    "the page in another site's frame",
    "whose address counts behind a proxy",
    "loopback in place of a login",
    "sign-on headers of a proxy in place of a login",
    "what is there twice",
  ],
  "Pairing, logins, machines": [
    "guessing a pairing code",
    "secrets in addresses",
    "a code that was used, replaced or has run out",
    "a phone linked in silence",
    "a link that pairs by being opened",
    "what kind of cookie a login is",
    "a cookie that was chosen before the login",
    "a revoked phone",
    "recovery that puts nobody out",
    "a credential used for something else",
    "one machine speaking for another",
    "passkeys (do not exist)",
    "OIDC and JWT (do not exist)",
  ],
  Answers: [
    "an answer without the digest of what was shown",
    "another prompt in the place of the one that was shown",
    "two answers in one moment",
    "an answer that comes too late",
    "an answer said again",
    "options in another order, or unknown",
    "a forged dialog",
    "harm hidden at the end of a long input",
    "invisible and look-alike characters",
    "markup in a card",
    "claude's words in place of the input",
    "approving what a notification does not show",
    "approving by an address",
    "chat bots (do not exist)",
    "an approval that allows more than this once",
    "buttons that move under the finger",
    "an answer where nobody answered",
    "typing into what is no claude any more",
    "control characters in a text for claude",
    "an answer that nobody wrote down",
  ],
  "Text and terminal bytes": [
    "script in every text",
    "requests to elsewhere, and links that lie",
    "escape sequences to the phone",
    "escape sequences to our own terminal",
    "sequences without an end, huge parameters and lines",
    "input cut at any byte",
    "texts that a regular expression never ends on",
    "impossible sizes of a terminal",
    "formulas in an export",
  ],
  "Devboxes and processes": [
    "a host that is an option",
    "odd users, ports, jumps and identities",
    "quoting on the other side",
    "unknown and changed host keys",
    "NUL and invalid UTF-8",
    "environment variables",
    "claude's own flags",
    "a hostile server",
    "secrets in processes",
  ],
  "Files and requests to elsewhere": [
    "paths that lead elsewhere",
    "files that viewers hand over",
    "a proxy to previews (does not exist)",
    "a push service that is none",
    "any other address that is asked for anything",
    "wrong certificates, clear text",
  ],
  Exhaustion: [
    "bodies too large and too deep",
    "slow clients",
    "too many streams",
    "a reader that stalls",
    "a machine that floods",
    "hostile frames",
    "a full or read-only disk",
  ],
  "Secrets and storage": [
    "file modes",
    "secrets in logs, answers and files",
    "health and metrics",
    "the lock screen",
    "what a revoked phone keeps",
    "SQL in every field",
    "backups and hostile archives",
    "upgrades that are interrupted",
    "containers; no self-update exists",
  ],
  Protocol: [
    "replayed frames",
    "one session twice",
    "older and newer peers",
    "mutated frames and requests",
    "encryption past the server (does not exist)",
  ],
};

/** "SEC-007" */
export const idOf = (number: number) => `SEC-${String(number).padStart(3, "0")}`;

/** A test's name as it stands in its file: a text that begins with ids. */
const NAME = /["'`](?:G\d )*((?:SEC-\d{3}:? )+)/g;

/** The test files that name each id, sorted; nothing else of the tree has a say in it. */
export function testsById(): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const file of new Bun.Glob("{src,public}/**/*.test.ts").scanSync(ROOT)) {
    for (const [, ids = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(NAME))
      for (const id of ids.match(/SEC-\d{3}/g) ?? []) found.set(id, (found.get(id) ?? new Set()).add(file));
  }
  return new Map([...found].sort().map(([id, files]) => [id, [...files].sort()]));
}

/** The table of docs/security.md. */
export function tableOfCases(): string {
  const tests = testsById();
  let number = 0;
  const row = (what: string) => {
    const id = idOf(++number);
    const files = (tests.get(id) ?? []).map(
      (file) => `[${file.replace(/^src\/|\.test\.ts$/g, "")}](../${file})`,
    );
    return `| ${id} | ${what} | ${files.join(", ") || "none"} |`;
  };
  return Object.entries(CASES)
    .map(
      ([group, cases]) =>
        `### ${group}\n\n| case | what is tried | tests |\n| --- | --- | --- |\n${cases.map(row).join("\n")}\n`,
    )
    .join("\n");
}
