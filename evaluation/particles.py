"""Labelled particles for labelled-particles.yaml: those of an LHE file, or of Pythia's own events, some of them tampered with.

    particles.py lhe FILE.csv.gz OUT.csv
    particles.py pythia OUT.csv [--events 300] [--beam 6500] [--digits 17] [--seed 7]

Of 100 particles of the final state one has its energy scaled by 1.15, and one a wrong mass. The digits that the numbers are written with
stay as they are. Pythia needs the package pythia8mc, which is compiled when it is installed.
"""

import argparse
import csv
import gzip
import itertools

COLUMNS = ["event", "pdg_id", "status", "px", "py", "pz", "energy", "mass", "is_anomaly", "anomaly_kind"]
SCALE, WRONG_MASS = 1.15, 0.5


def from_lhe(path):
    """The rows of a file with a particle a row, as text."""
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as file:
        yield from csv.DictReader(file)


def from_pythia(events, beam, digits, seed):
    """The final particles of proton collisions with hard jets: energies in GeV, the beam's each."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    settings = ["HardQCD:all = on", "PhaseSpace:pTHatMin = 50", "Beams:idA = 2212", "Beams:idB = 2212", "Print:quiet = on"]
    for setting in [*settings, f"Beams:eCM = {2 * beam}", "Random:setSeed = on", f"Random:seed = {seed}"]:
        pythia.readString(setting)
    if not pythia.init():
        raise SystemExit("Pythia does not start")
    written = 0
    while written < events:
        if not pythia.next():
            continue
        for particle in pythia.event:
            if particle.isFinal():
                numbers = particle.px(), particle.py(), particle.pz(), particle.e(), particle.m()
                texts = [f"{number:.{digits - 1}e}" for number in numbers]
                names = ["px", "py", "pz", "energy", "mass"]
                yield {"event": written, "pdg_id": particle.id(), "status": 1, **dict(zip(names, texts))}
        written += 1


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
    pythia = kinds.add_parser("pythia", help="particles that Pythia makes")
    pythia.add_argument("out")
    pythia.add_argument("--events", type=int, default=300)
    pythia.add_argument("--beam", type=float, default=6500, help="energy of each proton in GeV")
    pythia.add_argument("--digits", type=int, default=17)
    pythia.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    rows = from_lhe(given.file) if given.kind == "lhe" else from_pythia(given.events, given.beam, given.digits, given.seed)
    with open(given.out, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(tampered(rows))


if __name__ == "__main__":
    main()
