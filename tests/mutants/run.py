"""Changes the pure crates in small ways (cargo-mutants), one at a time, and says which changes a crate's own tests do not notice.

By default 100 changes of each crate, drawn by SEED; ALL=1 takes every one, CRATES="stage window" only those of some crates. It
works on a copy, so that the sources may be edited meanwhile. What was caught is kept in target/mutants and not tried again as
long as the file that was changed is the same, so that a run that was broken off goes on where it was.

It fails where fewer than 95 % of the viable mutants of a crate are caught, or more than 2 % are listed as equivalent.
"""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "target/mutants"
TREE = HOME / "tree"
EQUIVALENT = ROOT / "tests/mutants/equivalent.txt"

CRATES = "detect window stage lookup codec expr stream infer"
CAUGHT_MIN, EQUIVALENT_MAX = 0.95, 0.02
# Mutants that are given to cargo-mutants at once; what a run that is broken off has to try again.
CHUNK = 25

OUTCOMES = {"CaughtMutant": "caught", "MissedMutant": "missed", "Timeout": "timed out", "Unviable": "unviable"}


def copy_tree():
    """Copies what git knows or would add, with the files' times: cargo then builds only what has changed."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT).decode()
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, TREE / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


class Mutant:
    """One change of one file."""

    def __init__(self, listed, lines):
        self.name = listed["name"]
        file, line, _, change = re.fullmatch(r"(.+?):(\d+):(\d+): (.*)", self.name).groups()
        # The same wherever the function stands in its file; the line tells changes of one function apart.
        self.place = (f"{file}: {change}", lines[int(line) - 1].strip())


def mutants_of(crate):
    """All mutants of a crate, and the digest of each file without its tests."""
    listed = json.loads(cargo_mutants("--list", "--json", "--package", crate, capture_output=True).stdout)
    sources = {file: (TREE / file).read_text() for file in {mutant["file"] for mutant in listed}}
    digests = {
        file: hashlib.sha256(text.split("\n#[cfg(test)]\nmod tests {")[0].encode()).hexdigest()[:16]
        for file, text in sources.items()
    }
    return [Mutant(mutant, sources[mutant["file"]].splitlines()) for mutant in listed], digests


def cargo_mutants(*arguments, **options):
    return subprocess.run(["cargo-mutants", "mutants", "--dir", TREE, *arguments], **options)


class Results:
    """What came of each mutant, kept in a file."""

    def __init__(self, crate, digests):
        self.path = HOME / f"{crate}.json"
        self.digests = digests
        self.known = json.loads(self.path.read_text()) if self.path.exists() else {}

    def key(self, mutant):
        return f"{self.digests[mutant.name.split(':')[0]]} {mutant.name}"

    def of(self, mutant):
        return self.known.get(self.key(mutant))

    def set(self, mutant, outcome):
        self.known[self.key(mutant)] = outcome

    def save(self):
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(self.known, indent=0))
        beside.replace(self.path)


def test_command(crate, only_unit_tests):
    # What is mutated is compiled over and over, and its tests are short: it is not optimised.
    arguments = ["--locked", "--config", f"profile.dev.package.{crate}.opt-level=0"]
    arguments += os.environ.get("CARGO_ARGS", "").split()
    return arguments, ["--lib"] if only_unit_tests else []


def seconds_of_tests(crate, only_unit_tests):
    """Runs the tests of the unchanged crate, which have to pass, and says how long they take."""
    arguments, tests = test_command(crate, only_unit_tests)
    command = ["cargo", *os.environ.get("CARGO_ARGS", "").split(), "test", *arguments, "--package", crate, *tests]
    subprocess.run([*command, "--no-run"], cwd=TREE, check=True)
    begin = time.monotonic()
    subprocess.run(command, cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def try_mutants(crate, mutants, results, only_unit_tests):
    """Tries each mutant with the crate's tests and keeps what came of it."""
    if not mutants:
        return
    timeout = max(60, round(5 * seconds_of_tests(crate, only_unit_tests)))
    arguments, tests = test_command(crate, only_unit_tests)
    for begin in range(0, len(mutants), CHUNK):
        chunk = {mutant.name: mutant for mutant in mutants[begin : begin + CHUNK]}
        print(f"{crate}: {begin} of {len(mutants)} tried with its {'unit ' if only_unit_tests else ''}tests", flush=True)
        names = [f"--re=^{re.escape(name)}$" for name in chunk]
        cargo = [f"--cargo-arg={argument}" for argument in arguments]
        cargo_mutants(
            "--in-place", "--package", crate, "--test-package", crate, "--baseline=skip", f"--timeout={timeout}",
            f"--output={HOME / crate}", "--colors=never", *cargo, *names, "--", *tests,
        )  # fmt: skip
        for outcome in json.loads((HOME / crate / "mutants.out/outcomes.json").read_text())["outcomes"]:
            # A name may also be found by the pattern of another chunk.
            if mutant := chunk.get(outcome["scenario"]["Mutant"]["name"]):
                results.set(mutant, OUTCOMES[outcome["summary"]])
        results.save()


