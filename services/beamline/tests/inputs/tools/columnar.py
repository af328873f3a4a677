"""Parquet, ORC and Arrow files that pyarrow, pandas, Polars and DuckDB write: every type, every codec, every version."""

import datetime
import decimal
import uuid

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq

from cases import readings

START = datetime.datetime(2025, 3, 1, 10, 0, 0, 250_000)


def write(cases):
    forms_of_pyarrow(cases)
    types_of_pyarrow(cases)
    of_pandas(cases)
    of_polars(cases)
    of_duckdb(cases)
    of_arrow(cases)
    of_orc(cases)


def columns(table):
    """What pyarrow reads, with maps as objects."""
    found = {}
    for name, column in zip(table.column_names, table.columns):
        values = [
            (
                int(value.value) // 1000
                if pa.types.is_timestamp(column.type) and column.type.unit == "ns" and value.is_valid
                else value.as_py()
            )
            for value in column
        ]
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            values = [
                None if value is None else datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)
                for value in values
            ]
        found[name] = [dict(value) if pa.types.is_map(column.type) and value is not None else value for value in values]
    return found


def parquet(cases, name, table, left_out=(), **options):
    file = f"pyarrow-{name}.parquet"
    pq.write_table(table, cases.path(file), **options)
    found = columns(pq.ParquetFile(cases.path(file)).read())
    cases.add("pyarrow", file, {column: values for column, values in found.items() if column not in left_out})


def forms_of_pyarrow(cases):
    table = pa.Table.from_pandas(readings(200), preserve_index=False)
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        parquet(cases, f"codec-{codec}", table, compression=codec)
    for version in ("1.0", "2.4", "2.6"):
        parquet(cases, f"version-{version.replace('.', '-')}", table, version=version)
    parquet(cases, "page-v2", table, data_page_version="2.0")
    parquet(cases, "row-groups", table, row_group_size=17)
    parquet(cases, "small-pages", table, data_page_size=64)
    parquet(cases, "no-dictionary", table, use_dictionary=False)
    parquet(cases, "no-statistics", table, write_statistics=False)
    parquet(cases, "page-index", table, write_page_index=True)
    parquet(cases, "no-arrow-schema", table, store_schema=False)
    parquet(cases, "int96", table, use_deprecated_int96_timestamps=True)
    parquet(cases, "millis", table, coerce_timestamps="ms")
    parquet(cases, "lists-by-the-standard", lists(), use_compliant_nested_type=True)
    parquet(cases, "lists-by-item", lists(), use_compliant_nested_type=False)
    split = {
        "value": "BYTE_STREAM_SPLIT",
        "pressure": "BYTE_STREAM_SPLIT",
        "id": "DELTA_BINARY_PACKED",
        "sensor": "DELTA_BYTE_ARRAY",
    }
    parquet(cases, "encodings", table, use_dictionary=False, column_encoding=split)


def lists():
    frame = readings(4)
    return pa.table({"id": frame["id"], "timestamp": frame["timestamp"], "l": pa.array([[1.5], [], None, [2.5, None]])})


def typed(name, kind, values):
    """A table of a column of a type."""
    count = len(values)
    frame = readings(count)
    return pa.table(
        {"id": pa.array(frame["id"]), "timestamp": pa.array(frame["timestamp"]), name: pa.array(values, kind)}
    )


