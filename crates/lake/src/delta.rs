//! The sink for Delta Lake tables: rows and the positions they were read at, in one commit.
//!
//! Each topic and partition is an *application* in the sense of Delta's protocol, and its version is the first
//! position not stored yet. A commit holds the new files and the new versions; one that somebody else has overtaken
//! conflicts, looks at the versions again and leaves out what is stored by now. So every row is in the table once,
//! whoever crashes and however often a batch comes again, and Spark, Trino, DuckDB, Polars and pandas see it so.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{Field, Schema, SchemaRef},
};
use deltalake_core::{
    DeltaTable, DeltaTableError,
    kernel::{StructType, Transaction, engine::arrow_conversion::TryIntoKernel, transaction::CommitProperties},
    protocol::SaveMode,
    writer::{DeltaWriter, RecordBatchWriter},
};
use futures::TryStreamExt;
use object_store::ObjectStore;
use serde_json::json;
use sink::{Batch, Positions, Sink, SinkError, StoredProbe, Table};
use tokio::runtime::Runtime;

use crate::{
    Descriptor, Format, LakeError, Location,
    delta_table::{ATTEMPTS_MAX, delta, is_overtaken, load_table, unopened},
    layout::Layout,
    shape,
    versions::free,
    widen, write,
};

const NAME: &str = "delta";
/// What the column of the hour is called, which partitions a table with times.
const HOUR: &str = "event_hour";
const APPLICATION: &str = "beamline";
/// What a commit says of itself: the newest probe of each partition.
const PROBES: &str = "beamlineProbes";
/// How many commits are looked at to find the newest probes.
const PROBED_COMMITS_MAX: usize = 32;

/// Of how many commits one deletes what has expired of the log: for that all of it is listed, which may be a million
/// files. The library would list it in each.
const COMMITS_A_CLEANING: u64 = 100;

/// Rows into Delta Lake tables.
pub struct DeltaSink {
    location: Location,
    descriptor: Descriptor,
    /// The topic that fills each table.
    topics: BTreeMap<Table, String>,
    layouts: BTreeMap<Table, Layout>,
    runtime: Runtime,
    tables: BTreeMap<Table, Opened>,
    partitions: u32,
}

/// A table that is there, and what is written into it.
struct Opened {
    table: DeltaTable,
    layout: Layout,
}

impl DeltaSink {
    /// A sink for these tables, each filled from a topic with so many partitions. It looks at the lake when it is
    /// first asked.
    ///
    /// # Errors
    /// Where its threads cannot be started or Delta has no type for a column.
    pub fn new(
        location: Location,
        stream: &str,
        time: &str,
        tables: &[(Table, String, SchemaRef)],
        partitions: u32,
    ) -> Result<Self, LakeError> {
        let described: Vec<(Table, SchemaRef)> =
            tables.iter().map(|(table, _, schema)| (*table, schema.clone())).collect();
        let layouts =
            described.iter().map(|(table, schema)| Ok((*table, Layout::new(*table, schema, time).in_delta()?)));
        Ok(Self {
            descriptor: Descriptor::new(Format::Delta, stream, time, &described),
            topics: tables.iter().map(|(table, topic, _)| (*table, topic.clone())).collect(),
            layouts: layouts.collect::<Result<_, LakeError>>()?,
            runtime: write::runtime()?,
            tables: BTreeMap::new(),
            location,
            partitions,
        })
    }

    /// The same, which tells queries of each aggregate as a table of these columns.
    pub fn with_aggregates(mut self, columns: BTreeMap<String, Vec<String>>) -> Self {
        self.descriptor.name_aggregates(columns);
        self
    }

    /// Opens all tables, and makes those that are missing.
    fn open(&mut self) -> Result<(), LakeError> {
        if self.tables.len() == self.layouts.len() {
            return Ok(());
        }
        let Self { location, descriptor, layouts, runtime, tables, .. } = self;
        runtime.block_on(async {
            let (store, path) = location.open()?;
            let there = descriptor.is_there(&store, &path).await?;
            for (table, layout) in layouts.iter() {
                tables.insert(*table, open_table(location, &store, *table, layout).await?);
            }
            // Behind the tables: what it names is there.
            if there { Ok(()) } else { descriptor.write(&store, &path).await }
        })
    }
}

