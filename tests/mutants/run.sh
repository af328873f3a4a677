#!/usr/bin/env bash
# Changes the pure crates in small ways (cargo-mutants), one at a time, and says which changes a crate's own tests do not
# notice. By default 100 changes of each crate, drawn by SEED; ALL=1 takes every one. What has been caught is skipped when it
# is run again, so that a run that was broken off goes on where it was. Results: target/mutants/CRATE/mutants.out.
set -euo pipefail
cd "$(dirname "$0")/../.."
crates=${CRATES:-detect window stage lookup codec expr stream infer}
draw=${DRAW:-100}
seed=${SEED:-$RANDOM}
all=${ALL:-}
# One target directory for all, so that dependencies are compiled once.
export CARGO_TARGET_DIR="$PWD/target/mutants/target"
[ -n "$all" ] || echo "drawn by SEED=$seed"

missed=0
for crate in $crates; do
    out="target/mutants/$crate"
    mkdir -p "$out"
    shard=()
    if [ -z "$all" ]; then
        count=$(cargo mutants --list --package "$crate" | wc -l)
        shards=$(((count + draw - 1) / draw))
        shard=(--shard "$((seed % shards))/$shards" --sharding round-robin)
    fi
    # 2 and 3 say that mutants were missed or took too long, which is what is asked for.
    cargo mutants --package "$crate" --test-workspace=false --baseline=auto --iterate --output "$out" --no-shuffle \
        "${shard[@]}" ${ARGS:-} || [ $? -le 3 ]
    missed=$((missed + $(wc -l <"$out/mutants.out/missed.txt")))
    echo "$crate: $(wc -l <"$out/mutants.out/caught.txt") caught, $(wc -l <"$out/mutants.out/missed.txt") missed" \
        "(listed in $out/mutants.out/missed.txt)"
done
[ "$missed" = 0 ]
