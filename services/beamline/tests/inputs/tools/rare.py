"""Types and forms of Avro, Parquet, Arrow and FITS that few files have."""

import datetime
import decimal

import duckdb
import fastavro
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.time import Time

from cases import START, readings, stamps

UTC = datetime.timezone.utc


def write(cases):
    avro_types(cases)
    parquet_types(cases)
    arrow_types(cases)
    fits_tables(cases)


def avro_types(cases):
    """Types of Avro that few files have."""
    time = {"type": "long", "logicalType": "timestamp-millis"}

    def case(name, fields, rows, left_out=(), says=()):
        schema = {
            "type": "record",
            "name": "Event",
            "fields": [{"name": "id", "type": "long"}, {"name": "timestamp", "type": time}, *fields],
        }
        rows = [
            {"id": place, "timestamp": (START + datetime.timedelta(seconds=place)).replace(tzinfo=UTC), **row}
            for place, row in enumerate(rows)
        ]
        file = f"odd-{name}.avro"
        with open(cases.path(file), "wb") as out:
            fastavro.writer(out, fastavro.parse_schema(schema), rows)
        with open(cases.path(file), "rb") as back:
            read = list(fastavro.reader(back))
        columns = {
            field["name"]: [row[field["name"]] for row in read]
            for field in schema["fields"]
            if field["name"] not in left_out
        }
        cases.add("fastavro", file, columns, says)

    array, of_map = (lambda items: {"type": "array", "items": items}), (
        lambda values: {"type": "map", "values": values}
    )
    case(
        "map-of-arrays",
        [{"name": "x", "type": of_map(array("double"))}],
        [{"x": {"a": [1.5]}}, {"x": {}}, {"x": {"b": []}}],
    )
    case(
        "array-of-maps",
        [{"name": "x", "type": array(of_map("long"))}],
        [{"x": [{"a": 1}, {}]}, {"x": []}, {"x": [{"b": 2}]}],
    )
    case(
        "map-of-nullables",
        [{"name": "x", "type": of_map(["null", "double"])}],
        [{"x": {"a": None, "b": 1.5}}, {"x": {}}, {"x": {"c": None}}],
    )
    point = {
        "type": "record",
        "name": "P",
        "fields": [{"name": "at", "type": time}, {"name": "tags", "type": array("string")}],
    }
    moment = START.replace(tzinfo=UTC)
    case(
        "times-in-records",
        [{"name": "p", "type": point}],
        [{"p": {"at": moment, "tags": ["a"]}}, {"p": {"at": moment, "tags": []}}],
    )
    case(
        "optional-map",
        [{"name": "x", "type": ["null", of_map("string")], "default": None}],
        [{"x": None}, {"x": {"a": "b"}}],
    )
    case(
        "enum-default",
        [{"name": "x", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}}],
        [{"x": "A"}, {"x": "B"}],
    )
    case("union-of-text-and-number", [{"name": "x", "type": ["string", "long"]}], [{"x": "a"}, {"x": 5}])
    cases.found[-1]["columns"]["x"] = ["a", "5"]
    case(
        "union-of-bytes-and-text",
        [{"name": "x", "type": ["null", "bytes", "string"]}, {"name": "y", "type": "double"}],
        [{"x": b"a", "y": 1.5}, {"x": None, "y": 2.5}],
        ["x"],
        ["`x`"],
    )
    two = [{"type": "record", "name": name, "fields": [{"name": "v", "type": "int"}]} for name in ("A", "B")]
    case(
        "union-of-records",
        [{"name": "x", "type": ["null", *two]}, {"name": "y", "type": "double"}],
        [{"x": ("A", {"v": 1}), "y": 1.5}, {"x": None, "y": 2.5}],
        ["x"],
        ["`x`"],
    )
    case(
        "empty-record",
        [{"name": "x", "type": {"type": "record", "name": "N", "fields": []}}, {"name": "y", "type": "double"}],
        [{"x": {}, "y": 1.5}],
        ["x"],
        ["`x`"],
    )
    case(
        "case",
        [{"name": "Value", "type": "double"}, {"name": "value", "type": "double"}],
        [{"Value": 1.5, "value": 2.5}],
    )
    case(
        "null-field",
        [{"name": "x", "type": "null"}, {"name": "y", "type": "double"}],
        [{"x": None, "y": 1.5}],
        ["x"],
        ["`x`"],
    )
    case(
        "names-of-sql",
        [
            {"name": "select", "type": "double"},
            {"name": "_row", "type": "double"},
            {"name": "order", "type": array("int")},
        ],
        [{"select": 1.5, "_row": 2.5, "order": [1]}],
    )
    cases.found[-1]["columns"]["row"] = cases.found[-1]["columns"].pop("_row")


