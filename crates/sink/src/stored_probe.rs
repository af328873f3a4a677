//! The newest probes that a store has.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use serde::{Deserialize, Serialize};

use crate::{Batch, Probe};

/// The newest probe of a partition that a store has: everything that stood before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProbe {
    /// Its number among those of its partition.
    pub sequence: u64,
    /// When it was sent, in milliseconds since 1970, by the clock of the generator.
    pub sent: i64,
    /// When it was stored, by the clock of the writer.
    pub stored: i64,
}

impl StoredProbe {
    /// The newest probe of each partition among rows that are stored at this time.
    pub fn newest(batches: &[Batch], stored: i64) -> BTreeMap<u32, Self> {
        let probes = batches.iter().flat_map(|batch| batch.probes.iter().map(|probe| (batch.partition, probe)));
        let mut newest: BTreeMap<u32, &Probe> = BTreeMap::new();
        for (partition, probe) in probes {
            let known = newest.entry(partition).or_insert(probe);
            if known.position < probe.position {
                *known = probe;
            }
        }
        let of = |probe: &Probe| Self { sequence: probe.sequence, sent: probe.sent, stored };
        newest.into_iter().map(|(partition, probe)| (partition, of(probe))).collect()
    }

    /// The table of streams' newest probes, a row for each partition.
    ///
    /// # Errors
    /// Never: its columns have one length.
    pub fn table(probes: &[(String, u32, Self)]) -> Result<RecordBatch, ArrowError> {
        let time = |of: fn(&Self) -> i64| -> ArrayRef {
            let times = probes.iter().map(|(_, _, probe)| of(probe).saturating_mul(1000));
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
        };
        let age = |probe: &Self| (probe.stored - probe.sent).max(0);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(probes.iter().map(|(stream, _, _)| stream))),
            Arc::new(UInt32Array::from_iter_values(probes.iter().map(|(_, partition, _)| *partition))),
            Arc::new(Int64Array::from_iter_values(probes.iter().map(|(_, _, probe)| probe.sequence as i64))),
            time(|probe| probe.sent),
            time(|probe| probe.stored),
            Arc::new(Int64Array::from_iter_values(probes.iter().map(|(_, _, probe)| age(probe)))),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let field = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), false);
    Arc::new(Schema::new(vec![
        field("stream", &DataType::Utf8),
        field("partition", &DataType::UInt32),
        field("sequence", &DataType::Int64),
        field("sent_at", &time),
        field("stored_at", &time),
        field("age_ms", &DataType::Int64),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_partition_and_no_age_below_nothing() {
        let probe = |sent| StoredProbe { sequence: 3, sent, stored: 1_000 };
        let rows = StoredProbe::table(&[("s".into(), 0, probe(400)), ("s".into(), 1, probe(1_200))]).unwrap();
        let ages = rows.column_by_name("age_ms").unwrap();
        assert_eq!(**ages, Int64Array::from(vec![600, 0]));
    }
}
