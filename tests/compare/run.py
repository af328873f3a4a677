"""Compares Beamline's detector with others on labelled tabular sets, and prints tables for docs/detection.md.

The settings of each detector are those with the largest mean of AUC, average precision and AUC on bursts over the four sets for
choosing. With these it is run on the four sets held out and on the real ones. What was measured is kept in target/compare, so that a
run that was broken off goes on where it was; delete that folder where Beamline has changed. `choose` as the first argument leaves the
held-out and real sets alone.
"""

import hashlib
import json
import sys
from functools import cache
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

import others
import ours
import sets

KEPT = Path(__file__).resolve().parents[2] / "target/compare"
PROCESSES = 2
OURS = "Beamline"
MEASURES = ("auc", "ap", "burst")


@cache
def all_sets():
    """Each set by its name."""
    return {one.name: one for one in [*sets.CHOOSING, *sets.HELD_OUT, *sets.real()]}


def measured(task):
    """AUC and average precision of scattered anomalies and AUC of the burst, for each judge of a detector on a set."""
    detector, settings, name = task
    key = hashlib.sha256(json.dumps([detector, settings, name], sort_keys=True, default=float).encode()).hexdigest()[:20]
    kept = KEPT / f"{key}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    found = {}
    for order in ("scattered", "burst"):
        stream = getattr(all_sets()[name], order)()
        judges = ours.scores(settings, stream.rows) if detector == OURS else {"all": others.scores(detector, settings, stream.rows)}
        labels = stream.labels[sets.START :]
        for judge, scores in judges.items():
            figures = found.setdefault(judge, {})
            # A row without a score ranks below all others.
            scores = np.nan_to_num(scores[sets.START :], nan=np.nanmin(scores) - 1)
            if order == "burst":
                figures["burst"] = roc_auc_score(labels, scores)
            else:
                figures |= {"auc": roc_auc_score(labels, scores), "ap": average_precision_score(labels, scores)}
    KEPT.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found))
    return found


def run(pool, tasks):
    """All tasks at once, with what was measured by detector, settings and set."""
    return dict(zip(map(repr, tasks), pool.map(measured, tasks, chunksize=1)))


def mean(figures, names, judge="all"):
    """The mean of each measure over sets."""
    return [float(np.mean([figures[name][judge][measure] for name in names])) for measure in MEASURES]


def table(rows, head):
    """Lines of Markdown; the largest figure of each column is bold."""
    best = [max(round(row[1][column], 3) for row in rows) for column in range(len(head))]
    yield "| detector | " + " | ".join(head) + " |"
    yield "|---" * (len(head) + 1) + "|"
    for name, figures in rows:
        cells = [f"**{figure:.3f}**" if round(figure, 3) == most else f"{figure:.3f}" for figure, most in zip(figures, best)]
        yield f"| {name} | " + " | ".join(cells) + " |"


def print_tables(title, by_detector, names):
    """Means, then each measure of each set."""
    print(f"\n{title}\n")
    means = [(label, mean(figures, names, judge)) for label, (figures, judge) in by_detector.items()]
    print(*table(means, ["mean AUC", "mean AP", "mean AUC on bursts"]), sep="\n")
    for measure, said in zip(MEASURES, ("AUC", "AP", "AUC on bursts")):
        rows = [(label, [figures[name][judge][measure] for name in names]) for label, (figures, judge) in by_detector.items()]
        print(f"\n{said}:\n")
        print(*table(rows, names), sep="\n")


def main():
    """Sweeps, then measures what was held out."""
    chosen_only = sys.argv[1:] == ["choose"]
    swept = {OURS: ours.SETTINGS} | {name: grid for name, (_, grid) in others.OTHERS.items()}
    choosing = [one.name for one in sets.CHOOSING]
    with Pool(PROCESSES) as pool:
        tasks = [(name, settings, one) for name, grid in swept.items() for settings in grid for one in choosing]
        found = run(pool, tasks)
        figures = lambda name, settings, names: {one: found[repr((name, settings, one))] for one in names}
        chosen = {}
        print("Settings swept on the sets for choosing: mean AUC, AP, AUC on bursts\n")
        for name, grid in swept.items():
            means = [mean(figures(name, settings, choosing), choosing) for settings in grid]
            for settings, three in zip(grid, means):
                print(f"    {name} {settings}: " + " ".join(f"{figure:.3f}" for figure in three))
            chosen[name] = grid[int(np.argmax([sum(three) for three in means]))]

        def judges(names):
            """Each detector with its settings; ours with the defaults and layer by layer too."""
            by_defaults = figures(OURS, {}, names)
            rows = {f"{OURS}, defaults": (by_defaults, "all")}
            if chosen[OURS]:
                rows[f"{OURS}, settings chosen"] = (figures(OURS, chosen[OURS], names), "all")
            rows |= {f"its {judge} alone": (by_defaults, judge) for judge in ours.COLUMNS if judge != "all"}
            return rows | {name: (figures(name, chosen[name], names), "all") for name in others.OTHERS}

        print_tables("Sets for choosing:", judges(choosing), choosing)
        if chosen_only:
            return
        for title, named in (("Sets held out:", sets.HELD_OUT), ("Real sets:", sets.real())):
            names = [one.name for one in named]
            tasks = [(name, settings, one) for name, settings in [(OURS, {}), *chosen.items()] for one in names]
            found |= run(pool, tasks)
            print_tables(title, judges(names), names)


if __name__ == "__main__":
    main()
