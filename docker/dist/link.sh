#!/usr/bin/env bash
# A linker for rustc: Zig's, against an old C library (GLIBC), so that what was compiled here runs on older systems too.
set -euo pipefail
exec cargo-zigbuild zig cc -- -target "x86_64-linux-gnu.${GLIBC:-2.31}" "$@"
