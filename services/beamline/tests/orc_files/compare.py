"""Compares the tables of two runs, one with ORC and one with Parquet files, as pyarrow reads them.

compare.py ORC PARQUET     the folders of the results

Every value of every column has to be the same; the list of causes is JSON text in ORC.
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet


def table(folder, name, ending, read):
    files = sorted((Path(folder) / name).rglob(f"*.{ending}"))
    assert files, f"no {ending} files of {name} in {folder}"
    return pa.concat_tables([read(str(file)) for file in files]).combine_chunks()


def plain(column, is_text):
    """Values without what only a format knows: enums are texts, times count microseconds."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    if pa.types.is_timestamp(column.type):
        zone = column.type.tz is not None
        return [None if value is None else (zone, value) for value in column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_pylist()]
    if is_text:
        return [None if value is None else json.loads(value) for value in column.to_pylist()]
    return column.to_pylist()


def main():
    orc, parquet = sys.argv[1:]
    for name in ("processed_data", "anomalies"):
        mine = table(orc, name, "orc", pa.orc.read_table)
        theirs = table(parquet, name, "parquet", lambda file: pa.parquet.ParquetFile(file).read())
        assert mine.column_names == theirs.column_names, (mine.column_names, theirs.column_names)
        key = mine.column_names[0]
        mine, theirs = mine.sort_by(key), theirs.sort_by(key)
        for column in mine.column_names:
            a = plain(mine[column], pa.types.is_string(mine[column].type) and pa.types.is_list(theirs[column].type))
            b = plain(theirs[column], False)
            for row, (x, y) in enumerate(zip(a, b, strict=True)):
                assert x == y, f"{name}.{column} of row {row}: {x!r} in ORC, {y!r} in Parquet"
        nulls = sum(mine[column].null_count for column in mine.column_names)
        print(f"{name}: {mine.num_rows} rows of {mine.num_columns} columns are the same, {nulls} nulls among them")
        print({column: str(mine[column].type) for column in mine.column_names})


main()
