// What a way back is on the devbox: a socket there that leads here, and what watches there whether a session still needs it.
import { createHash } from "node:crypto";
import { DEVBOX_DATA, hostedFolder } from "./order.ts";
import { shellWord } from "./script.ts";
import type { Ssh } from "./ssh.ts";
import { LaunchError, saidBy } from "./ssh-errors.ts";
import type { TunnelOrder } from "./tunnel.ts";

export type Way = Pick<TunnelOrder, "device" | "by" | "to">;

/** Of the files there, those of one machine's way: several may keep one open, each its own. */
const suffix = ({ by }: Way) => (by ? `-${createHash("sha256").update(by).digest("hex").slice(0, 8)}` : "");

const enter = ({ device }: Way) => `
umask 077
d=$HOME/${DEVBOX_DATA}/${hostedFolder(device)}
mkdir -p -- "$d" && cd -- "$d" || exit 1`;

/** A socket's path ends at 107 bytes: where the home is too deep, it stands in a private folder of /tmp. */
const socketPath = (way: Way) => `
s=$d/s${suffix(way)}
if [ \${#s} -gt 100 ]; then
  t=/tmp/claude-remote-$(id -u)
  mkdir -m 700 -- "$t" 2>/dev/null
  [ -d "$t" ] && [ -O "$t" ] && [ ! -L "$t" ] || { echo "$t is not a folder of that user" >&2; exit 1; }
  s=$t/${hostedFolder(way.device).slice(-12)}${suffix(way)}
fi`;

/**
 * A unix socket there, which only that user may enter, leads to the socket `to` here; where sshd allows none, a port of that
 * machine alone. Throws LaunchError, also where `signal` ends it.
 */
export async function openWay(ssh: Ssh, way: Way, signal: AbortSignal): Promise<void> {
  const made = await ssh.script(`${enter(way)}${socketPath(way)}\nrm -f -- "$s" && printf %s "$s"`, {
    signal,
  });
  if (made.code !== 0)
    throw new LaunchError(
      "forbidden",
      `${ssh.devbox.name}: our folder there cannot be used (${saidBy(made.err)})`,
      "See that this user may write in its home.",
    );
  const path = made.out;
  const address = await ssh.forward(path, way.to, signal).then(
    () => path,
    async () => `127.0.0.1:${/\d+/.exec(await ssh.forward("127.0.0.1:0", way.to, signal))?.[0] ?? ""}`,
  );
  const file = `address${suffix(way)}`;
  const told = `${enter(way)}\nprintf '%s\\n' ${shellWord(address)} >${file}.new && mv -f ${file}.new ${file}`;
  await ssh.script(told, { signal });
}

/**
 * Runs there until no wrapper of ours does, and cleans up. A launch that is on its way counts (`launching.*`, for two
 * minutes). Where a newer tunnel has taken over, or our own sshd is gone, this one is over, and cleans nothing up. The same
 * where its input ends, as it does with the process that keeps the way, however that dies: then it ends this connection's
 * sshd, for an ssh that nobody holds any more stays as long as something passes through.
 */
const watchScript = (way: Way, generation: string) => `${enter(way)}${socketPath(way)}
g=${generation} f=tunnel${suffix(way)}
parent() {
  if [ -r "/proc/$$/stat" ]; then sed 's/.*) [A-Za-z] \\([0-9]*\\) .*/\\1/' "/proc/$$/stat"; else ps -o ppid= -p $$ | tr -d ' '; fi
}
end() {
  case $(cat "/proc/$PPID/comm" 2>/dev/null || ps -o comm= -p "$PPID") in sshd* | */sshd*) kill "$PPID" ;; esac
}
exec 3<&0
cat <&3 >/dev/null 2>&1 &
keeper=$!
trap 'kill "$keeper" 2>/dev/null' EXIT
printf '%s\\n' "$g" >"$f"
while :; do
  [ "$(cat "$f" 2>/dev/null)" = "$g" ] && [ "$(parent)" = "$PPID" ] || exit 8
  kill -0 "$keeper" 2>/dev/null || { end; exit 8; }
  needed=
  for f_pid in *.pid; do
    [ -f "$f_pid" ] && read -r pid <"$f_pid" || continue
    if kill -0 "$pid" 2>/dev/null && { [ ! -r "/proc/$pid/cmdline" ] || grep -q hosted "/proc/$pid/cmdline"; }
    then needed=1
    else rm -f -- "$f_pid"
    fi
  done
  [ -n "$(find . -name 'launching.*' -mmin -2 2>/dev/null)" ] && needed=1
  [ "$needed" ] || break
  sleep 2
done
rm -f -- "$s" s s-* address address-* tunnel tunnel-* launching.*
rmdir runs 2>/dev/null
cd .. && rmdir -- "$d" 2>/dev/null && rmdir ../hosted 2>/dev/null
exit 0`;

/** Input that does not end before `signal` does. */
async function* open(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const ended = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => ended.resolve(), { once: true });
  if (!signal.aborted) await ended.promise;
}

/** True once nothing there needs a way back; throws when the connection is lost. */
export async function unneeded(ssh: Ssh, way: Way, signal: AbortSignal): Promise<boolean> {
  const ended = new AbortController();
  const either = AbortSignal.any([ended.signal, signal]);
  const watch = ssh.script(watchScript(way, crypto.randomUUID()), { signal: either, stdin: open(either) });
  const gone = ssh.closed.then(() => null);
  try {
    const result = await Promise.race([watch, gone]);
    return result?.code === 0;
  } finally {
    ended.abort();
    await watch.catch(() => {});
  }
}
