#!/bin/bash
# Prints which share of the workers' lines the histories of the simulator execute. Only the workspace's crates that the simulator
# needs are built a second time, beside the usual ones; HISTORIES and SEED as for `make simulate`.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
folder=$PWD/tests/simulator
data=$target/coverage
rm -rf "$data"
mkdir -p "$data"

tools=$(rustc --print sysroot)/lib/rustlib/$(rustc --version --verbose | sed -n 's/^host: //p')/bin
[ -x "$tools/llvm-cov" ] || rustup component add llvm-tools

RUSTC_WORKSPACE_WRAPPER=$folder/instrumented.sh cargo build --locked --bin simulate
LLVM_PROFILE_FILE=$data/%p.profraw HISTORIES=${HISTORIES:-10000} "$target/debug/simulate"
"$tools/llvm-profdata" merge --sparse -o "$data/all.profdata" "$data"/*.profraw
"$tools/llvm-cov" export --summary-only --instr-profile "$data/all.profdata" "$target/debug/simulate" >"$data/lines.json"
"$tools/llvm-cov" show --instr-profile "$data/all.profdata" "$target/debug/simulate" crates/kafka/src >"$data/lines.txt"
python3 "$folder/coverage.py" "$data/lines.json"
echo "line by line: $data/lines.txt"
