"""How long Spark takes for one question over each of some tables, as JSON lines of the form {"millis": ..., "rows": [...]}.

    spark-submit ... grouped.py TURNS SQL FORMAT PLACE [FORMAT PLACE ...]

The question is over `processed_data`. Each table is asked once to warm up and then TURNS times, all of them in turns; the best counts.
"""

import json
import sys
import time

from pyspark.sql import SparkSession
from tables import bits


def main():
    turns, sql, *places = sys.argv[1:]
    tables = list(zip(places[::2], places[1::2]))
    spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    best = [(float("inf"), [])] * len(tables)
    for turn in range(int(turns) + 1):
        for number, (form, place) in enumerate(tables):
            begun = time.perf_counter()
            spark.read.format(form).load(f"{place}/processed_data").createOrReplaceTempView("processed_data")
            rows = [[bits(cell) for cell in row] for row in spark.sql(sql).collect()]
            millis = (time.perf_counter() - begun) * 1e3
            if turn > 0 and millis < best[number][0]:
                best[number] = (millis, rows)
    for millis, rows in best:
        print(json.dumps({"millis": millis, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