def parquet_types(cases):
    """Types and forms of Parquet that few files have."""
    struct = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])
    for name, kind, values, expected in [
        ("list-of-maps", pa.list_(pa.map_(pa.string(), pa.int64())), [[[("a", 1)]], None, []], [[{"a": 1}], None, []]),
        (
            "map-of-structs",
            pa.map_(pa.string(), struct),
            [[("k", {"a": 1, "b": ["x"]})], None, []],
            [{"k": {"a": 1, "b": ["x"]}}, None, {}],
        ),
        (
            "map-of-lists",
            pa.map_(pa.string(), pa.list_(pa.float64())),
            [[("k", [1.5])], None, []],
            [{"k": [1.5]}, None, {}],
        ),
        ("list-of-decimals", pa.list_(pa.decimal128(9, 2)), [["1.25"], None, []], [["1.25"], None, []]),
        ("list-of-times", pa.list_(pa.timestamp("ms")), [[START], None, []], None),
        ("list-of-bytes", pa.list_(pa.binary()), [[b"\x00\xff"], None, []], None),
        ("list-of-halves", pa.list_(pa.float16()), [[1.5], None, []], None),
        ("list-of-bools", pa.list_(pa.bool_()), [[True, None], None, []], None),
        ("list-of-uint64", pa.list_(pa.uint64()), [[2**62], None, []], None),
        (
            "struct-of-times",
            pa.struct([("t", pa.timestamp("us", "UTC")), ("d", pa.date32())]),
            [{"t": START, "d": START.date()}, None, {"t": None, "d": None}],
            None,
        ),
        ("dictionary-of-numbers", pa.dictionary(pa.int8(), pa.int64()), [5, None, 6], None),
        ("list-of-dictionaries", pa.list_(pa.dictionary(pa.int8(), pa.string())), [["a"], None, []], None),
        ("date64", pa.date64(), [START.date(), None, START.date()], None),
        ("string-view", pa.string_view(), ["a", None, "b"], None),
    ]:
        count = len(values)
        if "decimal" in name:
            values = [[decimal.Decimal(item) for item in row] if row else row for row in values]
        table = pa.table(
            {"id": pa.array(range(count)), "timestamp": pa.array(stamps(count)), "x": pa.array(values, kind)}
        )
        file = f"odd-{name}.parquet"
        pq.write_table(table, cases.path(file))
        found = expected or pq.read_table(cases.path(file))["x"].to_pylist()
        cases.add("pyarrow", file, {"id": range(count), "x": found})
    nanos, keys = pa.array([datetime.time(10, 30)] * 3, pa.time64("ns")), pa.array(
        [[(1, "a")]] * 3, pa.map_(pa.int32(), pa.string())
    )
    table = {
        "id": pa.array(range(3)),
        "timestamp": pa.array(stamps(3)),
        "clock": nanos,
        "keys": keys,
        "y": pa.array([0.5] * 3),
    }
    pq.write_table(pa.table(table), cases.path("odd-left-out.parquet"))
    cases.add("pyarrow", "odd-left-out.parquet", {"id": range(3), "y": [0.5] * 3}, ["`clock`", "`keys`"])
    precise = [1_740_823_200_123_456_789 + row for row in range(3)]
    nanos = pa.table(
        {"id": pa.array(range(3)), "timestamp": pa.array(precise, pa.timestamp("ns")), "y": pa.array([0.5] * 3)}
    )
    pq.write_table(nanos, cases.path("odd-nanoseconds.parquet"))
    cases.add(
        "pandas", "odd-nanoseconds.parquet", {"id": range(3), "timestamp": [START.replace(microsecond=123456)] * 3}
    )
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
        span=pl.col("id").cast(pl.Duration("us")),
        clock=pl.col("timestamp").dt.time(),
        grid=pl.lit([[1.5, 2.5], [3.5]]),
        pair=pl.concat_list(pl.struct("id", "sensor"), pl.struct("id", "sensor")),
        raw=pl.lit(b"\x00\xff"),
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
        if "decimal" in name:
            values = [None if value is None else decimal.Decimal(value) for value in values]
        if name == "tensor":
            column = pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
        elif name == "bool8":
            column = pa.ExtensionArray.from_storage(
                kind, pa.array([None if value is None else int(value) for value in values], pa.int8())
            )
        else:
            column = pa.array(values, kind)
        table = pa.table({"id": pa.array(range(3)), "timestamp": pa.array(stamps(3)), "x": column})
        file = f"odd-{name}.arrow"
        with pa.ipc.new_file(str(cases.path(file)), table.schema) as out:
            out.write_table(table)
        cases.add("pyarrow", file, {"id": range(3), "x": expected or values})
    with pa.ipc.new_stream(
        str(cases.path("odd-delta.arrows")),
        pa.schema(
            [("id", pa.int64()), ("timestamp", pa.timestamp("us")), ("x", pa.dictionary(pa.int8(), pa.string()))]
        ),
    ) as out:
        for part, words in enumerate((["a", "b"], ["c", "a"])):
            column = pa.array(words).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
            out.write_batch(
                pa.record_batch(
                    [
                        pa.array([2 * part, 2 * part + 1]),
                        pa.array(stamps(4)[2 * part : 2 * part + 2], pa.timestamp("us")),
                        column,
                    ],
                    schema=pa.schema(
                        [
                            ("id", pa.int64()),
                            ("timestamp", pa.timestamp("us")),
                            ("x", pa.dictionary(pa.int8(), pa.string())),
                        ]
                    ),
                )
            )
    cases.add("pyarrow", "odd-delta.arrows", {"id": range(4), "timestamp": stamps(4), "x": ["a", "b", "c", "a"]})


