"""JSON as databases and services export it."""

import datetime
import json

import duckdb

from cases import START, stamps
from printed import text_case


def write(cases):
    exports(cases)


def exports(cases):
    """What databases and services export as JSON."""
    base = stamps(5)
    iso = [time.isoformat() + "Z" for time in base]

    def case(tool, name, objects, columns, ending="jsonl", text=None, order="id", says=()):
        text = text or "".join(json.dumps(one) + "\n" for one in objects)
        text_case(cases, tool, f"odd-{name}.{ending}", text, columns, says, order)

    mongo = [
        {
            "_id": {"$oid": f"{row:024x}"},
            "id": row,
            "at": {"$date": iso[row]},
            "n": {"$numberLong": str(row)},
            "x": row + 0.5,
        }
        for row in range(5)
    ]
    case(
        "mongoexport",
        "mongo",
        mongo,
        {"id": range(5), "x": [row + 0.5 for row in range(5)], "date": base},
        says=["`_id` (the names within it cannot stand in a schema)"],
    )
    elastic = [
        {
            "_index": "a",
            "_id": str(row),
            "_score": None,
            "_source": {"@timestamp": iso[row], "message": "m", "value": row + 0.5},
        }
        for row in range(5)
    ]
    case(
        "elasticdump",
        "elastic",
        elastic,
        {"_id": [str(row) for row in range(5)], "timestamp": base},
        order="_id",
        says=["`_source.@timestamp` (its name cannot stand in a schema)"],
    )
    docker = [
        {"log": f"line {row}\n", "stream": "stdout", "time": iso[row].replace("Z", ".123456789Z")} for row in range(5)
    ]
    case(
        "Docker",
        "docker",
        docker,
        {"log": [f"line {row}\n" for row in range(5)], "time": [time.replace(microsecond=123456) for time in base]},
        order="time",
    )
    keys = [
        {"id": row, "ts": iso[row], "": 1, "a.b": row, "A.B": 2.5, "ä": row + 0.5, 'say "hi"': "x"} for row in range(5)
    ]
    case("json", "keys", keys, {"id": range(5), "ts": base})
    sequence = "".join("\x1e" + json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) + "\n" for row in range(5))
    case("jq", "sequence", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", sequence)
    comma = ",\n".join(json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) for row in range(5)) + ",\n"
    case("script", "commas", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", comma)
    bom = "\ufeff" + "".join(json.dumps({"id": row, "ts": iso[row], "x": row + 0.5}) + "\r\n" for row in range(5))
    case("PowerShell", "bom", None, {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]}, "json", bom)
    cases.path("odd-utf16.json").write_bytes(bom.encode("utf-16-le"))
    cases.add("PowerShell", "odd-utf16.json", {"id": range(5), "ts": base, "x": [row + 0.5 for row in range(5)]})
    deep = [
        {"id": row, "ts": iso[row], "a": {"b": {"c": {"d": {"e": {"f": row}}}}}, "m": [[[row]]]} for row in range(5)
    ]
    case("json", "deep", deep, {"id": range(5), "a": [one["a"] for one in deep], "m": [one["m"] for one in deep]})
    nulls = [
        {"id": row, "ts": iso[row], "x": None if row < 4 else 2.5, "y": None, "o": None if row % 2 else {"k": row}}
        for row in range(5)
    ]
    case("json", "nulls", nulls, {"id": range(5), "x": [None] * 4 + [2.5], "o": [one["o"] for one in nulls]})
    late = [
        {
            "id": row,
            "ts": (START + datetime.timedelta(seconds=row)).isoformat(),
            **({"late": row + 0.5} if row > 400 else {}),
        }
        for row in range(500)
    ]
    case("json", "late-keys", late, {"id": range(500), "late": [one.get("late") for one in late]})
    zeros = [{"id": row, "ts": iso[row], "x": value} for row, value in enumerate([0, -0.0, 1, 2.0, 1e2])]
    case("json", "zeros", zeros, {"id": range(5), "x": [0.0, -0.0, 1.0, 2.0, 100.0]})
    strings = [{"id": f"{row:03d}", "ts": str(1740823200 + row), "x": f"{row}.5", "ok": "true"} for row in range(5)]
    case("json", "all-text", strings, {"id": [f"{row:03d}" for row in range(5)], "ts": stamps(5)})
    ruby = [{"id": row, "created": str(base[row]) + " +0100", "x": row + 0.5} for row in range(5)]
    case("Ruby", "ruby", ruby, {"id": range(5), "created": [time - datetime.timedelta(hours=1) for time in base]})
    answer = json.dumps(
        {"count": 2, "results": [{"id": 1, "ts": iso[0]}, {"id": 2, "ts": iso[1]}], "id": 7, "ts": iso[0]}
    )
    case(
        "API",
        "answer",
        None,
        {"id": [7], "count": [2]},
        "json",
        answer,
        says=["`jq -c '.[\"results\"][]' FILE > rows.jsonl`"],
    )
    cloud = [
        {
            "version": "0",
            "id": f"e-{row}",
            "detail-type": "State",
            "time": iso[row],
            "detail": {"user-agent": "a", "state": {"code": row, "name": "on"}},
        }
        for row in range(5)
    ]
    case(
        "EventBridge",
        "cloud",
        cloud,
        {
            "id": [f"e-{row}" for row in range(5)],
            "time": base,
            "detail_type": ["State"] * 5,
            "detail": [{"state": {"code": row, "name": "on"}} for row in range(5)],
        },
        says=["`detail.user-agent`"],
    )
    geo = [
        {
            "type": "Feature",
            "id": f"q{row}",
            "properties": {"mag": row + 0.5, "time": 1740823200000 + row * 1000, "place": "x"},
            "geometry": {"type": "Point", "coordinates": [row + 0.25, 2.5, 10]},
        }
        for row in range(5)
    ]
    case(
        "USGS",
        "geojson",
        geo,
        {
            "id": [f"q{row}" for row in range(5)],
            "time": base,
            "properties": [one["properties"] for one in geo],
            "geometry": [one["geometry"] for one in geo],
        },
    )
    alert = [
        {
            "alert": {
                "candidate": {"jd": 2460736.0 + row / 4, "magpsf": 15 + row * row / 8, "candid": 10**15 + row},
                "objectId": f"Z{row % 2}",
            }
        }
        for row in range(6)
    ]
    case(
        "broker",
        "alerts",
        alert,
        {
            "event_time": [datetime.datetime(2025, 3, 1, 12) + row * datetime.timedelta(hours=6) for row in range(6)],
            "alert": [one["alert"] for one in alert],
        },
        order="candid",
        says=["jd_to_timestamp(\\\"alert\\\"['candidate']['jd'], 'utc')", "['magpsf']"],
    )
    fractions = [
        {"id": row, "ts": (START + datetime.timedelta(seconds=row)).isoformat(), "l": [row, row + 1], "o": {"n": row}}
        for row in range(1200)
    ]
    fractions[1100]["l"], fractions[1150]["o"] = [1.5], {"n": 2.5}
    case("json", "nested-fractions", fractions, {name: [one[name] for one in fractions] for name in ("id", "l", "o")})
    duckdb.sql(
        f"COPY (SELECT id, timestamp, value, {{'a': [id, NULL], 'b': MAP {{'k': value}}}} AS s FROM (SELECT * FROM range(5) r(id), (SELECT TIMESTAMP '2025-03-01 10:00:00' AS timestamp, 1.5::DOUBLE AS value))) TO '{cases.path('odd-duckdb-nested.json')}' (FORMAT json)"
    )
    cases.add("DuckDB", "odd-duckdb-nested.json", {"id": range(5), "value": [1.5] * 5})
