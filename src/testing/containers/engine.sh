#!/usr/bin/env bash
# engine.sh COMMAND…: runs COMMAND where a Docker engine answers: the one there is, or, with CLAUDE_REMOTE_TEST_ALL=1 as
# root on Debian, one of its own out of Debian's packages, which it ends afterwards. COMMAND runs without one otherwise.
#
# Its own engine touches nothing of the machine: its programs are unpacked, not installed; its bridges and rules stand in
# a network namespace of their own, in which COMMAND runs too. Where Docker Hub cannot be reached, its base images are
# stand-ins of the same layout, made of Debian's packages and of the bun that runs here.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../../.." && pwd)
CACHE=${CLAUDE_REMOTE_ENGINE_CACHE:-/var/tmp/claude-remote-engine} # Shared by all clones; some 1.5 GB.
SUITE=trixie     # compose v2 and buildx came after bookworm.
ENGINE=$CACHE/engine
BUN_VERSION=1.4.5

say() { echo "containers: $*" >&2; }

if docker version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
  say "with the Docker engine that runs here"
  exec "$@"
fi
if [ "${CLAUDE_REMOTE_TEST_ALL:-}" != 1 ]; then
  say "without a Docker engine: none answers (CLAUDE_REMOTE_TEST_ALL=1 starts one, as root on Debian)"
  exec "$@"
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "without a Docker engine: none answers, and one of our own needs root and Debian's packages"
  exec "$@"
fi

install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

# An apt of its own that reads another suite, so that this machine's stays as it is.
side_apt() {
  local side=$CACHE/apt mirror
  mirror=$(awk '/^URIs:/{print $2} /^deb /{for(i=2;i<=NF;i++) if($i ~ /^http/){print $i; break}}' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    grep -E '/debian/?$' | head -1) || true # Not every one of these files is there.
  mkdir -p "$side"/state/lists/partial "$side"/cache/archives/partial "$side"/etc/{apt.conf.d,preferences.d}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $SUITE main" >"$side/etc/sources.list"
  : >"$side/status"
  apt-get -qq -o Dir::State="$side/state" -o Dir::State::status="$side/status" -o Dir::Cache="$side/cache" \
    -o Dir::Etc="$side/etc" -o Dir::Etc::sourcelist="$side/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o APT::Sandbox::User=root "$@"
}

fetch() {
  mkdir -p "$CACHE/debs"
  cd "$CACHE/debs"
  side_apt update
  side_apt download docker.io docker-cli docker-compose docker-buildx containerd tini
  apt-get download -qq runc caddy # This release's own: runc has to match the C library here.
  mkdir -p "$ENGINE.new"
  for deb in ./*.deb; do dpkg -x "$deb" "$ENGINE.new"; done
  cd "$ROOT"
  rm -rf "$CACHE/debs"
  mv "$ENGINE.new" "$ENGINE"
}

missing=()
for program in iptables:iptables slirp4netns:slirp4netns debootstrap:debootstrap ip:iproute2 curl:curl; do
  command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
[ ${#missing[@]} = 0 ] || { apt-get update -qq; install "${missing[@]}"; }

mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9 # One engine at a time works on its data.
[ -x "$ENGINE/usr/sbin/dockerd" ] || { say "fetching an engine of Debian's $SUITE"; rm -rf "$ENGINE.new"; fetch; }

RUN=$(mktemp -d /tmp/cr-engine.XXXXXX)
NS=cr-engine-$$
uplink= dockerd=
down() {
  for pid in $dockerd $uplink; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  ip netns del "$NS" 2>/dev/null || true
  rm -rf "$RUN"
}
trap down EXIT
trap 'exit 130' INT TERM

ip netns add "$NS"
ip -n "$NS" link set lo up
slirp4netns --configure --mtu=1400 --disable-host-loopback --netns-type=path "/run/netns/$NS" tap0 >"$RUN/uplink.log" 2>&1 9>&- &
uplink=$!
# nsenter and not `ip netns exec`: that mounts /sys anew, without the cgroups.
PATH=$ENGINE/usr/sbin:$ENGINE/usr/bin:$PATH nsenter --net="/run/netns/$NS" dockerd -H "unix://$RUN/docker.sock" \
  --data-root "$CACHE/data" --exec-root "$RUN/exec" --pidfile "$RUN/dockerd.pid" >"$RUN/dockerd.log" 2>&1 9>&- &
dockerd=$!
mkdir -p "$RUN/config"
ln -s "$ENGINE/usr/libexec/docker/cli-plugins" "$RUN/config/cli-plugins"
export DOCKER_HOST=unix://$RUN/docker.sock DOCKER_CONFIG=$RUN/config PATH=$ENGINE/usr/bin:$PATH
for _ in $(seq 120); do
  docker version >/dev/null 2>&1 && break
  kill -0 $dockerd 2>/dev/null || break
  sleep 0.25
done
docker version >/dev/null 2>&1 || { tail -20 "$RUN/dockerd.log" >&2; say "the engine did not start"; exit 1; }

# What an earlier run left behind when it was cut off.
left=$(docker ps -aq --filter name=claude-remote-test-)
[ -z "$left" ] || docker rm -f -v $left >/dev/null

# Images by the names that the Dockerfile and compose.yml use.
standin() {
  local build=$CACHE/base bun
  bun=$(readlink -f "$ROOT/node_modules/.bin/bun")
  if [ ! -f "$build/debian.tar" ]; then
    rm -rf "$build" && mkdir -p "$build"
    debootstrap --variant=minbase bookworm "$build/rootfs" >"$build/debootstrap.log" 2>&1
    rm -rf "$build"/rootfs/var/cache/apt/archives/*.deb "$build"/rootfs/var/lib/apt/lists/* "$build"/rootfs/usr/share/{doc,man,locale}/*
    tar -C "$build/rootfs" --numeric-owner -cf "$build/debian.part" .
    rm -rf "$build/rootfs"
    mv "$build/debian.part" "$build/debian.tar"
  fi
  docker import -c 'CMD ["bash"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$build/debian.tar" debian:bookworm-slim >/dev/null
  cp "$bun" "$build/bun"
  cp "$ENGINE/usr/bin/caddy" "$build/caddy"
  printf '*\n!bun\n!caddy\n' >"$build/.dockerignore"
  docker build -q -t "oven/bun:$BUN_VERSION" -f - "$build" >/dev/null <<'D'
FROM debian:bookworm-slim
COPY --chmod=755 bun /usr/local/bin/bun
RUN ln -s bun /usr/local/bin/bunx && groupadd bun --gid 1000 && useradd bun --uid 1000 --gid bun --create-home
WORKDIR /home/bun/app
CMD ["/usr/local/bin/bun"]
D
  docker build -q -t caddy:2-alpine -f - "$build" >/dev/null <<'D'
FROM debian:bookworm-slim
COPY --chmod=755 caddy /usr/bin/caddy
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
VOLUME ["/config", "/data"]
WORKDIR /srv
CMD ["caddy", "run"]
D
}
docker image inspect "oven/bun:$BUN_VERSION" debian:bookworm-slim caddy:2-alpine >/dev/null 2>&1 ||
  { docker pull -q "oven/bun:$BUN_VERSION" && docker pull -q debian:bookworm-slim && docker pull -q caddy:2-alpine; } >/dev/null 2>&1 ||
  { say "making base images"; standin; }

say "with an engine of our own: $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short)"
code=0
nsenter --net="/run/netns/$NS" "$@" 9>&- || code=$?
docker builder prune -f --keep-storage 1GB >/dev/null 2>&1 || true # What builds left behind does not pile up.
exit $code
