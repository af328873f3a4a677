#!/bin/sh
# Installs beamline: downloads the archive of this machine, checks its checksum, and puts the program where TO says.
#
#   curl -fsSL ADDRESS/install.sh | sh
#
# VERSION names another release than the latest, TO another folder than ~/.local/bin, BEAMLINE_RELEASES another address.
set -eu
releases=${BEAMLINE_RELEASES:-@RELEASES@}
to=${TO:-$HOME/.local/bin}
fail() { echo "error: $*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail "there are binaries for Linux only; build from source on other systems"
case $(uname -m) in
x86_64 | amd64) target=x86_64-unknown-linux-gnu ;;
aarch64 | arm64) target=aarch64-unknown-linux-gnu ;;
*) fail "there is no binary for $(uname -m); build from source" ;;
esac
if [ -n "${VERSION:-}" ]; then from=$releases/download/v$VERSION; else from=$releases/latest/download; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() {
    if command -v curl >/dev/null; then curl -fsSL "$from/$1" -o "$work/$1"; else wget -q "$from/$1" -O "$work/$1"; fi ||
        fail "cannot download $from/$1"
}
get "SHA256SUMS-$target"
archive=$(sed -n "s/.* \(beamline-.*-$target\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS-$target")
[ -n "$archive" ] || fail "$from has no archive for $target"
get "$archive"
(cd "$work" && grep " $archive\$" "SHA256SUMS-$target" | sha256sum -c - >/dev/null) || fail "the checksum of $archive is not that of SHA256SUMS-$target"
tar -xzf "$work/$archive" -C "$work" --strip-components=1
mkdir -p "$to"
install -m 755 "$work/beamline" "$to/beamline"
echo "installed $("$to/beamline" --version) as $to/beamline"
case ":$PATH:" in *":$to:"*) ;; *) echo "add $to to your PATH, then: beamline demo" ;; esac
