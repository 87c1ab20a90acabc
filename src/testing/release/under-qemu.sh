#!/bin/sh
# Runs its words where programs for arm64 run too: under qemu, in a namespace of its own, so that nothing of the machine changes.
# Needs Debian's qemu-user-static and libc6-arm64-cross. $1 is an empty folder for what is laid over /usr/lib.
set -eu
layer=$1
shift
mkdir "$layer/upper" "$layer/work"
export LAYER="$layer"
exec unshare --user --map-root-user --mount sh -euc '
  mount -t overlay -o "lowerdir=/usr/lib,upperdir=$LAYER/upper,workdir=$LAYER/work" overlay /usr/lib
  ln -sfn /usr/aarch64-linux-gnu/lib /usr/lib/aarch64-linux-gnu
  ln -sfn /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 /usr/lib/ld-linux-aarch64.so.1
  mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
  magic="\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00"
  mask="\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff"
  printf "%s" ":aarch64:M::$magic:$mask:$(command -v qemu-aarch64-static):F" >/proc/sys/fs/binfmt_misc/register
  unset LAYER
  exec "$@"' sh "$@"
