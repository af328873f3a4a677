"""A Spark job over a stream's scored events: windows of event time, from Kafka.

    spark-submit --master 'local[2]' \\
        --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.1,org.apache.spark:spark-avro_2.13:4.1.1 \\
        streaming_job.py --bootstrap localhost:9092 --registry http://localhost:8081 --topic particles.scored --out windows

It reads what is committed and nothing else (`read_committed`), decodes Confluent-framed Avro under every version of the
topic's schema, and keeps count, least, greatest, sum and mean of a column for each window and key in `--out` (Parquet).
With `--once` it works off what is there and ends; otherwise it goes on until it is stopped, and a restart goes on from its
checkpoint.
"""

import argparse
import json
import urllib.request

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql.avro.functions import from_avro

# Confluent's framing: a zero byte and the schema's id in four bytes, before the Avro.
FRAME = 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, help="Kafka's bootstrap servers")
    parser.add_argument("--registry", required=True, help="the schema registry's address")
    parser.add_argument("--topic", required=True, help="the stream's scored topic")
    parser.add_argument("--out", required=True, help="the folder for the windows")
    parser.add_argument("--time", default="timestamp", help="the column of event time")
    parser.add_argument("--key", default="detector_id", help="the column that is grouped by")
    parser.add_argument("--value", default="energy_gev", help="the column that is aggregated")
    parser.add_argument("--window", default="10 seconds", help="the length of a window")
    parser.add_argument("--lateness", default="10 minutes", help="how long a window waits for late events")
    parser.add_argument("--once", action="store_true", help="work off what is there, then end")
    return parser.parse_args()


def ask(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def schemas(registry, topic):
    """Every version of the schema of the topic's values: its text by its id, the latest last."""
    subject = f"{registry.rstrip('/')}/subjects/{topic}-value/versions"
    versions = [ask(f"{subject}/{version}") for version in ask(subject)]
    return {version["id"]: version["schema"] for version in versions}


def decoded(value, versions):
    """The event in a message, under the schema that it was written with, as the latest one has it."""
    latest = list(versions.values())[-1]
    number = f.conv(f.hex(f.substring(value, 2, 4)), 16, 10).cast("long")
    bytes_of = f.expr(f"substring(value, {FRAME + 1}, length(value) - {FRAME})")
    written = [
        f.when(number == written, from_avro(bytes_of, text, {"avroSchema": latest, "mode": "FAILFAST"}))
        for written, text in versions.items()
    ]
    return f.coalesce(*written)


def events(spark, options):
    """The stream's committed events as rows."""
    messages = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", options.bootstrap)
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", options.topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    event = decoded(f.col("value"), schemas(options.registry, options.topic))
    # A record without a value is not an event: a probe, which measures how long one takes.
    messages = messages.where(f.col("value").isNotNull())
    return messages.select(event.alias("event")).select("event.*")


def windows(rows, options):
    """Count, least, greatest, sum and mean by window and key."""
    value = f.col(options.value)
    grouped = rows.withWatermark(options.time, options.lateness).groupBy(
        f.window(options.time, options.window), f.col(options.key).alias("key")
    )
    return grouped.agg(
        f.count("*").alias("events"),
        f.min(value).alias("lowest"),
        f.max(value).alias("highest"),
        f.sum(value).alias("total"),
        f.avg(value).alias("mean"),
    ).select(f.col("window.start").alias("window_start"), "key", "events", "lowest", "highest", "total", "mean")


def main():
    options = arguments()
    spark = SparkSession.builder.appName("beamline-windows").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")

    def keep(batch, _):
        # All windows as they stand: a restart repeats a batch, and the same rows take the place of the same rows.
        batch.coalesce(1).write.mode("overwrite").parquet(options.out)

    query = (
        windows(events(spark, options), options)
        .writeStream.outputMode("complete")
        .option("checkpointLocation", f"{options.out}.checkpoint")
        .foreachBatch(keep)
    )
    query = query.trigger(availableNow=True) if options.once else query.trigger(processingTime="5 seconds")
    query.start().awaitTermination()


if __name__ == "__main__":
    main()
