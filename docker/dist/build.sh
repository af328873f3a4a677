#!/usr/bin/env bash
# Builds what is published of the command line: an archive, a Debian package, checksums, the licences of all dependencies, and
# the bill of materials. Prints the folder that they are in.
#
#   docker/dist/build.sh [ARCH]
#
# ARCH is x86_64 or aarch64; for another than this machine's, qemu-user runs the binary to write its completions, and scores are
# compared with those of this machine's own binary, where there is one. Nothing is asked of the system but libraries of C, in
# GLIBC or a newer version. TOOLS is where the tools are kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
arch=${1:-$(uname -m)}
target=$arch-unknown-linux-gnu
built=${CARGO_TARGET_DIR:-target}
out=$built/dist
tools=${TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/beamline/tools}
export GLIBC=${GLIBC:-2.31}
bytes_max=$((80 * 1000 * 1000))

# Zig is a linker and a C compiler for any version of the C library; both come as Python packages.
[ -x "$tools/zig/bin/cargo-zigbuild" ] || {
    python3 -m venv "$tools/zig"
    "$tools/zig/bin/pip" install -q ziglang==0.13.0 cargo-zigbuild==0.24.1
}
export PATH=$tools/zig/bin:$tools/bin:$PATH
command -v cargo-about >/dev/null || cargo install --locked --root "$tools" --version 0.9.3 --features cli cargo-about
command -v cargo-cyclonedx >/dev/null || cargo install --locked --root "$tools" --version 0.5.9 cargo-cyclonedx

mkdir -p "$out"
rm -rf "$out/papers" "$out/$arch"
if [ "$arch" = "$(uname -m)" ]; then
    # What was compiled for `make run` and `make test` is linked once more, against the older library: a minute, where a
    # build of its own takes half an hour.
    cargo build --locked --workspace --bin beamline
    links=$(mktemp -d)
    trap 'rm -rf "$links"; touch services/beamline/src/main.rs' EXIT
    ln -s "$PWD/docker/dist/link.sh" "$links/cc"
    touch services/beamline/src/main.rs
    PATH=$links:$PATH cargo build --locked --workspace --bin beamline
    cp "$built/debug/beamline" "$out/beamline-$arch"
else
    rustup target add "$target"
    unset OPENSSL_NO_VENDOR OPENSSL_STATIC OPENSSL_LIB_DIR OPENSSL_INCLUDE_DIR
    # librdkafka's configure asks for CC alone, whatever is built for; what runs on this machine is named for itself.
    links=$(mktemp -d)
    trap 'rm -rf "$links"' EXIT
    for tool in cc c++ ar ranlib; do
        options=
        # Zig's linker minds names in librdkafka's list of symbols that only its own tests define.
        case $tool in c*) options="-target $arch-linux-gnu.$GLIBC -Wl,--undefined-version" ;; esac
        printf '#!/bin/sh\nexec cargo-zigbuild zig %s -- %s "$@"\n' "$tool" "$options" >"$links/$arch-$tool"
        chmod +x "$links/$arch-$tool"
    done
    own_target=$(rustc -vV | sed -n 's/^host: //p' | tr - _)
    export "CC_$own_target=cc" "CXX_$own_target=c++" "AR_$own_target=ar" "RANLIB_$own_target=ranlib"
    export CC="$links/$arch-cc" CXX="$links/$arch-c++" AR="$links/$arch-ar" RANLIB="$links/$arch-ranlib"
    CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_STRIP=symbols cargo zigbuild --locked --workspace --bin beamline --target "$target.$GLIBC" --target-dir "$out"
    cp "$out/$target/debug/beamline" "$out/beamline-$arch"
    export RUNNER=${RUNNER:-qemu-$arch-static -L /usr/$arch-linux-gnu}
fi
own=$out/beamline-$(uname -m)
if [ "$arch" != "$(uname -m)" ] && [ -x "$own" ]; then docker/dist/compare.sh "$own" "$out/beamline-$arch"; fi
echo "needs glibc $(docker/dist/glibc.sh "$out/beamline-$arch" "$GLIBC")"

mkdir -p "$out/papers"
cargo about generate --locked --config docker/dist/about.toml --manifest-path services/beamline/Cargo.toml \
    docker/dist/about.hbs >"$out/papers/THIRD-PARTY-LICENCES.txt"
docker/dist/materials.sh "$target" "$out/papers/beamline.cdx.json"
TARGET=$target PAPERS=$out/papers docker/dist/pack.sh "$out/beamline-$arch" "$out/$arch" >/dev/null

archive=$(echo "$out/$arch"/*.tar.gz)
bytes=$(stat -c %s "$archive")
[ "$bytes" -le "$bytes_max" ] || { echo "error: $archive has $bytes bytes, more than $bytes_max" >&2; exit 1; }
ls -l "$out/$arch"
echo "$archive"
