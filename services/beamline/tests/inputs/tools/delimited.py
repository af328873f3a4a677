"""CSV and its relatives, as pandas, Polars, DuckDB and pyarrow write them."""

import csv

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv

from cases import readings


def write(cases):
    of_pandas(cases)
    times_of_pandas(cases)
    names_and_texts(cases)
    of_polars(cases)
    of_duckdb(cases)
    of_pyarrow(cases)


def pandas_case(cases, name, frame, read=None, says=(), ending="csv", columns=None, **options):
    """A file of `to_csv`, and what `read_csv` makes of it."""
    file = f"pandas-{name}.{ending}"
    frame.to_csv(cases.path(file), **{"index": False, **options})
    back = pd.read_csv(
        cases.path(file), **{"parse_dates": ["timestamp"], "float_precision": "round_trip", **(read or {})}
    )
    cases.add("pandas", file, back[columns] if columns else back, says)


def of_pandas(cases):
    frame = readings()
    for name, options, read in [
        ("plain", {}, {}),
        ("semicolon", {"sep": ";"}, {"sep": ";"}),
        ("tab", {"sep": "\t"}, {"sep": "\t"}),
        ("pipe", {"sep": "|"}, {"sep": "|"}),
        ("decimal-comma", {"sep": ";", "decimal": ","}, {"sep": ";", "decimal": ","}),
        ("tab-decimal-comma", {"sep": "\t", "decimal": ","}, {"sep": "\t", "decimal": ","}),
        ("quote-all", {"quoting": csv.QUOTE_ALL}, {}),
        ("quote-nonnumeric", {"quoting": csv.QUOTE_NONNUMERIC}, {}),
        ("quote-none", {"quoting": csv.QUOTE_NONE}, {}),
        ("crlf", {"lineterminator": "\r\n"}, {}),
        ("cr", {"lineterminator": "\r"}, {"lineterminator": "\r"}),
        ("bom", {"encoding": "utf-8-sig"}, {"encoding": "utf-8-sig"}),
        ("utf16", {"encoding": "utf-16"}, {"encoding": "utf-16"}),
        ("scientific", {"float_format": "%.6e"}, {}),
        ("rounded", {"float_format": "%.2f"}, {}),
        ("plus-sign", {"float_format": "%+.3f"}, {}),
    ]:
        pandas_case(cases, name, frame, read, **options)
    for ending in ("gz", "bz2", "xz", "zst"):
        pandas_case(cases, f"packed-{ending}", frame, ending=f"csv.{ending}")
    gaps = frame.assign(value=frame["value"].where(frame["id"] % 3 != 0), sensor=frame["sensor"])
    for marker in ("", "NA", "N/A", "NULL", "null", "nan", "NaN", "None", "-", "--", "#N/A", "?", "."):
        name = "gaps-" + ("empty" if not marker else "".join(f"{ord(letter):x}" for letter in marker))
        pandas_case(cases, name, gaps, {"na_values": [marker]}, na_rep=marker)
    infinite = frame.assign(value=[np.inf, -np.inf, *frame["value"][2:]])
    pandas_case(cases, "infinite", infinite)
    pandas_case(cases, "index", frame, index=True, columns=list(frame.columns))
    pandas_case(cases, "long", readings(3000, "17ms"))
    whole = frame.assign(count=frame["id"] * 10**6, big=2**53 + frame["id"], code=frame["id"].map(lambda n: f"{n:05d}"))
    pandas_case(cases, "whole-numbers", whole, {"dtype": {"code": str}})
    pandas_case(
        cases,
        "nullable-integers",
        frame.assign(count=frame["id"].where(frame["id"] > 3).astype("Int64")),
        {"dtype": {"count": "Int64"}},
    )
    pandas_case(
        cases, "u64", frame.assign(checksum=2**64 - frame["id"].astype(object)), {"dtype": {"checksum": "uint64"}}
    )
    pandas_case(cases, "extremes", frame.assign(tiny=frame["value"] * 1e-300, huge=frame["value"] * 1e300))
    pandas_case(cases, "one-row", frame.head(1))
    frame.sample(frac=1, random_state=3).to_csv(cases.path("pandas-shuffled.csv"), index=False)
    back = pd.read_csv(cases.path("pandas-shuffled.csv"), parse_dates=["timestamp"], float_precision="round_trip")
    cases.add("pandas", "pandas-shuffled.csv", back.sort_values("id"))


