"""JSON, as pandas, Polars, DuckDB, jq and Python's own module write it."""

import gzip
import json
import shutil
import subprocess

import duckdb
import pandas as pd
import polars as pl

from cases import readings


def write(cases):
    of_pandas(cases)
    of_polars(cases)
    of_duckdb(cases)
    of_python(cases)
    of_jq(cases)


def of_pandas(cases):
    frame = readings()
    gaps = frame.assign(value=frame["value"].where(frame["id"] % 3 != 0))
    for name, written, options, ending in [
        ("records", frame, {"date_format": "iso"}, "json"),
        ("records-indent", frame, {"date_format": "iso", "indent": 2}, "json"),
        ("lines", frame, {"date_format": "iso", "lines": True}, "jsonl"),
        ("lines-ndjson", frame, {"date_format": "iso", "lines": True}, "ndjson"),
        ("lines-named-json", frame, {"date_format": "iso", "lines": True}, "json"),
        ("epoch-ms", frame, {"date_format": "epoch", "date_unit": "ms", "lines": True}, "jsonl"),
        ("epoch-s", frame, {"date_format": "epoch", "date_unit": "s", "lines": True}, "jsonl"),
        ("epoch-us", frame, {"date_format": "epoch", "date_unit": "us", "lines": True}, "jsonl"),
        ("epoch-ns", frame, {"date_format": "epoch", "date_unit": "ns", "lines": True}, "jsonl"),
        ("iso-ns", frame, {"date_format": "iso", "date_unit": "ns", "lines": True}, "jsonl"),
        ("gaps", gaps, {"date_format": "iso", "lines": True}, "jsonl"),
        ("precise", frame, {"date_format": "iso", "double_precision": 15}, "json"),
        ("gzip", frame, {"date_format": "iso", "lines": True}, "jsonl.gz"),
        ("zstd", frame, {"date_format": "iso"}, "json.zst"),
        ("bzip2", frame, {"date_format": "iso", "lines": True}, "jsonl.bz2"),
        ("xz", frame, {"date_format": "iso"}, "json.xz"),
    ]:
        file = f"pandas-{name}.{ending}"
        written.to_json(cases.path(file), orient="records", **options)
        lines = options.get("lines", False)
        back = pd.read_json(cases.path(file), orient="records", lines=lines, convert_dates=False, precise_float=True)
        unit = options.get("date_unit") if options["date_format"] == "epoch" else None
        cases.add("pandas", file, back.assign(timestamp=pd.to_datetime(back["timestamp"], unit=unit)))


def of_polars(cases):
    frame = pl.from_pandas(readings()).with_columns(
        levels=pl.concat_list("value", "pressure"), place=pl.struct(x=pl.col("value"), name=pl.col("sensor"))
    )
    frame.write_json(cases.path("polars-array.json"))
    cases.add(
        "Polars", "polars-array.json", dated(pl.read_json(cases.path("polars-array.json")).to_dict(as_series=False))
    )
    for name in ("polars-lines.ndjson", "polars-lines.jsonl"):
        frame.write_ndjson(cases.path(name))
        cases.add("Polars", name, dated(pl.read_ndjson(cases.path(name)).to_dict(as_series=False)))


def dated(columns):
    """The columns of a table whose times stand as text."""
    times = [time if hasattr(time, "year") else pd.Timestamp(time) for time in columns["timestamp"]]
    return {**columns, "timestamp": times}


def of_duckdb(cases):
    connection = duckdb.connect()
    connection.register("readings", readings())
    select = "SELECT *, [value, pressure] AS pair, {'a': id, 'b': sensor} AS inner_part FROM readings"
    for name, options, ending in [
        ("lines", "", "json"),
        ("array", ", ARRAY true", "json"),
        ("gzip", ", COMPRESSION gzip", "json.gz"),
        ("slashes", ", TIMESTAMPFORMAT '%Y/%m/%d %H:%M:%S'", "jsonl"),
    ]:
        file = f"duckdb-{name}.{ending}"
        connection.execute(f"COPY ({select}) TO '{cases.path(file)}' (FORMAT json{options})")
        back = connection.execute(f"SELECT * FROM read_json('{cases.path(file)}') ORDER BY id")
        names = [column[0] for column in back.description]
        rows = back.fetchall()
        columns = {column: [row[place] for row in rows] for place, column in enumerate(names)}
        cases.add("DuckDB", file, dated(columns))


