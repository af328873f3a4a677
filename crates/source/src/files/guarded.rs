//! Libraries that panic on damaged files, kept from ending the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::{array::RecordBatch, error::ArrowError};

/// What reading gives. arrow-ipc panics where a buffer reaches beyond the file, parquet where a column does.
pub(crate) fn no_panic<T>(read: impl FnOnce() -> T) -> Result<T, ArrowError> {
    let failed = |_| ArrowError::ExternalError("its parts reach beyond the file".into());
    catch_unwind(AssertUnwindSafe(read)).map_err(failed)
}

/// Batches of which one that makes the library panic is an error.
pub(crate) struct Guarded<I>(pub I);

impl<I: Iterator<Item = Result<RecordBatch, ArrowError>>> Iterator for Guarded<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<Self::Item> {
        no_panic(|| self.0.next()).unwrap_or_else(|error| Some(Err(error)))
    }
}
