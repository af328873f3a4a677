//! A stream on an object store: Parquet files and a Delta Lake table.
