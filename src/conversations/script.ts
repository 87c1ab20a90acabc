// What a machine is asked about its conversations: two constant scripts for /bin/sh, here and on a devbox alike. What
// differs goes over stdin; what comes back is framed by lines, and nothing of it is trusted.
import { type Ends, HEAD_BYTES, isConversationId, TAIL_BYTES } from "./conversation.ts";
import { isProjectFolder } from "./folder.ts";

/** What runs a script, here or elsewhere: `Ssh` of the devboxes, or `localShell`. */
export type Shell = {
  script(
    text: string,
    options?: { stdin?: string; signal?: AbortSignal | undefined },
  ): Promise<{ code: number | null; out: string; err: string }>;
};

/** A claude that runs there now, as its own state file says. */
export type Running = { pid: number; conversation: string; cwd: string };

/** `folder`: where that claude keeps everything (`~/.claude`). */
export type Place = { home: string; folder: string; running: Running[] };
/** A conversation's file: `sum` is the SHA-256 of its first bytes, as many as were asked for. `more`: it has a folder, too. */
export type Found = { folder: string; bytes: number; modifiedAt: number; sum: string; more: boolean };

/** Claudes at once on one machine; past so many files somebody left them there. */
const MOST_RUNNING = 200;
/** A state file is a few hundred bytes. */
const STATE_BYTES = 16 * 1024;

/** How both begin. GNU's and busybox's `stat` take -c, the one of the BSDs -f. */
const BEGIN = `
LC_ALL=C; export LC_ALL; unset CDPATH
base=\${CLAUDE_CONFIG_DIR:-$HOME/.claude}
printf 'home %s\\nnow %s\\n' "$HOME" "$(date +%s)"
if cd -- "$base" 2>/dev/null; then in=.; base=$(pwd -P); else in=/nonexistent; fi
printf 'folder %s\\n' "$base"
if stat -c %Y . >/dev/null 2>&1; then set -- -c '%Y %s %n'; else set -- -f '%m %z %N'; fi
count=0
for file in $in/sessions/*.json; do
  pid=\${file##*/}; pid=\${pid%.json}
  case $pid in ''|*[!0-9]*) continue;; esac
  kill -0 "$pid" 2>/dev/null || continue
  count=$((count + 1)); [ $count -le ${MOST_RUNNING} ] || break
  printf 'running %s %s\\n|' "$pid" "$(ps -o etime=,stat= -p "$pid" 2>/dev/null | tr -s ' ' ' ')"
  head -c ${STATE_BYTES} "$file" 2>/dev/null | tr '\\n' ' '; echo
done
`;

/** The newest conversations. Input: how many; the name of their folder, or an empty line; how their ids begin, or an empty line. */
export const LIST = `${BEGIN}
read -r most; read -r folder; read -r begin
find "$in/projects\${folder:+/$folder}" -maxdepth 2 -type f -name '????????-????-????-????-????????????.jsonl' \\
  -name "$begin*" -exec stat "$@" {} + 2>/dev/null |
  sort -rn | head -n "$most" | while read -r modified bytes file; do
  printf 'file %s %s %s\\n' "$modified" "$bytes" "$file"
  head -c ${HEAD_BYTES} "$file" 2>/dev/null | sed 's/^/|/'; printf '\\ntail\\n'
  tail -c ${TAIL_BYTES} "$file" 2>/dev/null | sed 's/^/|/'; echo
done
echo end
`;

/**
 * One conversation. Input: its id; of how many bytes at its beginning the sum is wanted; a directory or an empty line: then
 * also what that directory is called without links.
 */
export const LOOK = `${BEGIN}
read -r id; read -r bytes; IFS= read -r dir
sum() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum
  elif command -v shasum >/dev/null 2>&1; then shasum -a 256
  else openssl dgst -sha256 -r; fi
}
for file in $in/projects/*/"$id".jsonl; do
  [ -f "$file" ] || continue
  more=no; [ -d "\${file%.jsonl}" ] && more=yes
  printf 'found %s %s %s\\n' "$(head -c "$bytes" "$file" | sum | head -c 64)" "$more" "$(stat "$@" "$file")"
done
case $dir in '') ;; '~') dir=$HOME;; '~/'*) dir=$HOME/\${dir#'~/'};; esac
[ -n "$dir" ] && cd -- "$dir" 2>/dev/null && printf 'dir %s\\n' "$(pwd -P)"
echo end
`;

/** Makes room for a conversation's file. Input: the name of its folder; a file there to be set aside, or an empty line. */
export const PREPARE = `
base=\${CLAUDE_CONFIG_DIR:-$HOME/.claude}
umask 077
read -r folder; read -r file
mkdir -p -- "$base/projects/$folder" && cd -- "$base/projects/$folder" || exit 1
[ -z "$file" ] || mv -- "$file" "$file.$(date +%Y%m%d-%H%M%S)" || exit 1
echo end
`;

