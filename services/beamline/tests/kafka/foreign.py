"""A stream's topics with clients that are not ours: confluent-kafka, fastavro and the registry's plain REST.

    foreign.py write BOOTSTRAP REGISTRY TOPIC SCHEMA EVENTS   sends JSON lines under a schema of its own
    foreign.py read BOOTSTRAP REGISTRY TOPIC...               prints topic, partition, offset and cells of each message
"""

import datetime
import functools
import io
import json
import struct
import sys
import urllib.request

import confluent_kafka
import fastavro

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def registry(method, url, body=None):
    headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(url, body and json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def write(bootstrap, url, topic, schema_file, events):
    with open(schema_file) as file:
        text = file.read()
    number = registry("POST", f"{url}/subjects/foreign-value/versions", {"schema": text})["id"]
    schema = fastavro.parse_schema(json.loads(text))
    settings = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random"}
    producer = confluent_kafka.Producer(settings)
    with open(events) as file:
        for line in file:
            event = json.loads(line)
            value = io.BytesIO()
            value.write(struct.pack(">bI", 0, number))
            fastavro.schemaless_writer(value, schema, event)
            producer.produce(topic, key=event["detector_id"], value=value.getvalue())
            producer.poll(0)
    left = producer.flush(60)
    sys.exit(f"{left} messages were not sent" if left else 0)


def cell(value):
    """As text that names each value exactly: numbers with a point by their bits."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, list):
        return "[" + ",".join(map(cell, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(map(cell, value.values())) + "}"
    return str(value)


def read(bootstrap, url, *topics):
    @functools.cache
    def schema(path):
        return fastavro.parse_schema(json.loads(registry("GET", f"{url}/{path}")["schema"]))

    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "foreign",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    consumer = confluent_kafka.Consumer(settings)
    partitions = [
        confluent_kafka.TopicPartition(topic, partition, confluent_kafka.OFFSET_BEGINNING)
        for topic in topics
        for partition in consumer.list_topics(topic, 30).topics[topic].partitions
    ]
    consumer.assign(partitions)
    left = len(partitions)
    while left:
        message = consumer.poll(60)
        if message is None:
            sys.exit(f"{left} partitions do not end")
        if message.error():
            if message.error().code() != confluent_kafka.KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            left -= 1
            continue
        value = message.value()
        if value is None:
            cells = "deleted"
        else:
            magic, number = struct.unpack(">bI", value[:5])
            assert magic == 0, value[:5]
            rest = io.BytesIO(value[5:])
            writer = schema(f"schemas/ids/{number}")
            record = fastavro.schemaless_reader(rest, writer, schema(f"subjects/{message.topic()}-value/versions/latest"))
            assert not rest.read(), "bytes behind the record"
            cells = "\x1f".join(map(cell, record.values()))
        text = f"{message.topic()}\t{message.partition()}\t{message.offset()}\t{cells}"
        print(json.dumps(text))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
