"""Labelled particles for labelled-particles.yaml: those of an LHE file, or of Pythia's own events, some of them tampered with.

    particles.py lhe FILE.csv.gz OUT.csv
    PYTHIA8DATA=xmldoc pythia 300 6500 7 | particles.py pythia OUT.csv [--digits 17]

Of 100 particles of the final state one has its energy scaled by 1.15, and one a wrong mass. The digits that the numbers are written with
stay as they are. `pythia` is the program of pythia.cc, which build-pythia.sh compiles.
"""

import argparse
import csv
import gzip
import itertools
import sys

COLUMNS = ["event", "pdg_id", "status", "px", "py", "pz", "energy", "mass", "is_anomaly", "anomaly_kind"]
SCALE, WRONG_MASS = 1.15, 0.5


def from_lhe(path):
    """The rows of a file with a particle a row, as text."""
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as file:
        yield from csv.DictReader(file)


def from_pythia(lines, digits):
    """The rows of the particles that the program of pythia.cc prints, in so many digits."""
    for event, pdg_id, *numbers in csv.reader(lines):
        texts = [f"{float(number):.{digits - 1}e}" for number in numbers]
        yield {"event": event, "pdg_id": pdg_id, "status": 1, **dict(zip(["px", "py", "pz", "energy", "mass"], texts))}


def scaled(text):
    """A number times SCALE in as many digits."""
    mantissa = text.lower().split("e")[0].lstrip("-+0.")
    digits = sum(character.isdigit() for character in mantissa)
    return f"{SCALE * float(text):.{max(digits - 1, 0)}e}"


def tampered(rows):
    """Those of the final state, labelled."""
    finals = itertools.count(1)
    for row in rows:
        row |= {"is_anomaly": "false", "anomaly_kind": "none"}
        if str(row["status"]) == "1":
            number = next(finals) % 100
            if number == 0:
                row |= {"energy": scaled(row["energy"]), "is_anomaly": "true", "anomaly_kind": "energy_scale"}
            elif number == 50:
                row |= {"mass": str(WRONG_MASS), "is_anomaly": "true", "anomaly_kind": "wrong_mass"}
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    lhe = kinds.add_parser("lhe", help="particles of a file")
    lhe.add_argument("file")
    lhe.add_argument("out")
    pythia = kinds.add_parser("pythia", help="particles that Pythia made, from standard input")
    pythia.add_argument("out")
    pythia.add_argument("--digits", type=int, default=17)
    given = parser.parse_args()
    rows = from_lhe(given.file) if given.kind == "lhe" else from_pythia(sys.stdin, given.digits)
    with open(given.out, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(tampered(rows))


if __name__ == "__main__":
    main()
