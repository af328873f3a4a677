"""Sums up which lines of the workers the histories of the simulator executed: `coverage.py SUMMARY`, as llvm-cov exports it."""

import json
import pathlib
import sys

# Of crate kafka: the workers, and what they share with others, such as generators and readers.
WORKERS = ["runtime"]
SHARED = ["messages", "stages", "step"]
# What the simulator replaces or does not have (ARCHITECTURE.md says so): what is said to librdkafka, several workers of one
# process, and what belongs to generators, the dashboard and traces.
LEFT_OUT = [
    "runtime/live.rs",
    "runtime/batched.rs",
    "runtime/group.rs",
    "runtime/crew.rs",
    "messages/hops.rs",
    "messages/source_place.rs",
    "messages/stored_note.rs",
    "messages/trace.rs",
    "messages/traceparent.rs",
]


def is_in(name, parts):
    return name not in LEFT_OUT and any(name == part + ".rs" or name.startswith(part + "/") for part in parts)


def line(count, covered, what):
    print(f"{count:>6} {covered:>9} {100 * covered / count:>5.1f} %  {what}")


def main(summary):
    files = json.loads(pathlib.Path(summary).read_text())["data"][0]["files"]
    print(" lines  executed        file")
    for parts, what in (SHARED, "of the lines that workers share with others"), (WORKERS, "of the workers' lines"):
        rows = []
        for file in files:
            name = file["filename"].partition("crates/kafka/src/")[2]
            lines = file["summary"]["lines"]
            if is_in(name, parts) and lines["count"]:
                rows.append((lines["count"], lines["covered"], name))
        if not rows:
            sys.exit("error: no line of the workers was counted")
        for row in sorted(rows, key=lambda row: row[1] - row[0]):
            line(*row)
        line(sum(row[0] for row in rows), sum(row[1] for row in rows), what)


main(*sys.argv[1:])
