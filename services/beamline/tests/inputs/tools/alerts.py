"""Alerts of the public schemas of Rubin's LSST, as their own package has them, with values of every field."""

import datetime
import importlib.util
import pathlib

import fastavro
import fastavro.schema

ALERTS = 24


def write(cases):
    # The package itself needs more than its schemas do.
    folder = pathlib.Path(importlib.util.find_spec("lsst.alert.packet").origin).parent / "schema"
    for version in ("7/4", "8/0", "9/0", "10/0", "11/0", "11/1"):
        name = "v" + version.replace("/", "_")
        path = folder / version / f"lsst.{name}.alert.avsc"
        if path.exists():
            of_rubin(cases, name, fastavro.schema.load_schema(str(path)))


def of_rubin(cases, version, schema):
    alerts = [record(schema, number, {}) for number in range(ALERTS)]
    file = f"lsst-{version.replace('_', '-')}.avro"
    with open(cases.path(file), "wb") as out:
        fastavro.writer(out, schema, alerts, codec="deflate", sync_interval=4000)
    with open(cases.path(file), "rb") as back:
        read = list(fastavro.reader(back))
    id_name = "alertId" if "alertId" in read[0] else "diaSourceId"
    keep = [id_name, "observation_reason", "target_name", "diaSource", "prvDiaSources", "ssObject"]
    columns = {name: [alert[name] for alert in read] for name in keep if name in read[0]}
    cases.add("fastavro", file, columns, ["midpointMjdTai", "cutoutDifference"], order=id_name)


def record(schema, number, types):
    """A value of a schema: numbers that differ from alert to alert, every seventh optional value missing."""
    return value(schema, number, 0, types)


def value(schema, number, place, types, name=""):
    if isinstance(schema, list):
        others = [branch for branch in schema if branch != "null"]
        if len(others) < len(schema) and ((number + place) % 7 == 0 or name == "ssObject" and number % 2):
            return None
        return value(others[0], number, place, types, name)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(schema, dict) and "name" in schema:
        types[schema["name"]] = schema
    if kind == "record":
        fields = enumerate(schema["fields"])
        return {field["name"]: value(field["type"], number, at + place, types, field["name"]) for at, field in fields}
    if kind == "array":
        return [value(schema["items"], number + row, place, types) for row in range(number % 3)]
    if isinstance(schema, dict) and schema.get("logicalType", "").startswith("timestamp"):
        return datetime.datetime(2025, 3, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=number)
    if kind in types and kind not in ("int", "long", "float", "double"):
        return value(types[kind], number, place, types, name)
    if isinstance(kind, (dict, list)):
        return value(kind, number, place, types, name)
    if name.lower().endswith("mjdtai"):
        return 60676.0 + number / 1440
    if name in ("diaSourceId", "alertId", "diaSourceID"):
        return 10**15 + number
    if name in ("diaObjectId",):
        return 5000 + number % 4
    return {
        "int": number + place,
        "long": 1000 * place + number,
        "float": (number * 31 + place) % 64 / 8,
        "double": (number * 17 + place) % 97 / 16,
        "boolean": (number + place) % 2 == 0,
        "string": f"t{(number + place) % 5}",
        "bytes": bytes([number % 256]) * 4000,
    }[kind]