impl Sink for DeltaSink {
    fn positions(&mut self) -> Result<Positions, SinkError> {
        self.open().map_err(|error| write::failed(NAME, &error, None))?;
        let Self { runtime, tables, topics, partitions, .. } = self;
        let mut positions = BTreeMap::new();
        for (name, Opened { table, .. }) in tables {
            let Some(topic) = topics.get(name) else { continue };
            let stored = runtime.block_on(async {
                table.update_state().await.map_err(|error| delta("reading the log", &error))?;
                let mut stored = BTreeMap::new();
                for partition in 0..*partitions {
                    if let Some(next) = version(table, topic, partition).await? {
                        stored.insert((topic.clone(), partition), next);
                    }
                }
                Ok(stored)
            });
            positions.extend(stored.map_err(|error: LakeError| write::failed(NAME, &error, None))?);
        }
        Ok(Positions { kept: positions, ..Positions::default() })
    }

    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        self.open().map_err(|error| write::failed(NAME, &error, None))?;
        let mut of: BTreeMap<Table, Vec<Batch>> = BTreeMap::new();
        for batch in write::merged(batches)? {
            of.entry(batch.table).or_default().push(batch);
        }
        for (name, batches) in of {
            let Some(opened) = self.tables.get_mut(&name) else {
                return Err(write::no_table(NAME, name));
            };
            let written = self.runtime.block_on(append(opened, &batches));
            written.map_err(|error| write::failed(NAME, &error, batches.first()))?;
        }
        Ok(())
    }

    fn name(&self) -> &str {
        NAME
    }
}

async fn open_table(
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    name: Table,
    layout: &Layout,
) -> Result<Opened, LakeError> {
    let failed = |error: DeltaTableError| delta(&format!("making {name}"), &error);
    let table = unopened(location, store, name)?;
    let exists = table.verify_deltatable_existence().await.map_err(failed)?;
    if !exists {
        let whole = with_hour_field(&layout.columns, &layout.time);
        let columns: StructType =
            whole.as_ref().try_into_kernel().map_err(|error| LakeError::rows(name.name(), error))?;
        let mut create = table
            .create()
            .with_save_mode(SaveMode::Ignore)
            .with_table_name(name.name())
            .with_columns(columns.fields().cloned());
        if let Some(hour) = hour_column(&layout.columns, &layout.time) {
            create = create.with_partition_columns([hour]);
        }
        create.await.map_err(failed)?;
    }
    let table = load_table(location, store, name).await?;
    let table = widen::widen(table, location, store, name, &layout.columns).await?;
    let there = columns(&table, layout)?;
    let layout = layout.clone().beside(&there);
    Ok(Opened { table, layout })
}

/// The columns of a table as its files have them.
pub(crate) fn columns(table: &DeltaTable, layout: &Layout) -> Result<SchemaRef, LakeError> {
    let failed = |error: DeltaTableError| delta("reading the log", &error);
    let there = RecordBatchWriter::for_table(table).map_err(failed)?.arrow_schema();
    let hour = hour_column(&layout.columns, &layout.time);
    let fields = there.fields().iter().filter(|field| Some(field.name()) != hour.as_ref());
    Ok(Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>())))
}

/// Adds the rows that are not stored yet.
async fn append(Opened { table, layout }: &mut Opened, batches: &[Batch]) -> Result<(), LakeError> {
    let mut attempt = 1;
    loop {
        let (mut transactions, mut probes) = (Vec::new(), serde_json::Map::new());
        let mut writer = RecordBatchWriter::for_table(table)
            .map_err(|error| delta("writing rows", &error))?
            .with_writer_properties(shape::properties()?);
        for batch in batches {
            let stored = version(table, &batch.topic, batch.partition).await?.unwrap_or(0);
            let batch = batch.from(stored);
            if batch.is_empty() {
                continue;
            }
            let probed = StoredProbe::newest(std::slice::from_ref(&batch), write::now());
            probes.extend(probed.into_iter().map(|(partition, probe)| (partition.to_string(), json!(probe))));
            if batch.rows.num_rows() > 0 {
                for (hour, rows) in layout.by_hour(&batch)? {
                    let rows = with_hour(rows, hour.as_deref(), &layout.time)?;
                    writer.write(rows).await.map_err(|error| delta("writing rows", &error))?;
                }
            }
            let next = i64::try_from(batch.next).unwrap_or(i64::MAX);
            transactions.push(Transaction::new(application(&batch.topic, batch.partition), next));
        }
        if transactions.is_empty() {
            return Ok(());
        }
        let version = table.version().unwrap_or_default();
        let mut properties = CommitProperties::default()
            .with_application_transactions(transactions)
            .with_cleanup_expired_logs(Some(version.is_multiple_of(COMMITS_A_CLEANING)));
        if !probes.is_empty() {
            properties = properties.with_metadata([(PROBES.to_owned(), probes.into())]);
        }
        let committed = writer.with_commit_properties(properties).flush_and_commit(table).await;
        match committed {
            Ok(_) => return Ok(()),
            Err(error) if attempt < ATTEMPTS_MAX && is_overtaken(&error) => {
                attempt += 1;
                table.update_state().await.map_err(|error| delta("reading the log", &error))?;
            }
            Err(error) => {
                // Whether the commit has come about is in the log, and the next write begins with it.
                let _ = table.update_state().await;
                return Err(delta("committing rows", &error));
            }
        }
    }
}

/// The first position of a partition that is not stored.
async fn version(table: &DeltaTable, topic: &str, partition: u32) -> Result<Option<u64>, LakeError> {
    let failed = |error: DeltaTableError| delta("reading the log", &error);
    let snapshot = table.snapshot().map_err(failed)?;
    let version = snapshot.transaction_version(table.log_store().as_ref(), application(topic, partition)).await;
    Ok(version.map_err(failed)?.and_then(|version| u64::try_from(version).ok()))
}

/// The newest probe of each partition, from the table's last commits.
pub(crate) async fn probes(table: &DeltaTable) -> Result<BTreeMap<u32, StoredProbe>, LakeError> {
    let failed = |error: DeltaTableError| delta("reading the log", &error);
    let commits: Vec<_> = table.history(Some(PROBED_COMMITS_MAX)).try_collect().await.map_err(failed)?;
    let mut newest: BTreeMap<u32, StoredProbe> = BTreeMap::new();
    for found in commits.into_iter().filter_map(|commit| commit.info.get(PROBES).cloned()) {
        // What cannot be read was written by a later version.
        let found: BTreeMap<u32, StoredProbe> = serde_json::from_value(found).unwrap_or_default();
        for (partition, probe) in found {
            let known = newest.entry(partition).or_insert(probe);
            if known.sent < probe.sent {
                *known = probe;
            }
        }
    }
    Ok(newest)
}

fn application(topic: &str, partition: u32) -> String {
    format!("{APPLICATION}/{topic}/{partition}")
}

/// The name of the column that partitions the table; `None` where it has no time.
pub(crate) fn hour_column(schema: &Schema, time: &str) -> Option<String> {
    schema.index_of(time).ok().map(|_| free(schema, HOUR))
}

fn with_hour_field(schema: &SchemaRef, time: &str) -> SchemaRef {
    let Some(hour) = hour_column(schema, time) else { return schema.clone() };
    let hour = Arc::new(Field::new(hour, arrow::datatypes::DataType::Utf8, true));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain([hour]).collect::<Vec<_>>()))
}

pub(crate) fn with_hour(rows: RecordBatch, hour: Option<&str>, time: &str) -> Result<RecordBatch, LakeError> {
    let Some(hour) = hour else { return Ok(rows) };
    let value = (hour != shape::NO_TIME).then_some(hour);
    let hours: ArrayRef = Arc::new(std::iter::repeat_n(value, rows.num_rows()).collect::<StringArray>());
    let columns = rows.columns().iter().cloned().chain([hours]).collect();
    RecordBatch::try_new(with_hour_field(&rows.schema(), time), columns).map_err(|error| LakeError::rows(HOUR, error))
}
