#!/usr/bin/env bash
# Gives the same events to the binaries of two platforms, and compares every column of every row that comes out, anomalies
# and aggregates included. Numbers are compared as text, with all their digits.
#
#   docker/dist/compare.sh BINARY OTHER
#
# RUNNER runs the other one. EVENTS is how many events of each example.
set -euo pipefail
binary=$(realpath "$1")
other=$(realpath "$2")
events=${EVENTS:-20000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$binary" demo --write . >/dev/null
# The rows of a table in the order of their text; none where the stream has no such table.
rows() { "$binary" query --results "$1" --format csv "SELECT * FROM $2" 2>/dev/null | tail -n +2 | sort || true; }
for stream in particle-physics particle-events sensors clickstream logs prices; do
    # One of them makes the events: what a synthetic profile draws may ask the system's own library.
    "$binary" --quiet run "streams/$stream.yaml" --events "$events" --rate 0 --out "$stream/made" --no-page >/dev/null
    "$binary" query --results "$stream/made" --format parquet "SELECT * FROM processed_data" >"$stream.parquet"
    "$binary" --quiet replay "streams/$stream.yaml" "$stream.parquet" --out "$stream/one" >/dev/null
    ${RUNNER:-} "$other" --quiet replay "streams/$stream.yaml" "$stream.parquet" --out "$stream/other" >/dev/null
    said="$stream:"
    for table in processed_data anomalies aggregates; do
        rows "$stream/one" $table >one.csv
        rows "$stream/other" $table >other.csv
        if ! cmp -s one.csv other.csv; then
            echo "error: $table of $stream differs between the two platforms:" >&2
            diff one.csv other.csv | head -6 >&2
            exit 1
        fi
        [ -s one.csv ] || [ $table != processed_data ] || { echo "error: $stream has no rows" >&2; exit 1; }
        said+=" $(wc -l <one.csv) ${table/processed_data/rows},"
    done
    echo "$said the same bits"
done
