"""Avro containers that fastavro and Polars write: every type, every codec, unions, names with dots."""

import datetime
import decimal
import uuid

import fastavro
import polars as pl

from cases import plain, readings

UTC = datetime.timezone.utc
START = datetime.datetime(2025, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def write(cases):
    codecs(cases)
    types(cases)
    structures(cases)
    of_polars(cases)


def case(cases, name, fields, rows, codec="null", says=(), left_out=(), namespace=None, **options):
    """A container of rows with `id` and `timestamp` before the `fields`, and what fastavro reads."""
    time = {"type": "long", "logicalType": "timestamp-micros"}
    fields = [{"name": "id", "type": "long"}, {"name": "timestamp", "type": time}, *fields]
    schema = {"type": "record", "name": "Event", "fields": fields, **({"namespace": namespace} if namespace else {})}
    file = f"fastavro-{name}.avro"
    started = [
        {"id": place, "timestamp": START + datetime.timedelta(seconds=place), **row} for place, row in enumerate(rows)
    ]
    with open(cases.path(file), "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema), started, codec=codec, **options)
    with open(cases.path(file), "rb") as back:
        read = list(fastavro.reader(back))
    columns = {field["name"]: [row[field["name"]] for row in read] for field in fields if field["name"] not in left_out}
    cases.add("fastavro", file, columns, says)


def codecs(cases):
    rows = [{"value": 1.5 * place, "sensor": f"s{place % 3}"} for place in range(40)]
    fields = [{"name": "value", "type": "double"}, {"name": "sensor", "type": "string"}]
    for codec in ("null", "deflate", "snappy", "zstandard", "bzip2", "xz"):
        case(cases, f"codec-{codec}", fields, rows, codec)
    case(cases, "small-blocks", fields, rows, sync_interval=16)
    case(cases, "metadata", fields, rows, metadata={"writer": "a telescope"})


def types(cases):
    logical = lambda kind, logical_type, **more: {"type": kind, "logicalType": logical_type, **more}
    date = datetime.date(2025, 3, 1)
    for name, kind, values in [
        ("int", "int", [-(2**31), 0, 2**31 - 1]),
        ("long", "long", [-(2**63), 0, 2**63 - 1]),
        ("float", "float", [1.5, -0.25, 3.4028234663852886e38]),
        ("double", "double", [1.5, float("nan"), float("inf")]),
        ("boolean", "boolean", [True, False, True]),
        ("string", "string", ["", "Müller", "a\nb"]),
        ("bytes", "bytes", [b"", b"\x00\xff", b"abc"]),
        ("fixed", {"type": "fixed", "name": "Four", "size": 4}, [b"\0\0\0\0", b"abcd", b"\xff" * 4]),
        ("enum", {"type": "enum", "name": "Color", "symbols": ["RED", "GREEN"]}, ["RED", "GREEN", "RED"]),
        ("array", {"type": "array", "items": "double"}, [[1.5, 2.5], [], [3.5]]),
        ("map", {"type": "map", "values": "long"}, [{"a": 1}, {}, {"b": 2, "c": 3}]),
        ("date", logical("int", "date"), [date, datetime.date(1969, 12, 31), date]),
        ("timestamp-millis", logical("long", "timestamp-millis"), [START] * 3),
        (
            "decimal-bytes",
            logical("bytes", "decimal", precision=10, scale=2),
            [decimal.Decimal(text) for text in ("1.25", "-99.01", "0.00")],
        ),
        (
            "decimal-fixed",
            logical("fixed", "decimal", name="D", size=8, precision=12, scale=4),
            [decimal.Decimal(text) for text in ("1.2500", "-99.0125", "0.0000")],
        ),
        ("uuid", logical("string", "uuid"), [uuid.UUID(int=number) for number in (1, 2, 3)]),
        ("local-timestamp-millis", logical("long", "local-timestamp-millis"), [START.replace(tzinfo=None)] * 3),
        ("local-timestamp-micros", logical("long", "local-timestamp-micros"), [START.replace(tzinfo=None)] * 3),
        ("time-micros", logical("long", "time-micros"), [datetime.time(10, 30, second) for second in range(3)]),
        ("time-millis", logical("int", "time-millis"), [datetime.time(10, 30, second) for second in range(3)]),
        ("unknown-logical", logical("long", "furlongs"), [1, 2, 3]),
    ]:
        case(cases, f"type-{name}", [{"name": "x", "type": kind}], [{"x": value} for value in values])
        null = ["null", kind]
        case(
            cases,
            f"null-or-{name}",
            [{"name": "x", "type": null, "default": None}],
            [{"x": value} for value in [None, *values]],
        )
    case(
        cases,
        "or-null-double",
        [{"name": "x", "type": ["double", "null"]}],
        [{"x": value} for value in (1.5, None, 2.5)],
    )
    case(cases, "only-in-a-union", [{"name": "x", "type": ["double"]}], [{"x": value} for value in (1.5, 2.5, 3.5)])


def structures(cases):
    point = {
        "type": "record",
        "name": "Point",
        "fields": [{"name": "x", "type": "double"}, {"name": "n", "type": ["null", "int"]}],
    }
    points = [{"x": 1.5, "n": 1}, {"x": 2.5, "n": None}, {"x": 3.5, "n": 3}]
    array = lambda items: {"type": "array", "items": items}
    case(cases, "record", [{"name": "p", "type": point}], [{"p": value} for value in points])
    case(
        cases, "optional-record", [{"name": "p", "type": ["null", point]}], [{"p": value} for value in [*points, None]]
    )
    case(
        cases, "array-of-records", [{"name": "p", "type": array(point)}], [{"p": points}, {"p": []}, {"p": points[:1]}]
    )
    optional = ["null", array(point)]
    case(
        cases,
        "optional-array-of-records",
        [{"name": "p", "type": optional}],
        [{"p": points}, {"p": None}, {"p": points[:1]}],
    )
    case(
        cases,
        "array-of-arrays",
        [{"name": "m", "type": array(array("int"))}],
        [{"m": [[1, 2], [3]]}, {"m": []}, {"m": [[], [4]]}],
    )
    case(
        cases,
        "array-of-optionals",
        [{"name": "a", "type": array(["null", "double"])}],
        [{"a": [1.5, None]}, {"a": []}, {"a": [None]}],
    )
    maps = {"type": "map", "values": point}
    case(
        cases,
        "map-of-records",
        [{"name": "m", "type": maps}],
        [{"m": {"a": points[0]}}, {"m": {}}, {"m": {"b": points[1]}}],
    )
    twice = [{"name": "first", "type": point}, {"name": "second", "type": "Point"}]
    case(cases, "type-used-twice", twice, [{"first": points[0], "second": value} for value in points])
    dotted = {**point, "name": "org.survey.v1.Point"}
    again = [{"name": "first", "type": dotted}, {"name": "second", "type": "org.survey.v1.Point"}]
    case(
        cases,
        "dotted-names",
        again,
        [{"first": points[0], "second": value} for value in points],
        namespace="org.survey.v2",
    )
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [
            {"name": "deep", "type": {"type": "record", "name": "Deep", "fields": [{"name": "v", "type": "long"}]}}
        ],
    }
    case(
        cases,
        "records-in-records",
        [{"name": "a", "type": inner}],
        [{"a": {"deep": {"v": number}}} for number in range(3)],
    )
    node = {
        "type": "record",
        "name": "Node",
        "fields": [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
    }
    rows = [{"x": {"v": 1, "next": {"v": 2, "next": None}}, "value": 2.5}]
    case(
        cases,
        "recursive",
        [{"name": "x", "type": node}, {"name": "value", "type": "double"}],
        rows,
        left_out=["x"],
        says=["`x.next`"],
    )
    case(
        cases,
        "union-of-numbers",
        [{"name": "x", "type": ["null", "int", "double"]}],
        [{"x": value} for value in (1, 2.5, None)],
    )
    case(cases, "aliases-and-docs", [{"name": "x", "type": "double", "aliases": ["y"], "doc": "a value"}], [{"x": 1.5}])
    case(cases, "no-further-fields", [], [{}, {}])


def of_polars(cases):
    frame = pl.from_pandas(readings()).with_columns(
        levels=pl.concat_list("value", "pressure"), gap=pl.when(pl.col("id") > 3).then("value")
    )
    for codec in ("uncompressed", "deflate", "snappy"):
        file = f"polars-{codec}.avro"
        frame.write_avro(cases.path(file), compression=codec)
        cases.add(
            "Polars",
            file,
            {
                name: [plain(value) for value in values]
                for name, values in pl.read_avro(cases.path(file)).to_dict(as_series=False).items()
            },
        )