def fits_tables(cases):
    """What astropy's own tables become in FITS."""
    at = Time([f"2025-03-01T10:00:0{row}" for row in range(5)], scale="utc")
    for name, time in [("mjd", at.mjd), ("jd", at.jd)]:
        table = Table({"id": np.arange(5), name: time, "flux": np.arange(5) / 4})
        table.write(cases.path(f"odd-{name}.fits"))
        cases.add(
            "astropy",
            f"odd-{name}.fits",
            {"id": range(5), "flux": [row / 4 for row in range(5)]},
            [f"{name}_to_timestamp"],
        )
    table = QTable(
        {
            "id": np.arange(5),
            "timestamp": [str(one) for one in at.isot],
            "flux": np.arange(5) / 4 * units.mJy,
            "velocity": np.arange(5.0) * units.km / units.s,
        }
    )
    table.write(cases.path("odd-quantities.fits"))
    cases.add(
        "astropy",
        "odd-quantities.fits",
        {"id": range(5), "flux": [row / 4 for row in range(5)], "velocity": [float(row) for row in range(5)]},
    )
    isot = Table(
        {
            "id": np.arange(5),
            "DATE-OBS": [str(one) for one in at.isot],
            "MAG_AUTO": np.float32([1.5, 2.5, np.nan, 3.5, 4.5]),
        }
    )
    isot.write(cases.path("odd-date-obs.fits"))
    cases.add(
        "astropy", "odd-date-obs.fits", {"id": range(5), "DATE_OBS": stamps(5), "MAG_AUTO": [1.5, 2.5, None, 3.5, 4.5]}
    )
    rows = np.zeros(5, dtype=[("id", ">i8"), ("timestamp", "S19"), ("m", ">f4", (2, 2)), ("s", "S3"), ("u", "u1")])
    rows["id"], rows["timestamp"], rows["s"] = (
        np.arange(5),
        [str(one)[:19] for one in at.isot],
        [b"a", b" b", b"c ", b"", b"abc"],
    )
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows)]).writeto(cases.path("odd-records.fits"))
    cases.add(
        "astropy",
        "odd-records.fits",
        {
            "id": range(5),
            "timestamp": stamps(5),
            "m": rows["m"].tolist(),
            "s": ["a", " b", "c", None, "abc"],
            "u": [0] * 5,
        },
    )
    fits.HDUList(
        [fits.PrimaryHDU(np.zeros((4, 4))), fits.ImageHDU(np.zeros((3, 3))), fits.BinTableHDU(rows, name="CATALOG")]
    ).writeto(cases.path("odd-after-images.fits"))
    cases.add("astropy", "odd-after-images.fits", {"id": range(5), "timestamp": stamps(5)})
    masked = Table(isot, masked=True)
    masked["n"] = np.ma.MaskedArray(np.arange(5, dtype="i2"), mask=[1, 0, 0, 0, 1])
    masked.write(cases.path("odd-masked.fits.gz"), format="fits")
    cases.add("astropy", "odd-masked.fits.gz", {"id": range(5), "n": [None, 1, 2, 3, None]})
