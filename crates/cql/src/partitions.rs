//! Which partitions this process has written to: to list each once, and to warn of those that grow too large.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sink::Table;

use crate::rows::PartitionKey;

/// Beyond so many rows a partition gets slow to read and to compact.
const ROWS_ADVISED_MAX: u64 = 100_000;
/// And beyond so many bytes.
const BYTES_ADVISED_MAX: u64 = 100 << 20;
/// How many partitions are remembered. Beyond that all are forgotten, and listed again when they come again.
const REMEMBERED_MAX: usize = 200_000;

/// The partitions written to.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    seen: HashMap<(Table, PartitionKey), Seen>,
}

#[derive(Debug)]
struct Seen {
    rows: u64,
    bytes: u64,
    listed: Option<Instant>,
    warned: bool,
}

impl Partitions {
    /// Counts rows. Returns whether the partition must be listed first: where it has not been, or so long ago that the
    /// entry would go before the rows do.
    pub(crate) fn count(&mut self, table: Table, key: &PartitionKey, rows: u64, bytes: u64, ttl: Option<u64>) -> bool {
        if self.seen.len() >= REMEMBERED_MAX {
            self.seen.clear();
        }
        let seen =
            self.seen.entry((table, key.clone())).or_insert(Seen { rows: 0, bytes: 0, listed: None, warned: false });
        seen.rows += rows;
        seen.bytes += bytes;
        if !seen.warned && (seen.rows > ROWS_ADVISED_MAX || seen.bytes > BYTES_ADVISED_MAX) {
            seen.warned = true;
            tracing::warn!(
                %table,
                key = %key.key,
                bucket = key.bucket,
                rows = seen.rows,
                mib = seen.bytes >> 20,
                "a partition of the CQL store is larger than 100,000 rows or 100 MiB; \
                 choose a shorter bucket in the stream's store.cql"
            );
        }
        let half = |ttl: u64| Duration::from_secs(ttl / 2);
        seen.listed.is_none_or(|listed| ttl.is_some_and(|ttl| listed.elapsed() >= half(ttl)))
    }

    /// The partition is listed now.
    pub(crate) fn listed(&mut self, table: Table, key: &PartitionKey) {
        if let Some(seen) = self.seen.get_mut(&(table, key.clone())) {
            seen.listed = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_listed_once_and_again_before_its_entry_goes() {
        let mut partitions = Partitions::default();
        let key = PartitionKey { bucket: 0, key: "a".into() };
        assert!(partitions.count(Table::ProcessedData, &key, 1, 100, None));
        assert!(partitions.count(Table::ProcessedData, &key, 1, 100, None), "not listed yet");
        partitions.listed(Table::ProcessedData, &key);
        assert!(!partitions.count(Table::ProcessedData, &key, 1, 100, Some(3600)));
        assert!(partitions.count(Table::ProcessedData, &key, 1, 100, Some(0)));
        assert!(partitions.count(Table::Anomalies, &key, 1, 100, None));
    }
}
