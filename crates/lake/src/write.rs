//! What both sinks of a lake share.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use sink::{Batch, SinkError, Table};
use tokio::runtime::Runtime;

use crate::LakeError;

/// The threads of a sink.
pub(crate) fn runtime() -> Result<Runtime, LakeError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_name("lake").enable_all().build().map_err(LakeError::Threads)
}

/// One batch a table, topic and partition; those without a row or a probe left out.
pub(crate) fn merged(batches: Vec<Batch>) -> Result<Vec<Batch>, SinkError> {
    let mut of: BTreeMap<(Table, String, u32), Vec<Batch>> = BTreeMap::new();
    for batch in batches.into_iter().filter(|batch| !batch.is_empty()) {
        of.entry((batch.table, batch.topic.clone(), batch.partition)).or_default().push(batch);
    }
    let merge = |batches: Vec<Batch>| match batches.as_slice() {
        [one] => Ok(one.clone()),
        several => Batch::concat(several).map_err(|error| refused(&several[0], &error.to_string())),
    };
    of.into_values().map(merge).collect()
}

/// The time, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

/// An error of the lake as one of a sink.
pub(crate) fn failed(store: &str, error: &LakeError, batch: Option<&Batch>) -> SinkError {
    match batch {
        _ if error.is_temporary() => SinkError::Away { store: store.to_owned(), message: error.to_string() },
        Some(batch) => refused(batch, &error.to_string()),
        None => SinkError::Unprepared { store: store.to_owned(), message: error.to_string() },
    }
}

pub(crate) fn no_table(store: &str, table: Table) -> SinkError {
    SinkError::Unprepared { store: store.to_owned(), message: format!("there is no table for {table}") }
}

fn refused(batch: &Batch, message: &str) -> SinkError {
    SinkError::Refused {
        table: batch.table,
        topic: batch.topic.clone(),
        partition: batch.partition,
        position: batch.first(),
        message: message.to_owned(),
    }
}
