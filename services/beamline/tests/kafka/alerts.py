"""Alerts as two telescopes send them: a container with its schema in each message (as ZTF), and behind Confluent's five
bytes with the schema in a registry (as Rubin).

    alerts.py BOOTSTRAP REGISTRY COUNT     sends them to the topics alerts.container and alerts.framed
"""

import io
import json
import struct
import sys
import urllib.request

import confluent_kafka
import fastavro


def optional(kind):
    return ["null", kind]


MEASURED = [
    {"name": "jd", "type": "double"},
    {"name": "fid", "type": "int"},
    {"name": "candid", "type": "long"},
    {"name": "ra", "type": "double"},
    {"name": "dec", "type": "double"},
    {"name": "magpsf", "type": optional("float"), "default": None},
]
CUTOUT = {
    "type": "record",
    "name": "cutout",
    "namespace": "ztf.alert",
    "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
}
CANDIDATE = {"type": "record", "name": "candidate", "namespace": "ztf.alert", "fields": MEASURED}
EARLIER = {"type": "record", "name": "prv_candidate", "namespace": "ztf.alert", "fields": MEASURED}
ZTF = {
    "type": "record",
    "name": "alert",
    "namespace": "ztf",
    "fields": [
        {"name": "schemavsn", "type": "string"},
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {"name": "candidate", "type": CANDIDATE},
        {"name": "prv_candidates", "type": optional({"type": "array", "items": EARLIER}), "default": None},
        {"name": "cutoutScience", "type": optional(CUTOUT), "default": None},
    ],
}
SOURCE = [
    {"name": "diaSourceId", "type": "long"},
    {"name": "diaObjectId", "type": optional("long"), "default": None},
    {"name": "midpointMjdTai", "type": "double"},
    {"name": "band", "type": optional("string"), "default": None},
    {"name": "psfFlux", "type": optional("float"), "default": None},
    {"name": "ra", "type": "double"},
    {"name": "dec", "type": "double"},
]
DIA_SOURCE = {"type": "record", "name": "lsst.v11_1.diaSource", "fields": SOURCE}
LSST = {
    "type": "record",
    "name": "lsst.v11_1.alert",
    "fields": [
        {"name": "diaSourceId", "type": "long"},
        {"name": "diaSource", "type": DIA_SOURCE},
        {
            "name": "prvDiaSources",
            "type": optional({"type": "array", "items": "lsst.v11_1.diaSource"}),
            "default": None,
        },
        {"name": "cutoutDifference", "type": optional("bytes"), "default": None},
    ],
}


def ztf(row):
    def measured(number):
        return {
            "jd": 2_460_676.5 + number / 1440.0,
            "fid": number % 3,
            "candid": 3_000_000_000_000 + number,
            "ra": number % 360.0,
            "dec": number % 90.0,
            "magpsf": None if number % 10 == 0 else 15.0 + number % 7,
        }

    return {
        "schemavsn": "4.02",
        "objectId": f"ZTF25{row % 5}",
        "candid": 3_000_000_000_000 + row,
        "candidate": measured(row),
        "prv_candidates": None if row % 4 == 0 else [measured(number) for number in range(row % 4)],
        "cutoutScience": {"fileName": "x.fits.gz", "stampData": b"x" * 4000},
    }


def lsst(row):
    def source(number):
        return {
            "diaSourceId": 7_000_000_000_000 + number,
            "diaObjectId": number % 6,
            "midpointMjdTai": 60_676.0 + 37.0 / 86_400.0 + number / 1440.0,
            "band": "gri"[number % 3],
            "psfFlux": 100.0 + number % 17,
            "ra": number % 360.0,
            "dec": number % 90.0,
        }

    return {
        "diaSourceId": 7_000_000_000_000 + row,
        "diaSource": source(row),
        "prvDiaSources": None if row % 3 == 0 else [source(number) for number in range(row % 3)],
        "cutoutDifference": b"x" * 3000,
    }


def register(url):
    body = json.dumps({"schema": json.dumps(LSST)}).encode()
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(f"{url}/subjects/alerts-value/versions", body, headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


def main():
    bootstrap, url, count = sys.argv[1:]
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "compression.type": "zstd"})
    container, framed, number = fastavro.parse_schema(ZTF), fastavro.parse_schema(LSST), register(url)
    for row in range(int(count)):
        out = io.BytesIO()
        fastavro.writer(out, container, [ztf(row)])
        producer.produce("alerts.container", value=out.getvalue())
        out = io.BytesIO()
        out.write(struct.pack(">bI", 0, number))
        fastavro.schemaless_writer(out, framed, lsst(row))
        producer.produce("alerts.framed", value=out.getvalue())
        producer.poll(0)
    producer.flush()


main()
