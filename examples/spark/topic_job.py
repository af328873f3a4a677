"""A Spark job that writes a topic which a stream reads as its source: scored events that a condition picks.

    spark-submit --master 'local[2]' \\
        --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.1,org.apache.spark:spark-avro_2.13:4.1.1 \\
        topic_job.py --bootstrap localhost:9092 --registry http://localhost:8081 --topic particles.scored \\
        --where 'energy_gev > 5' --to fast-particles
    beamline init --kafka localhost:9092 --topic fast-particles

Each row is a message: a JSON object or, with `--schema`, Avro in Confluent's framing, whose schema it registers. With `--once`
it works off what is there and ends; otherwise it goes on until it is stopped, and a restart goes on from its checkpoint.
Spark's Kafka sink writes at least once: after a crash rows of the last batch may be in the topic twice, with the same id.
"""

import argparse
import json
import pathlib
import urllib.request

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql.avro.functions import to_avro
from streaming_job import events

COLUMNS = ["event_id", "timestamp", "detector_id", "energy_gev", "anomaly_score AS score"]
# Without it Spark writes milliseconds and drops the rest.
MICROSECONDS = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, help="Kafka's bootstrap servers")
    parser.add_argument("--registry", required=True, help="the schema registry's address")
    parser.add_argument("--topic", required=True, help="the stream's scored topic")
    parser.add_argument("--to", required=True, help="the topic to write to; it has to be there")
    parser.add_argument("--where", default="anomalous", help="which events, in SQL")
    parser.add_argument("--select", nargs="+", default=COLUMNS, help="which columns of them, in SQL")
    parser.add_argument("--key", default="detector_id", help="the column that is the message's key")
    parser.add_argument("--schema", help="a file with an Avro schema of those columns: write Avro, not JSON")
    parser.add_argument("--checkpoint", help="the folder for the checkpoint, TO.checkpoint by default")
    parser.add_argument("--once", action="store_true", help="work off what is there, then end")
    return parser.parse_args()


def registered(registry, topic, schema):
    """The id of a schema of the topic's values."""
    request = urllib.request.Request(
        f"{registry.rstrip('/')}/subjects/{topic}-value/versions",
        json.dumps({"schema": schema}).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["id"]


def message(row, options):
    """The value of a row's message."""
    if not options.schema:
        return f.to_json(row, {"timestampFormat": MICROSECONDS, "ignoreNullFields": "false"})
    schema = pathlib.Path(options.schema).read_text(encoding="utf-8")
    frame = bytes(1) + registered(options.registry, options.to, schema).to_bytes(4, "big")
    return f.concat(f.lit(frame), to_avro(row, schema))


def main():
    options = arguments()
    spark = SparkSession.builder.appName("beamline-topic").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    rows = events(spark, options).where(options.where)
    key = f.col(options.key).cast("string").alias("key")
    rows = rows.select(key, f.struct(*[f.expr(column) for column in options.select]).alias("row"))
    query = (
        rows.select("key", message(f.col("row"), options).alias("value"))
        .writeStream.format("kafka")
        .option("kafka.bootstrap.servers", options.bootstrap)
        .option("topic", options.to)
        .option("checkpointLocation", options.checkpoint or f"{options.to}.checkpoint")
    )
    query = query.trigger(availableNow=True) if options.once else query.trigger(processingTime="5 seconds")
    query.start().awaitTermination()


if __name__ == "__main__":
    main()