def of_python(cases):
    """Python's json, with what its users put into it."""
    rows = (
        readings(8)
        .assign(timestamp=lambda frame: frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        .to_dict("records")
    )

    def case(name, rows, text, ending="jsonl", columns=None):
        cases.path(f"json-{name}.{ending}").write_text(text)
        columns = columns or {column: [row.get(column) for row in rows] for column in rows[0]}
        cases.add("json", f"json-{name}.{ending}", columns)

    lines = lambda rows, **options: "".join(json.dumps(row, **options) + "\n" for row in rows)
    case("lines", rows, lines(rows))
    case("array", rows, json.dumps(rows), "json")
    case("indent", rows, json.dumps(rows, indent=4), "json")
    case("pretty-lines", rows, "\n".join(json.dumps(row, indent=2) for row in rows), "json")
    case("concatenated", rows, "".join(json.dumps(row) for row in rows), "json")
    case("sorted-keys", rows, lines(rows, sort_keys=True))
    case("tight", rows, lines(rows, separators=(",", ":")))
    case("no-last-newline", rows, lines(rows).rstrip("\n"))
    case("crlf", rows, lines(rows).replace("\n", "\r\n"))
    case("blank-lines", rows, lines(rows).replace("\n", "\n\n"))
    odd = [
        {**row, "flux": value}
        for row, value in zip(rows, [1.5, float("nan"), float("inf"), float("-inf"), None, 0.0, -1.5, 1e-9])
    ]
    case("nan", odd, lines(odd))
    case("nan-array", odd, json.dumps(odd), "json")
    texts = [{**row, "note": text} for row, text in zip(rows, ["é", 'a "b"', "a\\b", "a\nb", "\t", "日本", "😀", "/"])]
    case("escaped", texts, lines(texts))
    case("unescaped", texts, lines(texts, ensure_ascii=False))
    whole = [{**row, "count": 2**53 + row["id"]} for row in rows]
    case("beyond-a-float", whole, lines(whole))
    unsigned = [{**row, "checksum": str(2**64 - row["id"]) if row["id"] > 4 else str(row["id"])} for row in rows]
    case("u64", unsigned, lines([{**row, "checksum": int(row["checksum"])} for row in unsigned]))
    absent = [{name: value for name, value in row.items() if name != "pressure" or row["id"] % 2} for row in rows]
    case("absent-keys", absent, lines(absent), columns={name: [row.get(name) for row in absent] for name in rows[0]})
    nested = [{**row, "a": {"b": {"c": row["id"]}}, "list": [row["id"], row["id"] + 1], "empty": []} for row in rows]
    case(
        "nested",
        nested,
        lines(nested),
        columns={name: [row[name] for row in nested] for name in nested[0] if name != "empty"},
    )
    listed = [{**row, "tracks": [{"pt": 1.5 * row["id"], "charge": -1}] * (row["id"] % 3)} for row in rows]
    case("lists-of-objects", listed, lines(listed))
    whole_and_not = [{**row, "x": row["id"] if row["id"] % 2 else row["id"] + 0.5} for row in rows]
    case("whole-and-fractions", whole_and_not, lines(whole_and_not))
    epoch = [{**row, "ts": 1764370680 + row["id"]} for row in rows]
    plain = [{name: value for name, value in row.items() if name != "timestamp"} for row in epoch]
    times = [pd.Timestamp(row["ts"], unit="s") for row in plain]
    case(
        "epoch", plain, lines(plain), columns={**{name: [row[name] for row in plain] for name in plain[0]}, "ts": times}
    )
    with gzip.open(cases.path("json-gzip-members.jsonl.gz"), "wt") as out:
        out.write(lines(rows[:3]))
    with gzip.open(cases.path("json-gzip-members.jsonl.gz"), "at") as out:
        out.write(lines(rows[3:]))
    cases.add("json", "json-gzip-members.jsonl.gz", {name: [row[name] for row in rows] for name in rows[0]})


def of_jq(cases):
    if shutil.which("jq") is None:
        return
    frame = readings(8).assign(timestamp=lambda frame: frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    array = frame.to_json(orient="records")
    for name, arguments, ending in [
        ("compact", ["-c", ".[]"], "jsonl"),
        ("pretty", [".[]"], "json"),
        ("array", ["."], "json"),
        ("tab", ["--tab", "."], "json"),
        ("sorted", ["-S", "-c", ".[]"], "json"),
        ("sequence", ["-c", ".[] | {id, timestamp, sensor, reading: {value, pressure}}"], "jsonl"),
    ]:
        text = subprocess.run(["jq", *arguments], input=array, capture_output=True, text=True, check=True).stdout
        file = f"jq-{name}.{ending}"
        cases.path(file).write_text(text)
        read = subprocess.run(
            ["jq", "-s", "-c", "flatten"], input=text, capture_output=True, text=True, check=True
        ).stdout
        rows = json.loads(read)
        cases.add("jq", file, {column: [row[column] for row in rows] for column in rows[0]})