def times_of_pandas(cases):
    frame = readings(8, "61s", "2025-11-28T22:58:00")
    for name, form in [
        ("iso", "%Y-%m-%dT%H:%M:%S"),
        ("iso-z", "%Y-%m-%dT%H:%M:%SZ"),
        ("iso-millis", "%Y-%m-%dT%H:%M:%S.250"),
        ("iso-micros", "%Y-%m-%d %H:%M:%S.%f"),
        ("minutes", "%Y-%m-%d %H:%M"),
        ("slashes", "%Y/%m/%d %H:%M:%S"),
        ("compact", "%Y%m%dT%H%M%SZ"),
        ("compact-blank", "%Y%m%d %H:%M:%S"),
        ("rfc2822", "%a, %d %b %Y %H:%M:%S GMT"),
        ("german", "%d.%m.%Y %H:%M:%S"),
        ("british", "%d/%m/%Y %H:%M:%S"),
        ("american", "%m/%d/%Y %H:%M:%S"),
        ("american-pm", "%m/%d/%Y %I:%M:%S %p"),
        ("month-name", "%d-%b-%Y %H:%M:%S"),
        ("american-dashes", "%m-%d-%Y %H:%M:%S"),
        ("american-short", "%m/%d/%Y %H:%M"),
        ("two-digit-year", "%m/%d/%y %H:%M"),
        ("two-digit-year-pm", "%m/%d/%y %I:%M %p"),
        ("points", "%Y.%m.%d %H:%M:%S"),
        ("iso-pm", "%Y-%m-%d %I:%M:%S %p"),
        ("day-of-year", "%Y-%jT%H:%M:%S"),
        ("sas", "%d%b%Y:%H:%M:%S"),
        ("ctime", "%a %b %d %H:%M:%S %Y"),
        ("long", "%B %d, %Y %I:%M %p"),
        ("apache", "%d/%b/%Y:%H:%M:%S +0000"),
    ]:
        shown = frame.assign(timestamp=frame["timestamp"].dt.strftime(form))
        file = f"pandas-time-{name}.csv"
        shown.to_csv(cases.path(file), index=False)
        back = pd.read_csv(cases.path(file), float_precision="round_trip")
        form = form.replace("SZ", "S%z").replace("+0000", "%z").replace(" GMT", " %Z").replace(".250", ".%f")
        time = pd.to_datetime(back["timestamp"], format=form, utc=True)
        derived = name not in (
            "iso",
            "iso-z",
            "iso-millis",
            "iso-micros",
            "minutes",
            "slashes",
            "compact",
            "compact-blank",
            "rfc2822",
        )
        back = back.drop(columns="timestamp").assign(**{"event_time" if derived else "timestamp": time})
        cases.add("pandas", file, back)
    for zone in ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"):
        pandas_case(
            cases,
            "zone-" + zone.split("/")[-1].lower(),
            frame.assign(timestamp=frame["timestamp"].dt.tz_localize(zone)),
        )
    for unit, factor in (("s", 10**6), ("ms", 10**3), ("us", 1)):
        file = f"pandas-epoch-{unit}.csv"
        frame.assign(timestamp=frame["timestamp"].astype("int64") // factor).to_csv(cases.path(file), index=False)
        back = pd.read_csv(cases.path(file), float_precision="round_trip")
        cases.add("pandas", file, back.assign(timestamp=pd.to_datetime(back["timestamp"], unit=unit)))
    file = "pandas-epoch-float.csv"
    frame.assign(time=frame["timestamp"].astype("int64") / 1e6 + 0.25).drop(columns="timestamp").to_csv(
        cases.path(file), index=False
    )
    back = pd.read_csv(cases.path(file), float_precision="round_trip")
    cases.add("pandas", file, back.assign(time=pd.to_datetime(back["time"], unit="s").dt.round("us")))
    apart = frame.assign(
        date=frame["timestamp"].dt.strftime("%Y-%m-%d"), time=frame["timestamp"].dt.strftime("%H:%M:%S")
    )
    apart.drop(columns="timestamp").to_csv(cases.path("pandas-date-and-time.csv"), index=False)
    back = pd.read_csv(cases.path("pandas-date-and-time.csv"), float_precision="round_trip")
    joined = pd.to_datetime(back["date"] + " " + back["time"])
    cases.add(
        "pandas", "pandas-date-and-time.csv", back.drop(columns=["date", "time"]).assign(event_time=joined), ["joined"]
    )
    days = readings(8, "1D").assign(timestamp=lambda frame: frame["timestamp"].dt.strftime("%Y-%m-%d"))
    pandas_case(cases, "days", days.rename(columns={"timestamp": "date"}), {"parse_dates": ["date"]})


def names_and_texts(cases):
    frame = readings(6)
    texts = frame.assign(note=['say "hi"', "a, b", "two\nlines", "", "Müller – 5 µm", "tab\there"])
    pandas_case(
        cases,
        "texts",
        texts,
        {"keep_default_na": False, "na_values": {"value": [""]}},
        columns=["id", "timestamp", "value"],
    )
    cases.found[-1]["columns"]["note"] = [text or None for text in texts["note"]]
    named = frame.rename(columns={"value": "Température (°C)", "pressure": "pressure [hPa]", "sensor": "select"})
    named.to_csv(cases.path("pandas-names.csv"), index=False)
    back = pd.read_csv(cases.path("pandas-names.csv"), parse_dates=["timestamp"], float_precision="round_trip")
    cases.add(
        "pandas",
        "pandas-names.csv",
        back.rename(columns={"Température (°C)": "Temperature_C", "pressure [hPa]": "pressure_hPa"}),
    )
    cased = frame.rename(columns={"value": "Value", "sensor": "SensorID", "timestamp": "Timestamp", "id": "ID"})
    cased.to_csv(cases.path("pandas-capitals.csv"), index=False)
    cases.add("pandas", "pandas-capitals.csv", cased, order="ID")
    many = pd.concat(
        [frame, pd.DataFrame({f"channel_{number}": frame["value"] * number for number in range(200)})], axis=1
    )
    pandas_case(cases, "many-columns", many)
    mixed = frame.assign(ok=["True", "False", "true", "false", "TRUE", "FALSE"])
    mixed.to_csv(cases.path("pandas-booleans.csv"), index=False)
    cases.add("pandas", "pandas-booleans.csv", frame.assign(ok=[True, False] * 3))


def of_polars(cases):
    frame = pl.from_pandas(readings())
    for name, options, read in [
        ("plain", {}, {}),
        ("tab", {"separator": "\t"}, {"separator": "\t"}),
        ("semicolon", {"separator": ";"}, {"separator": ";"}),
        ("always-quoted", {"quote_style": "always"}, {}),
        ("non-numeric", {"quote_style": "non_numeric"}, {}),
        ("never-quoted", {"quote_style": "never"}, {}),
        ("bom", {"include_bom": True}, {}),
        ("crlf", {"line_terminator": "\r\n"}, {"eol_char": "\n"}),
        ("nulls", {"null_value": "NULL"}, {"null_values": "NULL"}),
        ("scientific", {"float_scientific": True}, {}),
        ("precision", {"float_precision": 3}, {}),
        ("time-format", {"datetime_format": "%Y-%m-%d %H:%M:%S%.3f"}, {}),
    ]:
        file = f"polars-{name}.csv"
        written = frame.with_columns(value=pl.when(pl.col("id") % 4 != 1).then("value")) if name == "nulls" else frame
        written.write_csv(cases.path(file), **options)
        back = pl.read_csv(cases.path(file), try_parse_dates=True, **read)
        cases.add("Polars", file, back.to_dict(as_series=False))


def of_duckdb(cases):
    table = readings()
    connection = duckdb.connect()
    connection.register("readings", table)
    for name, options in [
        ("plain", "HEADER"),
        ("tab", "HEADER, DELIMITER '\t'"),
        ("pipe", "HEADER, DELIMITER '|'"),
        ("force-quote", "HEADER, FORCE_QUOTE *"),
        ("nullstr", "HEADER, NULLSTR 'NULL'"),
        ("timestamp", "HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%gZ'"),
        ("gzip", "HEADER, COMPRESSION gzip"),
        ("zstd", "HEADER, COMPRESSION zstd"),
    ]:
        file = f"duckdb-{name}.csv" + {"gzip": ".gz", "zstd": ".zst"}.get(name, "")
        select = "SELECT * REPLACE (CASE WHEN id % 3 = 0 THEN NULL ELSE value END AS value) FROM readings"
        connection.execute(f"COPY ({select}) TO '{cases.path(file)}' (FORMAT csv, {options})")
        nulls = ", nullstr='NULL'" if name == "nullstr" else ""
        back = connection.execute(f"SELECT * FROM read_csv('{cases.path(file)}'{nulls}) ORDER BY id").fetchall()
        columns = {column: [row[place] for row in back] for place, column in enumerate(table.columns)}
        cases.add("DuckDB", file, columns)


def of_pyarrow(cases):
    table = pa.Table.from_pandas(readings(), preserve_index=False)
    for name, options in [
        ("needed", {"quoting_style": "needed"}),
        ("all-valid", {"quoting_style": "all_valid"}),
        ("none", {"quoting_style": "none"}),
        ("semicolon", {"delimiter": ";"}),
        ("tab", {"delimiter": "\t"}),
    ]:
        file = f"pyarrow-{name}.csv"
        pa.csv.write_csv(table, cases.path(file), pa.csv.WriteOptions(**options))
        back = pa.csv.read_csv(
            cases.path(file), parse_options=pa.csv.ParseOptions(delimiter=options.get("delimiter", ","))
        )
        cases.add("pyarrow", file, back.to_pydict())
