"""CSV in the forms of R, Excel and LibreOffice, and what pandas reads in them."""

import csv
import io
import lzma

import pandas as pd

from cases import readings


def write(cases):
    of_r(cases)
    of_spreadsheets(cases)


def of_r(cases):
    """What R writes: `write.csv` with its row names and quotes, `write.csv2`, data.table's `fwrite`, readr's `write_csv`."""
    frame = readings().assign(value=lambda frame: frame["value"].where(frame["id"] % 5 != 0))
    number = lambda value, comma=".": "NA" if value != value else f"{value:.15g}".replace(".", comma)

    def lines(separator, comma, quote, names, time, missing):
        out = io.StringIO()
        header = [quote + column + quote for column in frame.columns]
        out.write(separator.join(([quote + quote] if names else []) + header) + "\n")
        for place, row in enumerate(frame.itertuples(index=False), 1):
            cells = [str(row.id), time(row.timestamp), quote + row.sensor + quote]
            cells += [number(row.value, comma).replace("NA", missing), number(row.pressure, comma), str(row.ok).upper()]
            out.write(separator.join(([f"{quote}{place}{quote}"] if names else []) + cells) + "\n")
        return out.getvalue()

    blank = lambda time: time.strftime("%Y-%m-%d %H:%M:%S")
    iso = lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, text, read in [
        ("write-csv", lines(",", ".", '"', True, blank, "NA"), {"index_col": 0}),
        ("write-csv-no-names", lines(",", ".", '"', False, blank, "NA"), {}),
        ("write-csv2", lines(";", ",", '"', True, blank, "NA"), {"index_col": 0, "sep": ";", "decimal": ","}),
        ("write-table-tab", lines("\t", ".", '"', False, blank, "NA"), {"sep": "\t"}),
        ("fwrite", lines(",", ".", "", False, iso, ""), {}),
        ("readr", lines(",", ".", "", False, iso, "NA"), {}),
    ]:
        cases.path(f"r-{name}.csv").write_text(text)
        back = pd.read_csv(cases.path(f"r-{name}.csv"), parse_dates=["timestamp"], float_precision="round_trip", **read)
        cases.add("R", f"r-{name}.csv", back)


def of_spreadsheets(cases):
    """What Excel and LibreOffice Calc save as text, in several languages."""
    frame = readings(9)
    comma = lambda value: f"{value:.4f}".replace(".", ",")
    german = frame.assign(
        timestamp=frame["timestamp"].dt.strftime("%d.%m.%Y %H:%M:%S"),
        value=frame["value"].map(comma),
        pressure=frame["pressure"].map(comma),
        ok=frame["ok"].map({True: "WAHR", False: "FALSCH"}),
    )
    american = frame.assign(
        timestamp=frame["timestamp"].dt.strftime("%-m/%-d/%Y %-H:%M:%S"),
        ok=frame["ok"].map({True: "TRUE", False: "FALSE"}),
    )
    iso = frame.assign(
        timestamp=frame["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S"),
        ok=frame["ok"].map({True: "TRUE", False: "FALSE"}),
    )
    rounded = frame.assign(value=frame["value"].round(4), pressure=frame["pressure"].round(4))
    excel = {"index": False, "lineterminator": "\r\n"}
    for name, written, expected, options, before in [
        ("excel-german", german, rounded.assign(ok=german["ok"]), {"sep": ";"}, ""),
        ("excel-german-sep", german, rounded.assign(ok=german["ok"]), {"sep": ";"}, "sep=;\r\n"),
        ("excel-german-bom", german, rounded.assign(ok=german["ok"]), {"sep": ";", "encoding": "utf-8-sig"}, ""),
        ("excel-american", american, frame, {}, ""),
        ("excel-utf8", american, frame, {"encoding": "utf-8-sig"}, ""),
        ("excel-unicode-text", iso, frame, {"sep": "\t", "encoding": "utf-16"}, ""),
        ("calc-quoted", iso, frame, {"quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\n"}, ""),
        ("calc-semicolon", iso, frame, {"sep": ";", "lineterminator": "\n"}, ""),
        ("calc-trailing-blank-lines", iso, frame, {"lineterminator": "\n"}, ""),
        ("calc-title-lines", iso, frame, {"lineterminator": "\n"}, "# exported by Calc\n# sheet 1\n"),
    ]:
        text = before + written.to_csv(
            **{**excel, **{key: value for key, value in options.items() if key != "encoding"}}
        )
        text += "\n\n" if "blank" in name else ""
        ending = "txt" if "unicode" in name else "csv"
        cases.path(f"{name}.{ending}").write_bytes(text.encode(options.get("encoding", "utf-8")))
        derived = written is not iso
        expected = expected.rename(columns={"timestamp": "event_time"}) if derived else expected
        cases.add("Excel" if "excel" in name else "LibreOffice", f"{name}.{ending}", expected)
    with lzma.open(cases.path("calc-packed.csv.xz"), "wt") as packed:
        packed.write(iso.to_csv(index=False))
    cases.add("LibreOffice", "calc-packed.csv.xz", frame)
