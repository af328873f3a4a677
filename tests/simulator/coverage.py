"""Sums up which lines of the workers the histories of the simulator executed: `coverage.py SUMMARY`, as llvm-cov exports it."""

import json
import pathlib
import sys

# What a worker consists of in crate kafka.
WORKER = ["runtime", "messages", "stages.rs", "step.rs"]
# What the simulator replaces or does not have (ARCHITECTURE.md says so): what is said to librdkafka, several workers of one
# process, and what belongs to generators, windows, the dashboard and traces.
LEFT_OUT = [
    "runtime/live.rs",
    "runtime/group.rs",
    "runtime/crew.rs",
    "messages/hops.rs",
    "messages/partials.rs",
    "messages/source_place.rs",
    "messages/stored_note.rs",
    "messages/trace.rs",
    "messages/traceparent.rs",
]


def main(summary):
    files = json.loads(pathlib.Path(summary).read_text())["data"][0]["files"]
    rows = []
    for file in files:
        name = file["filename"].partition("crates/kafka/src/")[2]
        if any(name == part or name.startswith(part + "/") or name == part + ".rs" for part in WORKER) and name not in LEFT_OUT:
            lines = file["summary"]["lines"]
            rows.append((lines["count"], lines["covered"], name))
    rows = [row for row in rows if row[0]]
    if not rows:
        sys.exit("error: no line of the workers was counted")
    print(" lines  executed        file")
    for count, covered, name in sorted(rows, key=lambda row: row[1] - row[0]):
        print(f"{count:>6} {covered:>9} {100 * covered / count:>5.1f} %  {name}")
    count, covered = (sum(row[at] for row in rows) for at in (0, 1))
    print(f"{count:>6} {covered:>9} {100 * covered / count:>5.1f} %  of the workers' lines")


main(*sys.argv[1:])
