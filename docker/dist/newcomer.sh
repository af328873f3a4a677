#!/bin/bash
# What somebody types who has only the archive: an example, a file of their own that Beamline has never seen, its results,
# and the page. Run in a folder with `beamline` in it; prints how long each step took.
set -euo pipefail
step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

step "an example"
./beamline demo --for 5s
./beamline query "SELECT count(*) AS events FROM processed_data"

step "a file that Beamline has never seen"
{
    echo "station,read at,water level cm,battery"
    for ((minute = 0; minute < 3000; minute++)); do
        level=$((200 + minute % 37))
        [ $((minute % 1000)) != 999 ] || level=900
        printf 'st-%d,2025-03-%02d %02d:%02d:00,%d.5,%d\n' $((minute % 3)) $((1 + minute / 1440)) \
            $((minute / 60 % 24)) $((minute % 60)) "$level" $((90 - minute / 100))
    done
} >levels.csv
./beamline init levels.csv
./beamline check-config levels.yaml

step "run it"
./beamline replay levels.yaml levels.csv
./beamline query --results beamline-results/levels "SELECT count(*) AS rows FROM processed_data" --format csv | tee count.csv
[ "$(sed -n 2p count.csv)" = 3000 ] || { echo "error: not every row is there" >&2; exit 1; }
./beamline query --results beamline-results/levels "SELECT * FROM anomalies LIMIT 5"
./beamline verify beamline-results/levels

step "the page of a run"
./beamline demo sensors --page 127.0.0.1:8085 --for 30s >run.txt 2>&1 &
running=$!
for _ in $(seq 100); do
    # Without curl: a request typed into a socket.
    if { exec 3<>/dev/tcp/127.0.0.1/8085; } 2>/dev/null; then break; fi
    sleep 0.1
done
printf 'GET / HTTP/1.0\r\nHost: 127.0.0.1:8085\r\n\r\n' >&3
page=$(tr -d '\0' <&3)
exec 3>&-
./beamline top --once
kill "$running" && wait "$running" || true
case "$page" in *"200 OK"*"<html"*) ;; *) echo "error: no page: ${page:0:200}" >&2; exit 1;; esac

step "done"
[ "$SECONDS" -lt 300 ] || { echo "error: that took more than five minutes" >&2; exit 1; }
