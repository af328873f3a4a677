"""Writes batches with pyarrow and deltalake, and prints how many rows a second each form took.

write.py BATCHES FOLDER [HDFS]

BATCHES is an Arrow file. Of each form every batch becomes one file, or one commit; the first tenth is for warming up.
"""

import sys
import time
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet


def main():
    source, folder, *hdfs = sys.argv[1:]
    with pa.OSFile(source) as file:
        reader = pa.ipc.open_file(file)
        tables = [pa.Table.from_batches([reader.get_batch(number)]) for number in range(reader.num_record_batches)]
    folder = Path(folder)
    forms = {
        "parquet": lambda table, number: pa.parquet.write_table(table, folder / f"{number}.parquet", compression="zstd"),
        "orc": lambda table, number: pa.orc.write_table(table, str(folder / f"{number}.orc"), compression="zstd"),
        "delta": lambda table, _: deltalake.write_deltalake(str(folder / "delta"), table, mode="append"),
    }
    if hdfs:
        forms["delta on HDFS"] = lambda table, _: deltalake.write_deltalake(hdfs[0], table, mode="append")
    for form, write in forms.items():
        rows, spent = 0, 0.0
        for number, table in enumerate(tables):
            begun = time.perf_counter()
            write(table, number)
            if number >= len(tables) // 10:
                rows, spent = rows + table.num_rows, spent + time.perf_counter() - begun
        print(f"{form}\t{rows / spent:.0f}")


main()