def all_types():
    struct = pa.struct([("a", pa.int32()), ("b", pa.string())])
    day = datetime.date(2025, 3, 1)
    numbers = [
        (f"int{bits}", getattr(pa, f"int{bits}")(), [-(2 ** (bits - 1)), None, 2 ** (bits - 1) - 1])
        for bits in (8, 16, 32, 64)
    ]
    numbers += [(f"uint{bits}", getattr(pa, f"uint{bits}")(), [0, None, 2**bits - 1]) for bits in (8, 16, 32)]
    return numbers + [
        ("float32", pa.float32(), [1.5, None, -0.25]),
        ("float64", pa.float64(), [1.5, None, float("nan")]),
        ("bool", pa.bool_(), [True, None, False]),
        ("string", pa.string(), ["Müller", None, ""]),
        ("large-string", pa.large_string(), ["a", None, ""]),
        ("dictionary", pa.dictionary(pa.int8(), pa.string()), ["a", None, "b"]),
        ("binary", pa.binary(), [b"\x00\xff", None, b""]),
        ("large-binary", pa.large_binary(), [b"\x00\xff", None, b""]),
        ("fixed-binary", pa.binary(3), [b"abc", None, b"\xff\xff\xff"]),
        ("date32", pa.date32(), [day, None, day]),
        ("decimal128", pa.decimal128(12, 3), [decimal.Decimal("1.250"), None, decimal.Decimal("-99.125")]),
        (
            "decimal256",
            pa.decimal256(50, 3),
            [decimal.Decimal("1.250"), None, decimal.Decimal("12345678901234567890123456789.125")],
        ),
        ("timestamp-s", pa.timestamp("s"), [START.replace(microsecond=0), None, START.replace(microsecond=0)]),
        ("timestamp-ms", pa.timestamp("ms"), [START, None, START]),
        ("timestamp-us", pa.timestamp("us"), [START, None, START]),
        ("timestamp-ns", pa.timestamp("ns"), [START, None, START]),
        ("timestamp-utc", pa.timestamp("us", "UTC"), [START, None, START]),
        ("timestamp-zone", pa.timestamp("us", "Europe/Berlin"), [START, None, START]),
        ("list", pa.list_(pa.int32()), [[1, 2], None, []]),
        ("large-list", pa.large_list(pa.float64()), [[1.5], None, []]),
        ("fixed-list", pa.list_(pa.float32(), 2), [[1.5, 2.5], None, [3.5, 4.5]]),
        ("list-of-lists", pa.list_(pa.list_(pa.int64())), [[[1], [2, 3]], None, [[]]]),
        ("list-of-structs", pa.list_(struct), [[{"a": 1, "b": "x"}], None, []]),
        ("struct", struct, [{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
        ("struct-of-structs", pa.struct([("s", struct)]), [{"s": {"a": 1, "b": "x"}}, None, {"s": None}]),
        ("map", pa.map_(pa.string(), pa.int64()), [[("a", 1)], None, []]),
        ("time32", pa.time32("ms"), [datetime.time(10, 30), None, datetime.time(0, 0, 1)]),
        ("time64", pa.time64("us"), [datetime.time(10, 30), None, datetime.time(0, 0, 1)]),
        ("uuid", pa.uuid(), [uuid.UUID(int=1), None, uuid.UUID(int=2)]),
        ("json", pa.json_(), ['{"a": 1}', None, "[]"]),
    ]


def types_of_pyarrow(cases):
    for name, kind, values in all_types():
        parquet(cases, f"type-{name}", typed("x", kind, values))
    parquet(cases, "type-float16", typed("x", pa.float16(), [1.5, 0.25, -2.0]))
    parquet(cases, "type-uint64", typed("x", pa.uint64(), [0, 1, 2**64 - 1]))
    parquet(cases, "type-null", typed("x", pa.null(), [None, None, None]), left_out=["x"])


def of_pandas(cases):
    frame = readings()
    frame["sensor"] = frame["sensor"].astype("category")
    frame["count"] = frame["id"].where(frame["id"] > 3).astype("Int64")
    for name, written in [
        ("plain", frame),
        ("index", frame.set_index("sensor", drop=True)),
        ("named-index", frame.set_index("timestamp")),
    ]:
        file = f"pandas-{name}.parquet"
        written.to_parquet(cases.path(file))
        cases.add("pandas", file, columns(pq.ParquetFile(cases.path(file)).read()))


def of_polars(cases):
    frame = pl.from_pandas(readings()).with_columns(
        levels=pl.concat_list("value", "pressure"),
        pair=pl.concat_list("value", "pressure").list.to_array(2),
        place=pl.struct(x=pl.col("value"), name=pl.col("sensor")),
        kind=pl.col("sensor").cast(pl.Categorical),
        level=pl.col("sensor").cast(pl.Enum(["s0", "s1", "s2"])),
        day=pl.col("timestamp").dt.date(),
        price=pl.col("value").cast(pl.Decimal(10, 2)),
        gap=pl.when(pl.col("id") > 3).then("value"),
    )
    for codec in ("uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"):
        file = f"polars-{codec}.parquet"
        frame.write_parquet(cases.path(file), compression=codec)
        cases.add("Polars", file, pl.read_parquet(cases.path(file)).to_dict(as_series=False))
    for name, options in [
        ("plain", {}),
        ("lz4", {"compression": "lz4"}),
        ("zstd", {"compression": "zstd"}),
        ("oldest", {"compat_level": pl.CompatLevel.oldest()}),
    ]:
        file = f"polars-{name}.arrow"
        frame.write_ipc(cases.path(file), **options)
        cases.add("Polars", file, pl.read_ipc(cases.path(file)).to_dict(as_series=False))
    frame.write_ipc_stream(cases.path("polars-stream.ipc"))
    cases.add(
        "Polars", "polars-stream.ipc", pl.read_ipc_stream(cases.path("polars-stream.ipc")).to_dict(as_series=False)
    )


def of_duckdb(cases):
    connection = duckdb.connect()
    connection.register("readings", readings())
    types = [
        ("plain", "*", ""),
        ("zstd", "*", ", COMPRESSION zstd"),
        ("gzip", "*", ", COMPRESSION gzip"),
        ("uncompressed", "*", ", COMPRESSION uncompressed"),
        ("row-groups", "*", ", ROW_GROUP_SIZE 2"),
        ("v2", "*", ", PARQUET_VERSION v2"),
        ("list", "*, [value, pressure] AS x", ""),
        ("list-of-structs", "*, [{'a': id, 'b': [value]}] AS x", ""),
        ("struct", "*, {'a': id, 'b': sensor} AS x", ""),
        ("map", "*, MAP {sensor: value} AS x", ""),
        ("decimal", "*, value::DECIMAL(12, 3) AS x", ""),
        ("date", "*, timestamp::DATE AS x", ""),
        ("timestamptz", "*, timestamp::TIMESTAMPTZ AS x", ""),
        ("timestamp-ns", "*, timestamp::TIMESTAMP_NS AS x", ""),
        ("timestamp-ms", "*, timestamp::TIMESTAMP_MS AS x", ""),
        ("time", "*, timestamp::TIME AS x", ""),
        ("uuid", "*, ('00000000-0000-0000-0000-00000000000' || (id % 10)::VARCHAR)::UUID AS x", ""),
        ("enum", "*, sensor::ENUM('s0', 's1', 's2') AS x", ""),
        ("blob", "*, '\\x00\\xFF'::BLOB AS x", ""),
        ("ubigint", "*, id::UBIGINT AS x", ""),
        ("hugeint", "*, id::HUGEINT AS x", ""),
        ("tinyint", "*, id::TINYINT AS x", ""),
        ("float", "*, value::FLOAT AS x", ""),
    ]
    connection.execute("SET TimeZone = 'UTC'")
    for name, select, options in types:
        file = f"duckdb-{name}.parquet"
        connection.execute(f"COPY (SELECT {select} FROM readings) TO '{cases.path(file)}' (FORMAT parquet{options})")
        table = connection.sql(f"SELECT * FROM read_parquet('{cases.path(file)}') ORDER BY id").to_arrow_table()
        cases.add("DuckDB", file, columns(table))


def of_arrow(cases):
    table = pa.Table.from_pandas(readings(50), preserve_index=False)
    for codec in ("uncompressed", "lz4", "zstd"):
        file = f"feather-{codec}.feather"
        pa.feather.write_feather(table, cases.path(file), compression=codec, chunksize=20)
        cases.add("pyarrow", file, columns(pa.feather.read_table(cases.path(file))))
    for name, kind, values in [*all_types(), ("string-view", pa.string_view(), ["a", None, "b"])]:
        written = typed("x", kind, values)
        for ending, writer, reader in [
            ("arrow", pa.ipc.new_file, pa.ipc.open_file),
            ("arrows", pa.ipc.new_stream, pa.ipc.open_stream),
        ]:
            if ending == "arrows" and name not in ("float64", "list-of-structs", "dictionary", "timestamp-ns"):
                continue
            file = f"ipc-{name}.{ending}"
            with writer(str(cases.path(file)), written.schema) as out:
                out.write_table(written)
            cases.add("pyarrow", file, columns(reader(str(cases.path(file))).read_all()))


# What pyarrow does not write to ORC.
NOT_IN_ORC = ("dictionary", "uint8", "uint16", "uint32", "decimal256", "time32", "time64", "uuid", "json")


def orc(cases, name, table, **options):
    file = f"pyarrow-{name}.orc"
    pa.orc.write_table(table, str(cases.path(file)), **options)
    cases.add("pyarrow", file, columns(pa.orc.read_table(str(cases.path(file)))))


def of_orc(cases):
    table = pa.Table.from_pandas(readings(200), preserve_index=False)
    for codec in ("uncompressed", "snappy", "zlib", "zstd", "lz4"):
        orc(cases, f"codec-{codec}", table, compression=codec)
    orc(cases, "stripes", pa.Table.from_pandas(readings(30_000), preserve_index=False), stripe_size=65_536, batch_size=1_000)
    orc(cases, "small-blocks", table, compression="zstd", compression_block_size=131_072)
    orc(cases, "dictionaries", table, dictionary_key_size_threshold=1.0)
    orc(cases, "version-0-11", table, file_version="0.11")
    orc(cases, "padded", table, padding_tolerance=0.5)
    for name, kind, values in all_types():
        if name not in NOT_IN_ORC:
            orc(cases, f"type-{name}", typed("x", kind, values))
    # Years that no nanosecond holds: pyarrow reads nothing else, so what is expected is what was written.
    far = typed("x", pa.timestamp("us"), [datetime.datetime(1500, 1, 1), None, datetime.datetime(9999, 12, 31, 23, 59, 59)])
    pa.orc.write_table(far, str(cases.path("pyarrow-far-years.orc")))
    cases.add("pyarrow", "pyarrow-far-years.orc", columns(far))
    before = [datetime.datetime(1969, 12, 31, 23, 59, 58), None, datetime.datetime(1900, 1, 1)]
    orc(cases, "before-1970", typed("x", pa.timestamp("us"), before))
