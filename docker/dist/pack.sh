#!/usr/bin/env bash
# Packs a binary of beamline into an archive and a Debian package, with checksums, and prints the folder they are in.
#
#   docker/dist/pack.sh BINARY FOLDER
#
# TARGET names the platform in the file names. PAPERS is a folder with what a release has besides (the licences of the
# dependencies, the bill of materials). LEVEL is how hard to compress, 1 to 9. RUNNER runs a binary of another platform.
set -euo pipefail
binary=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
cd "$(dirname "$0")/../.."
target=${TARGET:-x86_64-unknown-linux-gnu}
level=${LEVEL:-9}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
revision_time=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$revision_time}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

name=beamline-$version-$target
root=$work/$name
mkdir -p "$root"/{completions,man}
# Symbols are for a debugger.
strip -o "$root/beamline" "$binary" 2>/dev/null || cp "$binary" "$root/beamline"
chmod 755 "$root/beamline"
run() { ${RUNNER:-} "$binary" "$@"; }
run completions bash >"$root/completions/beamline.bash"
run completions zsh >"$root/completions/_beamline"
run completions fish >"$root/completions/beamline.fish"
run man --out "$root/man"
cp LICENSE "$root/"
cp docker/dist/README.txt "$root/README.txt"
[ -z "${PAPERS:-}" ] || cp "$PAPERS"/* "$root/"

# The same input gives the same archive, byte for byte.
(cd "$work" && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name") |
    gzip -n "-$level" >"$out/$name.tar.gz"

architecture=amd64
[ "${target%%-*}" = x86_64 ] || architecture=arm64
if command -v dpkg-deb >/dev/null; then
    deb=$work/deb
    mkdir -p "$deb"/DEBIAN "$deb"/usr/{bin,share/man/man1,share/bash-completion/completions,share/zsh/vendor-completions,share/fish/vendor_completions.d,share/doc/beamline}
    cp "$root/beamline" "$deb/usr/bin/"
    cp "$root"/man/*.1 "$deb/usr/share/man/man1/" && gzip -n9 "$deb"/usr/share/man/man1/*.1
    cp "$root/completions/beamline.bash" "$deb/usr/share/bash-completion/completions/beamline"
    cp "$root/completions/_beamline" "$deb/usr/share/zsh/vendor-completions/"
    cp "$root/completions/beamline.fish" "$deb/usr/share/fish/vendor_completions.d/"
    cp "$root/LICENSE" "$deb/usr/share/doc/beamline/copyright"
    [ -z "${PAPERS:-}" ] || cp "$PAPERS"/* "$deb/usr/share/doc/beamline/"
    cat >"$deb/DEBIAN/control" <<EOF
Package: beamline
Version: $version
Architecture: $architecture
Maintainer: Beamline <beamline@localhost>
Section: science
Priority: optional
Depends: libc6 (>= 2.31)
Recommends: ca-certificates
Installed-Size: $(du -sk "$deb/usr" | cut -f1)
Description: streams of scientific events, exactly once
 Takes events in, enriches them with SQL, finds anomalies, stores every event
 once, and answers SQL over the results. One file describes a stream.
EOF
    # Higher levels of xz take minutes for a few per cent.
    compressor=(-Zxz -z3)
    [ "$level" -gt 1 ] || compressor=(-Znone)
    dpkg-deb --root-owner-group "${compressor[@]}" --build "$deb" "$out/beamline_${version}_$architecture.deb" >/dev/null
else
    echo "pack: no dpkg-deb here, so there is no Debian package" >&2
fi
(cd "$out" && find . -maxdepth 1 -type f \( -name '*.tar.gz' -o -name '*.deb' \) -printf '%f\n' | sort | xargs sha256sum \
    >"SHA256SUMS-$target")
# Where releases are stands in one place: the manifest of the command line.
address=$(sed -n 's/^repository = "\(.*\)"/\1/p' services/beamline/Cargo.toml)
sed "s|@RELEASES@|$address/releases|" docker/dist/install.sh >"$out/install.sh"
echo "$out"
