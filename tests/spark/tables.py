"""What Spark finds in a lake and in the windows of the streaming job, as JSON lines of the form {"name": ..., "rows": [...]}.

    spark-submit ... tables.py DELTA PARQUET ORC WINDOWS COLUMN KEY TIME
"""

import json
import struct
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def bits(value):
    """A number's exact value as text; nothing for null."""
    if value is None:
        return ""
    return struct.pack(">d", value).hex() if isinstance(value, float) else str(value)


def show(name, rows):
    print(json.dumps({"name": name, "rows": [[bits(cell) for cell in row] for row in rows.collect()]}), flush=True)


def table(name, rows, column, key, time):
    """How many events, how many different ones, and by key: count, extremes, and of every time something that depends on it."""
    show(f"{name} events", rows.agg(f.count("*"), f.countDistinct("event_id")))
    micros = f.unix_micros(time)
    by_key = rows.groupBy(key).agg(
        f.count("*"),
        f.min(column),
        f.max(column),
        f.max("anomaly_score"),
        f.min(micros),
        f.max(micros),
        f.sum(micros % 1_000_003),
    )
    show(f"{name} by key", by_key.orderBy(key))


def main():
    delta, parquet, orc, windows, *columns = sys.argv[1:]
    spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    table("delta", spark.read.format("delta").load(f"{delta}/processed_data"), *columns)
    table("parquet", spark.read.parquet(f"{parquet}/processed_data"), *columns)
    table("orc", spark.read.orc(f"{orc}/processed_data"), *columns)
    rows = spark.read.parquet(windows)
    micros = f.unix_micros("window_start").alias("window_start")
    show("windows", rows.select(micros, "key", "events", "lowest", "highest", "total", "mean").orderBy("window_start", "key"))


if __name__ == "__main__":
    main()
