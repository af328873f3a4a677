#!/usr/bin/env bash
# Unpacks an archive in empty roots of old and new Debian, without a toolchain or a network, and does there what a newcomer
# does. Needs root, debootstrap, and Debian's archive for the first time.
#
#   docker/dist/check.sh ARCHIVE [SUITE...]
set -euo pipefail
archive=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- bullseye trixie
here=$(realpath "$(dirname "$0")")
cd "$here/../.."
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
roots=${CARGO_TARGET_DIR:-target}/roots
mkdir -p "$roots"
for suite in "$@"; do
    root=$roots/$suite
    if [ ! -e "$root.done" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
        touch "$root.done"
    fi
    rm -rf "$root/home/newcomer"
    mkdir -p "$root/home/newcomer"
    tar --strip-components=1 -xzf "$archive" -C "$root/home/newcomer"
    cp "$here/newcomer.sh" "$root/home/newcomer/"
    chown -R 1000:1000 "$root/home/newcomer"
    echo "== $suite: $(cat "$root/etc/debian_version"), $(chroot "$root" ldd --version | head -1)"
    # No network but loopback, no environment, no rights.
    unshare --net sh -c 'ip link set lo up; exec chroot --userspec=1000:1000 "$1" /usr/bin/env -i \
        PATH=/usr/bin:/bin HOME=/home/newcomer bash -c "cd && exec ./newcomer.sh"' sh "$root"
done