def equivalents():
    """Mutants that change nothing one could see: three lines each, the change, the line, and why."""
    listed = defaultdict(str)
    lines = [line.strip() for line in EQUIVALENT.read_text().splitlines() if not line.startswith("#")]
    lines = [line for line in lines if line]
    for change, line, why in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        listed[(change, line)] = why
    return listed


def run(crate, draw, seed, listed_equivalent):
    mutants, digests = mutants_of(crate)
    for place in listed_equivalent:
        if place[0].startswith(f"crates/{crate}/") and place not in {mutant.place for mutant in mutants}:
            sys.exit(f"error: {EQUIVALENT.name} lists what is not a mutant: {place[0]}")
    # In the order of the sources: less is compiled again from one to the next.
    numbers = sorted(random.Random(seed).sample(range(len(mutants)), len(mutants) if draw is None else min(draw, len(mutants))))
    chosen = [mutants[number] for number in numbers]
    results = Results(crate, digests)
    # Unit tests are quick to build; the others are run for what they let pass.
    try_mutants(crate, [mutant for mutant in chosen if results.of(mutant) is None], results, True)
    missed = [mutant for mutant in chosen if results.of(mutant) == "missed" and mutant.place not in listed_equivalent]
    if any((TREE / "crates" / crate / "tests").glob("*")):
        try_mutants(crate, missed, results, False)
    else:
        try_mutants(crate, missed, results, True)
    counts = Counter()
    for mutant in chosen:
        outcome = results.of(mutant)
        if mutant.place in listed_equivalent:
            outcome = "equivalent" if outcome == "missed" else outcome
        if outcome in ("missed", "timed out"):
            print(f"{outcome}: {mutant.name}")
        counts[outcome] += 1
    return len(mutants), counts


def main():
    draw = None if os.environ.get("ALL") else int(os.environ.get("DRAW", "100"))
    seed = int(os.environ.get("SEED") or random.randrange(1 << 16))
    os.environ.setdefault("CARGO_TARGET_DIR", str(HOME / "target"))
    copy_tree()
    listed = equivalents()
    columns = ("mutants", "tried", "unviable", "caught", "timed out", "missed", "equivalent")
    table = [f"| crate | {' | '.join(columns)} | caught of viable |", "|---|" + "---:|" * (len(columns) + 1)]
    failed = False
    for crate in (os.environ.get("CRATES") or CRATES).split():
        total, counts = run(crate, draw, seed, listed)
        tried = sum(counts.values())
        viable = tried - counts["unviable"]
        caught = counts["caught"] + counts["timed out"]
        failed |= caught < CAUGHT_MIN * viable or counts["equivalent"] > EQUIVALENT_MAX * viable
        values = [total, tried, *(counts[name] for name in columns[2:])]
        table.append(f"| {crate} | {' | '.join(map(str, values))} | {100 * caught / max(viable, 1):.1f} % |")
    print("all mutants" if draw is None else f"{draw} mutants of each crate, drawn by SEED={seed}")
    print("\n".join(table))
    sys.exit(failed)


main()
