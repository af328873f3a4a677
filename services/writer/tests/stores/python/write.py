"""Writes batches with pyarrow or deltalake, and prints how many rows a second that was.

write.py BATCHES PLACE FORM

BATCHES is an Arrow file. Every batch becomes one file in the folder PLACE, or one commit of the table there; the first tenth is for
warming up.
"""

import sys
import time
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet


def main():
    source, place, form = sys.argv[1:]
    with pa.OSFile(source) as file:
        reader = pa.ipc.open_file(file)
        tables = [pa.Table.from_batches([reader.get_batch(number)]) for number in range(reader.num_record_batches)]
    if form != "delta":
        Path(place).mkdir()
    # As the writer compresses too.
    zstd = deltalake.WriterProperties(compression="ZSTD", compression_level=1)
    write = {
        "parquet": lambda table, number: pa.parquet.write_table(table, f"{place}/{number}.parquet", compression="zstd"),
        "orc": lambda table, number: pa.orc.write_table(table, f"{place}/{number}.orc", compression="zstd"),
        "delta": lambda table, _: deltalake.write_deltalake(place, table, mode="append", writer_properties=zstd),
    }[form]
    rows, spent = 0, 0.0
    for number, table in enumerate(tables):
        begun = time.perf_counter()
        write(table, number)
        if number >= len(tables) // 10:
            rows, spent = rows + table.num_rows, spent + time.perf_counter() - begun
    print(f"{rows / spent:.0f}")


main()