const MAX_LINES = 1_000_000;

/** What LIST printed; null where it was cut. */
export function listed(out: string): (Place & { files: Ends[] }) | null {
  const files: Ends[] = [];
  let file: Ends | null = null;
  let end: "head" | "tail" = "head";
  const place = placeOf(out, (line) => {
    const [, modified, bytes, name = ""] =
      /^file (\d+) (\d+) \.\/projects\/([^/\s]+\/[^/\s]+)\.jsonl$/.exec(line) ?? [];
    if (modified !== undefined) {
      end = "head";
      file = fileOf(name, Number(modified), Number(bytes));
      if (file) files.push(file);
    } else if (line === "tail") end = "tail";
    else if (line.startsWith("|") && file) file[end] += `${line.slice(1)}\n`;
  });
  return place && { ...place, files };
}

function fileOf(name: string, modified: number, bytes: number): Ends | null {
  const [folder = "", id = ""] = name.split("/");
  if (!isProjectFolder(folder) || !isConversationId(id)) return null;
  return { id, folder, bytes, modifiedAt: modified * 1_000, head: "", tail: "" };
}

/** What LOOK printed; null where it was cut. `dir`: null where there is no such directory. */
export function looked(out: string): (Place & { found: Found[]; dir: string | null }) | null {
  const found: Found[] = [];
  let dir: string | null = null;
  const place = placeOf(out, (line) => {
    const [, sum = "", more, modified, bytes, folder = ""] =
      /^found ([0-9a-f]{64}) (yes|no) (\d+) (\d+) \.\/projects\/([^/\s]+)\/[^/\s]+$/.exec(line) ?? [];
    if (isProjectFolder(folder))
      found.push({
        folder,
        bytes: Number(bytes),
        modifiedAt: Number(modified) * 1_000,
        sum,
        more: more === "yes",
      });
    if (line.startsWith("dir /")) dir = line.slice(4);
  });
  return place && { ...place, found, dir };
}

/** Both begin alike; null where the script did not come to its end. */
function placeOf(out: string, other: (line: string) => void): Place | null {
  const place: Place = { home: "", folder: "", running: [] };
  let now = 0;
  let next: { pid: number; seconds: number | null } | null = null;
  const lines = out.split("\n", MAX_LINES);
  if (lines.findLast((line) => line !== "") !== "end") return null;
  for (const line of lines) {
    const [, word, rest = ""] = /^(home|now|folder|running) (.*)$/.exec(line) ?? [];
    if (word === "home" || word === "folder") place[word] ||= rest;
    else if (word === "now") now ||= Number(rest) * 1_000;
    else if (word === "running") next = processOf(rest);
    else if (next && line.startsWith("|")) {
      const running = runningOf(line.slice(1), next, now);
      if (running) place.running.push(running);
      next = null;
    } else other(line);
  }
  return place.home.startsWith("/") && place.folder.startsWith("/") ? place : null;
}

/** "<pid> [[dd-]hh:]mm:ss <state>", as ps tells it; where there is no ps, the pid alone. Null: it ended, unasked. */
function processOf(text: string): { pid: number; seconds: number | null } | null {
  const [pid, etime = "", stat = ""] = text.trim().split(/ +/);
  if (/^[ZX]/.test(stat)) return null;
  const [, days = 0, hours = 0, minutes, seconds] = /^(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$/.exec(etime) ?? [];
  const known = minutes !== undefined;
  const age = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return { pid: Number(pid), seconds: known ? age : null };
}

/** claude writes its state within seconds of its start; a process much younger than that is another of the same number. */
const REUSED_MS = 60_000;

function runningOf(
  text: string,
  process: { pid: number; seconds: number | null },
  now: number,
): Running | null {
  try {
    const { sessionId, cwd, startedAt } = JSON.parse(text) as Record<string, unknown>;
    if (typeof sessionId !== "string" || typeof cwd !== "string") return null;
    const born = process.seconds === null ? 0 : now - process.seconds * 1_000;
    if (typeof startedAt === "number" && born > startedAt + REUSED_MS) return null;
    return { pid: process.pid, conversation: sessionId, cwd };
  } catch {
    return null; // Half written, or not claude's.
  }
}

/** This machine's own shell, with this process's environment or the one given. */
export function localShell(env: Record<string, string | undefined> = process.env): Shell {
  return {
    async script(text, { stdin = "" } = {}) {
      const child = Bun.spawn(["/bin/sh", "-c", text], {
        env,
        stdin: Buffer.from(stdin),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, out, err };
    },
  };
}
