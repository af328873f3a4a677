"""The cases: a file, the tool that wrote it, and the values that it reads."""

import datetime
import decimal
import math
import uuid

import numpy as np
import pandas as pd

# The beginning of measurements, a little after a whole second.
START = datetime.datetime(2025, 3, 1, 10, 0, 0, 250_000)


def stamps(count):
    """Times a second apart, from the whole second on."""
    return [START.replace(microsecond=0) + datetime.timedelta(seconds=row) for row in range(count)]


def plain(value):
    """A value as JSON says it."""
    if isinstance(value, np.ma.core.MaskedConstant):
        return None
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, dict):
        return {str(plain(name)): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return value if math.isfinite(value) else {"inf": "inf", "-inf": "-inf", "nan": "NaN"}[str(value)]
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".") + "Z"
    if isinstance(value, (datetime.date, datetime.time, decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


class Cases:
    """Collects what is written."""

    def __init__(self, folder):
        self.folder = folder
        self.found = []

    def add(self, tool, file, columns, says=(), order="id"):
        """A file that is there, with its columns by the name that SQL has for them, rows by `order`; `says` are words of what
        `init` writes or prints."""
        if isinstance(columns, pd.DataFrame):
            # What is missing is NaN in pandas.
            columns = {
                name: [None if gone else value for value, gone in zip(columns[name].tolist(), columns[name].isna())]
                for name in columns
            }
        columns = {name: [plain(value) for value in values] for name, values in columns.items()}
        self.found.append({"tool": tool, "file": file, "columns": columns, "says": list(says), "order": order})

    def path(self, file):
        return self.folder / file


def readings(rows=12, freq="1s", start="2025-03-01T10:00:00"):
    """A table of measurements, as people have them."""
    return pd.DataFrame(
        {
            "id": np.arange(1, rows + 1),
            "timestamp": pd.date_range(start, periods=rows, freq=freq).as_unit("us"),
            "sensor": [f"s{row % 3}" for row in range(rows)],
            "value": [20.5 + row * 0.37 for row in range(rows)],
            "pressure": [1013.25 - row / 7 for row in range(rows)],
            "ok": [row % 4 != 0 for row in range(rows)],
        }
    )
