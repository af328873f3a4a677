"""Beamline's scores of a stream's rows: `beamline replay` with one definition, whose features are the columns, then `query`."""

import csv
import io
import json
import os
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("BEAMLINE", str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/beamline"))

# The settings that are tried, as `layers` of a definition has them. The window of the chains is what it is by default.
LARGE = {"chains": 25, "depth": 10, "width": 512, "window": 2_048}
SETTINGS = [
    {},
    {"ewma": {"alpha": 3e-4}, "mahalanobis": {"alpha": 3e-4}},
    {"ewma": {"alpha": 3e-3}, "mahalanobis": {"alpha": 3e-3}},
    {"chains": {"chains": 4, "depth": 8, "width": 64, "window": 2_048}},
    {"chains": {"chains": 8, "depth": 6, "width": 64, "window": 2_048}},
    {"chains": LARGE},
    {"chains": False},
]

# Each judge by its column.
COLUMNS = {
    "all": "anomaly_score",
    "EWMA": "score_ewma",
    "Mahalanobis": "score_mahalanobis",
    "chains": "score_chains",
}

DEFINITION = """apiVersion: beamline.dev/v1
kind: Stream
metadata: {{ name: compare }}
spec:
  schema: row.avsc
  id: row
  key: series
  time: timestamp
  partitions: 1
  source:
    files: {{ paths: ["*.csv"] }}
  detect:
    features: [{features}]
    layers: {layers}
"""


def scores(settings, rows):
    """The scores of each judge that is on."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        names = [f"f{feature}" for feature in range(rows.shape[1])]
        definition = DEFINITION.format(features=", ".join(names), layers=json.dumps(settings))
        (folder / "stream.yaml").write_text(definition)
        (folder / "row.avsc").write_text(json.dumps(schema(names)))
        write(folder / "rows.csv", names, rows)
        beamline("replay", folder / "stream.yaml", folder / "rows.csv", "--out", folder / "results", "--no-page", "--quiet")
        judges = {judge: column for judge, column in COLUMNS.items() if settings.get(judge.lower()) is not False}
        ordered = f"SELECT {', '.join(judges.values())} FROM processed_data ORDER BY row"
        answer = beamline("query", "--results", folder / "results", "--format", "csv", ordered)
    _, *lines = csv.reader(io.StringIO(answer))
    table = np.array([[float(value or "nan") for value in line] for line in lines])
    return dict(zip(judges, table.T))


def schema(names):
    """The record of a row."""
    time = {"type": "long", "logicalType": "timestamp-micros"}
    fields = [("row", "string"), ("series", "string"), ("timestamp", time), *((name, "double") for name in names)]
    fields = [{"name": name, "type": kind} for name, kind in fields]
    return {"type": "record", "name": "Row", "namespace": "dev.beamline.compare", "fields": fields}


def write(path, names, rows):
    """The rows as a file, one a second."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["row", "series", "timestamp", *names])
        for number, row in enumerate(rows):
            time = (start + timedelta(seconds=number)).isoformat()
            lines.writerow([f"{number:06}", "all", time, *map(repr, map(float, row))])


def beamline(*arguments):
    """Runs the program and gives what it prints."""
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout
