"""What else people bring: exports of databases and services, what C, Fortran and Windows print, types that few files have."""

import datetime
import json
import math
import subprocess

import duckdb
import fastavro
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.time import Time
from astropy import units

from cases import readings

UTC = datetime.timezone.utc
START = datetime.datetime(2025, 3, 1, 10, 0, 0, 250_000)


def write(cases):
    numbers(cases)
    headers(cases)
    rows(cases)
    times(cases)
    exports(cases)
    avro_types(cases)
    parquet_types(cases)
    arrow_types(cases)
    fits_tables(cases)


def stamps(count):
    return [START.replace(microsecond=0) + datetime.timedelta(seconds=row) for row in range(count)]


def text_case(cases, tool, file, text, columns, says=(), order="id", encoding="utf-8"):
    cases.path(file).write_bytes(text.encode(encoding))
    cases.add(tool, file, columns, says, order)


def lines(header, rows, separator=",", end="\n"):
    return end.join(separator.join(str(cell) for cell in row) for row in [header, *rows]) + end


def numbers(cases):
    """Numbers as programs print them."""
    at = [time.isoformat() + "Z" for time in stamps(6)]
    for name, cells, values in [
        ("c-printf", ["1.5", "-nan", "nan", "inf", "-inf", "1e+06"], [1.5, math.nan, math.nan, math.inf, -math.inf, 1e6]),
        ("short", [".5", "5.", "+.5e-3", "-.5", "1E5", "-0"], [0.5, 5.0, 0.0005, -0.5, 1e5, -0.0]),
        ("blanks", [" 1.5", "2.5 ", " 3.5 ", "4.5", "  5.5", "6.5"], [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]),
        ("msvc", ["1.5", "1.#QNAN", "1.#INF", "-1.#IND", "2.5", "3.5"], [1.5, None, math.inf, None, 2.5, 3.5]),
        ("precise", ["0.1", "0.30000000000000004", "1e-323", "1.7976931348623157e308", "2.5e-8", "9007199254740993.0"],
         [0.1, 0.30000000000000004, 1e-323, 1.7976931348623157e308, 2.5e-8, 9007199254740993.0]),
    ]:
        text = lines(["id", "timestamp", "x"], zip(range(6), at, cells))
        text_case(cases, "C", f"odd-numbers-{name}.csv", text, {"id": range(6), "timestamp": stamps(6), "x": values})
    fortran = ["0.15D+01", "0.25D+01", "-0.35D+02", "0.45D-03", "0.0D+00", "0.1D+01"]
    text = lines(["id", "timestamp", "x"], zip(range(6), at, fortran))
    text_case(cases, "Fortran", "odd-fortran.csv", text, {"id": range(6), "timestamp": stamps(6), "x": fortran})
    thousands = [f'"{value:,.1f}"' for value in (1234.5, 999.5, 1234567.5, 2.5, 3.5, 4.5)]
    text = lines(["id", "timestamp", "x"], zip(range(6), at, thousands))
    text_case(cases, "Excel", "odd-thousands.csv", text, {"id": range(6), "timestamp": stamps(6), "x": [cell.strip('"') for cell in thousands]})


def headers(cases):
    """Names that no schema could have."""
    at = [time.isoformat() + "Z" for time in stamps(3)]
    body = [[row + 1, at[row], row + 0.5, row * 2] for row in range(3)]
    expected = lambda third, fourth, first="id", second="timestamp": {
        first: [1, 2, 3], second: stamps(3), third: [0.5, 1.5, 2.5], fourth: [0, 2, 4]
    }
    for name, header, columns in [
        ("two-lines", ["id", "timestamp", '"flux\n(mJy)"', "n"], expected("flux_mJy", "n")),
        ("commas", ["id", "timestamp", '"flux, mean"', '"n ""all"""'], expected("flux_mean", "n_all")),
        ("blanks", [" id", " timestamp", " x ", "n "], expected("x", "n")),
        ("case", ["id", "timestamp", "Value", "value"], expected("Value", "value")),
        ("points", ["id", "timestamp", "candidate.magpsf", "candidate.fid"], expected("candidate_magpsf", "candidate_fid")),
        ("digits", ["id", "timestamp", "2mass", "3"], expected("_2mass", "_3")),
        ("japanese", ["id", "timestamp", "温度", "数"], None),
        ("message", ["id", "timestamp", "$key", "$offset"], expected("key", "offset")),
        ("own-words", ["id", "timestamp", "anomaly_score", "_beamline_position"], None),
        ("same-but-signs", ["id", "timestamp", "a-b", "a b"], None),
        ("sql", ["id", "timestamp", '"x;DROP TABLE"', "end"], expected("x_DROP_TABLE", "end")),
    ]:
        file = f"odd-header-{name}.csv"
        columns = columns or {"id": [1, 2, 3], "timestamp": stamps(3)}
        text_case(cases, "Excel", file, lines(header, body), columns)
    wide = pd.concat([readings(4), pd.DataFrame({f"c{number}": [float(number)] * 4 for number in range(1000)})], axis=1)
    wide.to_csv(cases.path("odd-wide.csv"), index=False)
    cases.add("pandas", "odd-wide.csv", {name: wide[name].tolist() for name in ("id", "value", "c0", "c999")})


def rows(cases):
    """Rows that are not like the others."""
    at = [time.isoformat() + "Z" for time in stamps(4)]
    plain = [[row + 1, at[row], row + 0.5] for row in range(4)]
    columns = {"id": [1, 2, 3, 4], "timestamp": stamps(4), "x": [0.5, 1.5, 2.5, 3.5]}
    header = ["id", "timestamp", "x"]
    text = lines(header, plain)
    text_case(cases, "Excel", "odd-blank-rows.csv", text.replace("\n", "\n\n"), columns)
    text_case(cases, "editor", "odd-white-rows.csv", text + "   \n\t\n", columns)
    text_case(cases, "editor", "odd-no-last-line-end.csv", text.rstrip("\n"), columns)
    text_case(cases, "editor", "odd-mixed-line-ends.csv", text.replace("\n", "\r\n", 2), columns)
    text_case(cases, "DOS", "odd-end-of-file.csv", text.replace("\n", "\r\n") + "\x1a", columns)
    text_case(cases, "editor", "odd-blank-after-comma.csv", lines(header, plain, ", "), columns)
    texts = ['"a, b"', '"say ""hi"""', '"two\r\nlines"', '""']
    quoted = lines([*header, "note"], [[*row, note] for row, note in zip(plain, texts)])
    text_case(cases, "Excel", "odd-quotes.csv", quoted, {**columns, "note": ["a, b", 'say "hi"', "two\r\nlines", None]})
    long = lines([*header, "note"], [[*row, str(row[0]) * 200_000] for row in plain])
    text_case(cases, "editor", "odd-long-cells.csv", long, columns)
    yes = lines([*header, "ok", "flag"], [[*row, word, row[0] % 2] for row, word in zip(plain, ["yes", "no", "yes", "no"])])
    text_case(cases, "editor", "odd-yes.csv", yes, {**columns, "ok": ["yes", "no", "yes", "no"], "flag": [1, 0, 1, 0]})
    late = [[row, (START + datetime.timedelta(seconds=row)).isoformat(), row if row < 5000 else row + 0.5] for row in range(6000)]
    text_case(cases, "editor", "odd-fraction-late.csv", lines(header, late),
              {"id": range(6000), "x": [float(row[2]) for row in late]})


def times(cases):
    """Times as programs write them."""
    def case(name, cells, values, column="timestamp", derived=False, says=()):
        text = lines(["id", column, "x"], [[place, cell, place + 0.5] for place, cell in enumerate(cells)])
        name_of = "event_time" if derived else column
        text_case(cases, "logger", f"odd-time-{name}.csv", text,
                  {"id": range(len(cells)), name_of: values, "x": [place + 0.5 for place in range(len(cells))]}, says)

    second = datetime.timedelta(seconds=1)
    base = datetime.datetime(2025, 3, 1, 10)
    case("mixed-fractions", ["2025-03-01 10:00:00", "2025-03-01 10:00:01.5", "2025-03-01 10:00:02.250000"],
         [base, base + 1.5 * second, base + 2.25 * second])
    case("summer", ["2025-03-30 01:59:59+01:00", "2025-03-30 03:00:00+02:00", "2025-03-30 03:00:01+02:00"],
         [datetime.datetime(2025, 3, 30, 0, 59, 59), datetime.datetime(2025, 3, 30, 1), datetime.datetime(2025, 3, 30, 1, 0, 1)])
    case("before-1970", ["1969-12-31T23:59:58.5Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"],
         [datetime.datetime(1969, 12, 31, 23, 59, 58, 500_000), datetime.datetime(1969, 12, 31, 23, 59, 59), datetime.datetime(1970, 1, 1)])
    case("old", ["1900-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "1583-01-01T00:00:00Z"],
         [datetime.datetime(1900, 1, 1), datetime.datetime(1899, 12, 31), datetime.datetime(1583, 1, 1)])
    case("nanoseconds", ["2025-03-01T10:00:00.123456789Z", "2025-03-01T10:00:01.999999999Z", "2025-03-01T10:00:02.000000001Z"],
         [base + datetime.timedelta(microseconds=123456), base + datetime.timedelta(seconds=1, microseconds=999999), base + 2 * second])
    case("exponent", ["1.7408232000e+09", "1.7408232010e+09", "1.7408232025e+09"], [base, base + second, base + 2.5 * second])
    case("fits-name", ["2025-03-01T10:00:00.000", "2025-03-01T10:00:01.000", "2025-03-01T10:00:02.000"],
         [base, base + second, base + 2 * second], "DATE-OBS")
    cases.found[-1]["columns"]["DATE_OBS"] = cases.found[-1]["columns"].pop("DATE-OBS")
    days = [60735.0 + 10 / 24 + place / 86400 for place in range(3)]
    moments = [Time(day, format="mjd", scale="utc").to_datetime() for day in days]
    rounded = [datetime.datetime(2025, 3, 1, 10) + place * second for place in range(3)]
    case("mjd-obs", ["60735.5", "60735.75", "60736.0"],
         [datetime.datetime(2025, 3, 1, 12), datetime.datetime(2025, 3, 1, 18), datetime.datetime(2025, 3, 2)], "MJD-OBS", True)
    case("tai", ["60735.5", "60735.75", "60736.0"],
         [Time(day, format="mjd", scale="tai").utc.to_datetime() for day in (60735.5, 60735.75, 60736.0)], "expMidptMJDTAI", True, ["'tai'"])
    case("hjd", ["2460736.0", "2460736.25", "2460736.5"],
         [datetime.datetime(2025, 3, 1, 12), datetime.datetime(2025, 3, 1, 18), datetime.datetime(2025, 3, 2)], "jd", True)
    case("python-logging", ['"2025-03-01 10:00:00,250"', '"2025-03-01 10:00:01,250"', '"2025-03-01 10:00:02,250"'],
         [base + 0.25 * second, base + 1.25 * second, base + 2.25 * second])
    case("rfc3339-offset", ["2025-03-01T10:00:00.5-08:00", "2025-03-01T10:00:01.5-08:00", "2025-03-01T10:00:02.5-08:00"],
         [base + datetime.timedelta(hours=8) + (place + 0.5) * second for place in range(3)])
    case("postgres", ["2025-03-01 10:00:00.123+00", "2025-03-01 10:00:01.5+00", "2025-03-01 10:00:02+00"],
         [base + 0.123 * second, base + 1.5 * second, base + 2 * second])
    case("go", ["2025-03-01 10:00:00.5 +0000 UTC", "2025-03-01 10:00:01.5 +0000 UTC", "2025-03-01 10:00:02.5 +0000 UTC"],
         [base + (place + 0.5) * second for place in range(3)])
    case("java", ["2025-03-01T10:00Z", "2025-03-01T10:00:01Z", "2025-03-01T10:00:02.5Z"], [base, base + second, base + 2.5 * second])


def exports(cases):
    """What databases and services export as JSON."""
    base = stamps(5)
    iso = [time.isoformat() + "Z" for time in base]

    def case(tool, name, objects, columns, ending="jsonl", text=None, order="id", says=()):
        text = text or "".join(json.dumps(one) + "\n" for one in objects)
        text_case(cases, tool, f"odd-{name}.{ending}", text, columns, says, order)

    mongo = [{"_id": {"$oid": f"{row:024x}"}, "id": row, "at": {"$date": iso[row]}, "n": {"$numberLong": str(row)}, "x": row + 0.5}
             for row in range(5)]
    case("mongoexport", "mongo", mongo, {"id": range(5), "x": [row + 0.5 for row in range(5)], "date": base},
         says=["`_id` (the names within it cannot stand in a schema)"])
    elastic = [{"_index": "a", "_id": str(row), "_score": None, "_source": {"@timestamp": iso[row], "message": "m", "value": row + 0.5}}
               for row in range(5)]
    case("elasticdump", "elastic", elastic, {"_id": [str(row) for row in range(5)], "timestamp": base}, order="_id",
         says=["`_source.@timestamp` (its name cannot stand in a schema)"])
    docker = [{"log": f"line {row}\n", "stream": "stdout", "time": iso[row].replace("Z", ".123456789Z")} for row in range(5)]
    case("Docker", "docker", docker,
         {"log": [f"line {row}\n" for row in range(5)], "time": [time.replace(microsecond=123456) for time in base]}, order="time")
    keys = [{"id": row, "ts": iso[row], "": 1, "a.b": row, "A.B": 2.5, "ä": row + 0.5, 'say "hi"': "x"} for row in range(5)]
    case("json", "keys", keys, {"id": range(5), "ts": base})
    sequence = "".join("\x1e" + json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) + "\n" for row in range(5))
    case("jq", "sequence", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", sequence)
    comma = ",\n".join(json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) for row in range(5)) + ",\n"
    case("script", "commas", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", comma)
    bom = "\ufeff" + "".join(json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) + "\r\n" for row in range(5))
    case("PowerShell", "bom", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", bom)
    cases.path("odd-utf16.json").write_bytes(bom.encode("utf-16-le"))
    cases.add("PowerShell", "odd-utf16.json", {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]})
    deep = [{"id": row, "ts": iso[row], "a": {"b": {"c": {"d": {"e": {"f": row}}}}}, "m": [[[row]]]} for row in range(5)]
    case("json", "deep", deep, {"id": range(5), "a": [one["a"] for one in deep], "m": [one["m"] for one in deep]})
    nulls = [{"id": row, "ts": iso[row], "x": None if row < 4 else 2.5, "y": None, "o": None if row % 2 else {"k": row}} for row in range(5)]
    case("json", "nulls", nulls, {"id": range(5), "x": [None] * 4 + [2.5], "o": [one["o"] for one in nulls]})
    late = [{"id": row, "ts": (START + datetime.timedelta(seconds=row)).isoformat(), **({"late": row + 0.5} if row > 400 else {})} for row in range(500)]
    case("json", "late-keys", late, {"id": range(500), "late": [one.get("late") for one in late]})
    zeros = [{"id": row, "ts": iso[row], "x": value} for row, value in enumerate([0, -0.0, 1, 2.0, 1e2])]
    case("json", "zeros", zeros, {"id": range(5), "x": [0.0, -0.0, 1.0, 2.0, 100.0]})
    strings = [{"id": f"{row:03d}", "ts": str(1740823200 + row), "x": f"{row}.5", "ok": "true"} for row in range(5)]
    case("json", "all-text", strings, {"id": [f"{row:03d}" for row in range(5)], "ts": stamps(5)})
    ruby = [{"id": row, "created": str(base[row]) + " +0100", "x": row + 0.5} for row in range(5)]
    case("Ruby", "ruby", ruby, {"id": range(5), "created": [time - datetime.timedelta(hours=1) for time in base]})
    cloud = [{"version": "0", "id": f"e-{row}", "detail-type": "State", "time": iso[row], "detail": {"user-agent": "a", "state": {"code": row, "name": "on"}}} for row in range(5)]
    case("EventBridge", "cloud", cloud, {"id": [f"e-{row}" for row in range(5)], "time": base, "detail_type": ["State"] * 5,
                                         "detail": [{"state": {"code": row, "name": "on"}} for row in range(5)]},
         says=["`detail.user-agent`"])
    geo = [{"type": "Feature", "id": f"q{row}", "properties": {"mag": row + 0.5, "time": 1740823200000 + row * 1000, "place": "x"},
            "geometry": {"type": "Point", "coordinates": [row + 0.25, 2.5, 10]}} for row in range(5)]
    case("USGS", "geojson", geo, {"id": [f"q{row}" for row in range(5)], "time": base, "properties": [one["properties"] for one in geo],
                                  "geometry": [one["geometry"] for one in geo]})
    alert = [{"alert": {"candidate": {"jd": 2460736.0 + row / 4, "magpsf": 15 + row * row / 8, "candid": 10**15 + row}, "objectId": f"Z{row % 2}"}} for row in range(6)]
    case("broker", "alerts", alert, {"event_time": [datetime.datetime(2025, 3, 1, 12) + row * datetime.timedelta(hours=6) for row in range(6)],
                                     "alert": [one["alert"] for one in alert]},
         order="candid", says=["jd_to_timestamp(\\\"alert\\\"['candidate']['jd'], 'utc')", "['magpsf']"])
    fractions = [{"id": row, "ts": (START + datetime.timedelta(seconds=row)).isoformat(), "l": [row, row + 1], "o": {"n": row}} for row in range(1200)]
    fractions[1100]["l"], fractions[1150]["o"] = [1.5], {"n": 2.5}
    case("json", "nested-fractions", fractions, {name: [one[name] for one in fractions] for name in ("id", "l", "o")})
    duckdb.sql(f"COPY (SELECT id, timestamp, value, {{'a': [id, NULL], 'b': MAP {{'k': value}}}} AS s FROM (SELECT * FROM range(5) r(id), (SELECT TIMESTAMP '2025-03-01 10:00:00' AS timestamp, 1.5::DOUBLE AS value))) TO '{cases.path('odd-duckdb-nested.json')}' (FORMAT json)")
    cases.add("DuckDB", "odd-duckdb-nested.json", {"id": range(5), "value": [1.5] * 5})


def avro_types(cases):
    """Types of Avro that few files have."""
    time = {"type": "long", "logicalType": "timestamp-millis"}

    def case(name, fields, rows, left_out=(), says=()):
        schema = {"type": "record", "name": "Event", "fields": [{"name": "id", "type": "long"}, {"name": "timestamp", "type": time}, *fields]}
        rows = [{"id": place, "timestamp": (START + datetime.timedelta(seconds=place)).replace(tzinfo=UTC), **row} for place, row in enumerate(rows)]
        file = f"odd-{name}.avro"
        with open(cases.path(file), "wb") as out:
            fastavro.writer(out, fastavro.parse_schema(schema), rows)
        with open(cases.path(file), "rb") as back:
            read = list(fastavro.reader(back))
        columns = {field["name"]: [row[field["name"]] for row in read] for field in schema["fields"] if field["name"] not in left_out}
        cases.add("fastavro", file, columns, says)

    array, of_map = (lambda items: {"type": "array", "items": items}), (lambda values: {"type": "map", "values": values})
    case("map-of-arrays", [{"name": "x", "type": of_map(array("double"))}], [{"x": {"a": [1.5]}}, {"x": {}}, {"x": {"b": []}}])
    case("array-of-maps", [{"name": "x", "type": array(of_map("long"))}], [{"x": [{"a": 1}, {}]}, {"x": []}, {"x": [{"b": 2}]}])
    case("map-of-nullables", [{"name": "x", "type": of_map(["null", "double"])}], [{"x": {"a": None, "b": 1.5}}, {"x": {}}, {"x": {"c": None}}])
    point = {"type": "record", "name": "P", "fields": [{"name": "at", "type": time}, {"name": "tags", "type": array("string")}]}
    moment = START.replace(tzinfo=UTC)
    case("times-in-records", [{"name": "p", "type": point}], [{"p": {"at": moment, "tags": ["a"]}}, {"p": {"at": moment, "tags": []}}])
    case("optional-map", [{"name": "x", "type": ["null", of_map("string")], "default": None}], [{"x": None}, {"x": {"a": "b"}}])
    case("enum-default", [{"name": "x", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}}], [{"x": "A"}, {"x": "B"}])
    case("union-of-text-and-number", [{"name": "x", "type": ["string", "long"]}], [{"x": "a"}, {"x": 5}])
    cases.found[-1]["columns"]["x"] = ["a", "5"]
    case("union-of-bytes-and-text", [{"name": "x", "type": ["null", "bytes", "string"]}, {"name": "y", "type": "double"}],
         [{"x": b"a", "y": 1.5}, {"x": None, "y": 2.5}], ["x"], ["`x`"])
    two = [{"type": "record", "name": name, "fields": [{"name": "v", "type": "int"}]} for name in ("A", "B")]
    case("union-of-records", [{"name": "x", "type": ["null", *two]}, {"name": "y", "type": "double"}],
         [{"x": ("A", {"v": 1}), "y": 1.5}, {"x": None, "y": 2.5}], ["x"], ["`x`"])
    case("empty-record", [{"name": "x", "type": {"type": "record", "name": "N", "fields": []}}, {"name": "y", "type": "double"}],
         [{"x": {}, "y": 1.5}], ["x"], ["`x`"])
    case("case", [{"name": "Value", "type": "double"}, {"name": "value", "type": "double"}], [{"Value": 1.5, "value": 2.5}])
    case("null-field", [{"name": "x", "type": "null"}, {"name": "y", "type": "double"}], [{"x": None, "y": 1.5}], ["x"], ["`x`"])
    case("names-of-sql", [{"name": "select", "type": "double"}, {"name": "_row", "type": "double"}, {"name": "order", "type": array("int")}],
         [{"select": 1.5, "_row": 2.5, "order": [1]}])
    cases.found[-1]["columns"]["row"] = cases.found[-1]["columns"].pop("_row")


def parquet_types(cases):
    """Types and forms of Parquet that few files have."""
    struct = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])
    for name, kind, values, expected in [
        ("list-of-maps", pa.list_(pa.map_(pa.string(), pa.int64())), [[[("a", 1)]], None, []], [[{"a": 1}], None, []]),
        ("map-of-structs", pa.map_(pa.string(), struct), [[("k", {"a": 1, "b": ["x"]})], None, []], [{"k": {"a": 1, "b": ["x"]}}, None, {}]),
        ("map-of-lists", pa.map_(pa.string(), pa.list_(pa.float64())), [[("k", [1.5])], None, []], [{"k": [1.5]}, None, {}]),
        ("list-of-decimals", pa.list_(pa.decimal128(9, 2)), [["1.25"], None, []], [["1.25"], None, []]),
        ("list-of-times", pa.list_(pa.timestamp("ms")), [[START], None, []], None),
        ("list-of-bytes", pa.list_(pa.binary()), [[b"\x00\xff"], None, []], None),
        ("list-of-halves", pa.list_(pa.float16()), [[1.5], None, []], None),
        ("list-of-bools", pa.list_(pa.bool_()), [[True, None], None, []], None),
        ("list-of-uint64", pa.list_(pa.uint64()), [[2**62], None, []], None),
        ("struct-of-times", pa.struct([("t", pa.timestamp("us", "UTC")), ("d", pa.date32())]), [{"t": START, "d": START.date()}, None, {"t": None, "d": None}], None),
        ("dictionary-of-numbers", pa.dictionary(pa.int8(), pa.int64()), [5, None, 6], None),
        ("list-of-dictionaries", pa.list_(pa.dictionary(pa.int8(), pa.string())), [["a"], None, []], None),
        ("date64", pa.date64(), [START.date(), None, START.date()], None),
        ("string-view", pa.string_view(), ["a", None, "b"], None),
    ]:
        count = len(values)
        if "decimal" in name:
            import decimal
            values = [[decimal.Decimal(item) for item in row] if row else row for row in values]
        table = pa.table({"id": pa.array(range(count)), "timestamp": pa.array(stamps(count)), "x": pa.array(values, kind)})
        file = f"odd-{name}.parquet"
        pq.write_table(table, cases.path(file))
        found = expected or pq.read_table(cases.path(file))["x"].to_pylist()
        cases.add("pyarrow", file, {"id": range(count), "x": found})
    nanos, keys = pa.array([datetime.time(10, 30)] * 3, pa.time64("ns")), pa.array([[(1, "a")]] * 3, pa.map_(pa.int32(), pa.string()))
    table = {"id": pa.array(range(3)), "timestamp": pa.array(stamps(3)), "clock": nanos, "keys": keys, "y": pa.array([0.5] * 3)}
    pq.write_table(pa.table(table), cases.path("odd-left-out.parquet"))
    cases.add("pyarrow", "odd-left-out.parquet", {"id": range(3), "y": [0.5] * 3}, ["`clock`", "`keys`"])
    precise = [1_740_823_200_123_456_789 + row for row in range(3)]
    nanos = pa.table({"id": pa.array(range(3)), "timestamp": pa.array(precise, pa.timestamp("ns")), "y": pa.array([0.5] * 3)})
    pq.write_table(nanos, cases.path("odd-nanoseconds.parquet"))
    cases.add("pandas", "odd-nanoseconds.parquet", {"id": range(3), "timestamp": [START.replace(microsecond=123456)] * 3})
    frame = readings(6)
    frame.set_index("timestamp").to_parquet(cases.path("odd-time-index.parquet"))
    cases.add("pandas", "odd-time-index.parquet", frame)
    many = frame.rename(columns={"value": "a.b", "pressure": "a.c"})
    many.to_parquet(cases.path("odd-points.parquet"))
    cases.add("pandas", "odd-points.parquet", many.rename(columns={"a.b": "a_b", "a.c": "a_c"}))
    cased = frame.assign(Value=frame["value"] * 2)
    cased.to_parquet(cases.path("odd-case.parquet"))
    cases.add("pandas", "odd-case.parquet", cased)
    table = pa.Table.from_pandas(readings(6), preserve_index=False)
    with pq.ParquetWriter(cases.path("odd-empty-groups.parquet"), table.schema) as writer:
        for part in (table.slice(0, 0), table.slice(0, 3), table.slice(0, 0), table.slice(3)):
            writer.write_table(part, row_group_size=max(len(part), 1))
    cases.add("pyarrow", "odd-empty-groups.parquet", readings(6))
    pq.write_table(table, cases.path("odd-checksums.parquet"), write_page_checksum=True)
    cases.add("pyarrow", "odd-checksums.parquet", readings(6))
    frame = pl.from_pandas(readings(6)).with_columns(
        span=pl.col("id").cast(pl.Duration("us")), clock=pl.col("timestamp").dt.time(), grid=pl.lit([[1.5, 2.5], [3.5]]),
        pair=pl.concat_list(pl.struct("id", "sensor"), pl.struct("id", "sensor")), raw=pl.lit(b"\x00\xff"),
    )
    frame.write_parquet(cases.path("odd-polars.parquet"))
    read = pl.read_parquet(cases.path("odd-polars.parquet")).drop("span", "clock").to_dict(as_series=False)
    cases.add("Polars", "odd-polars.parquet", read, ["`span`", "`clock`"])
    for name, select in [
        ("nested", "id, timestamp, [{'a': [{'b': id}], 'm': MAP {sensor: [value]}}] AS x"),
        ("array", "id, timestamp, [value, pressure]::DOUBLE[2] AS x"),
        ("uhugeint", "id, timestamp, id::UHUGEINT AS x"),
        ("timestamp-s", "id, timestamp::TIMESTAMP_S AS timestamp, value AS x"),
    ]:
        connection = duckdb.connect()
        connection.register("readings", readings(6))
        file = f"odd-duckdb-{name}.parquet"
        connection.execute(f"COPY (SELECT {select} FROM readings) TO '{cases.path(file)}' (FORMAT parquet)")
        table = pq.read_table(cases.path(file))
        values = table["x"].to_pylist()
        if name == "nested":
            values = [[{"a": one["a"], "m": dict(one["m"])} for one in row] for row in values]
        cases.add("DuckDB", file, {"id": table["id"].to_pylist(), "x": values})


def arrow_types(cases):
    """Types that only Arrow's own files have."""
    for name, kind, values, expected in [
        ("binary-view", pa.binary_view(), [b"\x00", None, b"b"], None),
        ("list-view", pa.list_view(pa.int32()), [[1, 2], None, []], None),
        ("large-list-view", pa.large_list_view(pa.float64()), [[1.5], None, []], None),
        ("bool8", pa.bool8(), [True, None, False], [1, None, 0]),
        ("decimal32", pa.decimal32(7, 2), ["1.25", None, "2.50"], None),
        ("decimal64", pa.decimal64(16, 2), ["1.25", None, "2.50"], None),
        ("tensor", pa.fixed_shape_tensor(pa.float32(), [2, 2]), [[1.0, 2.0, 3.0, 4.0]] * 3, [[1.0, 2.0, 3.0, 4.0]] * 3),
    ]:
        import decimal
        if "decimal" in name:
            values = [None if value is None else decimal.Decimal(value) for value in values]
        if name == "tensor":
            column = pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
        elif name == "bool8":
            column = pa.ExtensionArray.from_storage(kind, pa.array([None if value is None else int(value) for value in values], pa.int8()))
        else:
            column = pa.array(values, kind)
        table = pa.table({"id": pa.array(range(3)), "timestamp": pa.array(stamps(3)), "x": column})
        file = f"odd-{name}.arrow"
        with pa.ipc.new_file(str(cases.path(file)), table.schema) as out:
            out.write_table(table)
        cases.add("pyarrow", file, {"id": range(3), "x": expected or values})
    with pa.ipc.new_stream(str(cases.path("odd-delta.arrows")), pa.schema([("id", pa.int64()), ("timestamp", pa.timestamp("us")), ("x", pa.dictionary(pa.int8(), pa.string()))])) as out:
        for part, words in enumerate((["a", "b"], ["c", "a"])):
            column = pa.array(words).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
            out.write_batch(pa.record_batch([pa.array([2 * part, 2 * part + 1]), pa.array(stamps(4)[2 * part:2 * part + 2], pa.timestamp("us")), column],
                                            schema=pa.schema([("id", pa.int64()), ("timestamp", pa.timestamp("us")), ("x", pa.dictionary(pa.int8(), pa.string()))])))
    cases.add("pyarrow", "odd-delta.arrows", {"id": range(4), "timestamp": stamps(4), "x": ["a", "b", "c", "a"]})


def fits_tables(cases):
    """What astropy's own tables become in FITS."""
    at = Time([f"2025-03-01T10:00:0{row}" for row in range(5)], scale="utc")
    for name, time in [("mjd", at.mjd), ("jd", at.jd)]:
        table = Table({"id": np.arange(5), name: time, "flux": np.arange(5) / 4})
        table.write(cases.path(f"odd-{name}.fits"))
        moments = [Time(day, format=name, scale="utc").to_datetime() for day in time]
        cases.add("astropy", f"odd-{name}.fits", {"id": range(5), "flux": [row / 4 for row in range(5)]}, [f"{name}_to_timestamp"])
    table = QTable({"id": np.arange(5), "timestamp": [str(one) for one in at.isot], "flux": np.arange(5) / 4 * units.mJy, "velocity": np.arange(5.0) * units.km / units.s})
    table.write(cases.path("odd-quantities.fits"))
    cases.add("astropy", "odd-quantities.fits", {"id": range(5), "flux": [row / 4 for row in range(5)], "velocity": [float(row) for row in range(5)]})
    isot = Table({"id": np.arange(5), "DATE-OBS": [str(one) for one in at.isot], "MAG_AUTO": np.float32([1.5, 2.5, np.nan, 3.5, 4.5])})
    isot.write(cases.path("odd-date-obs.fits"))
    cases.add("astropy", "odd-date-obs.fits", {"id": range(5), "DATE_OBS": stamps(5), "MAG_AUTO": [1.5, 2.5, None, 3.5, 4.5]})
    rows = np.zeros(5, dtype=[("id", ">i8"), ("timestamp", "S19"), ("m", ">f4", (2, 2)), ("s", "S3"), ("u", "u1")])
    rows["id"], rows["timestamp"], rows["s"] = np.arange(5), [str(one)[:19] for one in at.isot], [b"a", b" b", b"c ", b"", b"abc"]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows)]).writeto(cases.path("odd-records.fits"))
    back = Table.read(cases.path("odd-records.fits"))
    cases.add("astropy", "odd-records.fits", {"id": range(5), "timestamp": stamps(5), "m": rows["m"].tolist(), "s": ["a", " b", "c", None, "abc"], "u": [0] * 5})
    fits.HDUList([fits.PrimaryHDU(np.zeros((4, 4))), fits.ImageHDU(np.zeros((3, 3))), fits.BinTableHDU(rows, name="CATALOG")]).writeto(cases.path("odd-after-images.fits"))
    cases.add("astropy", "odd-after-images.fits", {"id": range(5), "timestamp": stamps(5)})
    masked = Table(isot, masked=True)
    masked["n"] = np.ma.MaskedArray(np.arange(5, dtype="i2"), mask=[1, 0, 0, 0, 1])
    masked.write(cases.path("odd-masked.fits.gz"), format="fits")
    cases.add("astropy", "odd-masked.fits.gz", {"id": range(5), "n": [None, 1, 2, 3, None]})
