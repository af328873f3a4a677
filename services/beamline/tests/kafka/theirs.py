"""A program that is not ours and writes to topics of its own: as JSON, and as plain Avro.

    theirs.py BOOTSTRAP COUNT PAUSE_MS TOPIC FORMAT [SCHEMA] [SETTING=VALUE ...]

Each message is a reading with a number of its own. Where it is killed, the same command goes on behind what the file
TOPIC.written says, and may write some readings again: they are messages of their own.
"""

import io
import json
import pathlib
import sys
import time

import confluent_kafka
import fastavro

# 2025-01-01 in milliseconds.
BEGIN = 1_735_689_600_000
SENSORS = 16


def reading(number):
    return {
        "reading_id": f"r{number:07}",
        "sensor": f"s{number % SENSORS:02}",
        "measured_at": BEGIN + number * 1000,
        "temperature": 20.0 + (number * 7919 % 1000) / 100.0,
        "humidity": 40.0 + (number * 104729 % 1000) / 50.0,
    }


def main():
    bootstrap, count, pause, topic, how = sys.argv[1:6]
    schema = None
    settings = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5}
    for argument in sys.argv[6:]:
        if "=" in argument:
            name, value = argument.split("=", 1)
            settings[name] = value
        else:
            schema = fastavro.parse_schema(json.loads(pathlib.Path(argument).read_text()))
    producer = confluent_kafka.Producer(settings)
    place = pathlib.Path(f"{topic}.written")
    first = int(place.read_text()) if place.exists() and place.read_text() else 0
    for number in range(first, int(count)):
        value = reading(number)
        if how == "json":
            bytes_ = json.dumps(value).encode()
        else:
            out = io.BytesIO()
            fastavro.schemaless_writer(out, schema, value)
            bytes_ = out.getvalue()
        producer.produce(topic, key=value["sensor"], value=bytes_, headers={"program": "theirs"})
        producer.poll(0)
        if number % 200 == 199:
            producer.flush()
            place.write_text(str(number + 1))
            time.sleep(float(pause) / 1000.0)
    producer.flush()
    place.write_text(count)


main()
