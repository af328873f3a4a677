//! The sink for plain Parquet and ORC files.
//!
//! Rows are staged where no tool looks, committed together with their positions in the [log](crate::log), and moved into
//! place. A commit that somebody else was first with is tried again without the rows that are stored by then, so every
//! row is in the lake once, whoever crashes, is paused or comes back. No name is used twice: nothing is ever overwritten.

mod earlier;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use sink::{Batch, Positions, Sink, SinkError, StoredProbe, Table, TopicPartition};
use tokio::{runtime::Runtime, task};

use crate::{
    Descriptor, Format, LakeError, Location,
    layout::Layout,
    log::{Committed, Entry, Log, Move, flat, staged},
    names, shape, sweep, write,
};

/// How many files are written at once.
const WRITES_AT_ONCE: usize = 8;
/// How often a commit is tried again that somebody else was first with.
const ATTEMPTS_MAX: usize = 64;

/// Rows into Parquet or ORC files.
pub struct FileSink {
    location: Location,
    descriptor: Descriptor,
    layouts: BTreeMap<Table, Layout>,
    runtime: Runtime,
    lake: Option<OpenLake>,
}

/// A lake that has been looked at.
struct OpenLake {
    store: Arc<dyn ObjectStore>,
    path: Path,
    format: Format,
    log: Log,
    /// Partitions of which no files of the first version lie beyond the position.
    begun: BTreeSet<(Table, TopicPartition)>,
    /// Whether the last commit may have come about unseen.
    unsure: bool,
}

impl FileSink {
    /// A sink for these tables. It looks at the lake when it is first asked.
    ///
    /// # Errors
    /// Where its threads cannot be started, or files of the format have no type for a column.
    pub fn new(
        location: Location,
        format: Format,
        stream: &str,
        time: &str,
        tables: &[(Table, SchemaRef)],
    ) -> Result<Self, LakeError> {
        match format {
            Format::Orc => {
                for (table, schema) in tables {
                    orc::Layout::new(schema, &[]).map_err(|error| LakeError::rows(table.name(), error))?;
                }
            }
            // These have a type for each column.
            Format::Parquet | Format::Delta => {}
        }
        let descriptor = Descriptor::new(format, stream, time, tables);
        let layouts =
            descriptor.tables()?.into_iter().map(|(table, schema)| (table, Layout::new(table, &schema, time)));
        Ok(Self { layouts: layouts.collect(), descriptor, location, runtime: write::runtime()?, lake: None })
    }

    /// The same, which tells queries of each aggregate as a table of these columns.
    pub fn with_aggregates(mut self, columns: BTreeMap<String, Vec<String>>) -> Self {
        self.descriptor.name_aggregates(columns);
        self
    }

    /// Does something with the lake, which is opened first.
    fn with<T>(
        &mut self,
        batch: Option<&Batch>,
        act: impl AsyncFnOnce(&mut OpenLake, &BTreeMap<Table, Layout>) -> Result<T, LakeError>,
    ) -> Result<T, SinkError> {
        let Self { location, descriptor, layouts, runtime, lake } = self;
        let done = runtime.block_on(async {
            let lake = match lake {
                Some(lake) => lake,
                None => lake.insert(OpenLake::open(location, descriptor, layouts).await?),
            };
            act(lake, layouts).await
        });
        done.map_err(|error| write::failed(descriptor.format.name(), &error, batch))
    }
}

impl Sink for FileSink {
    fn positions(&mut self) -> Result<Positions, SinkError> {
        self.with(None, async |lake, _| {
            lake.log.catch_up().await?;
            lake.unsure = false;
            // Whoever had the partitions meanwhile may have been of the first version.
            lake.begun.clear();
            let last = lake.log.last();
            Ok(Positions { kept: flat(&last.positions), found: flat(&last.found) })
        })
    }

    fn write(&mut self, batches: Vec<Batch>) -> Result<(), SinkError> {
        let batches = write::merged(batches)?;
        if let Some(batch) = batches.iter().find(|batch| !self.layouts.contains_key(&batch.table)) {
            return Err(write::no_table(self.name(), batch.table));
        }
        self.with(batches.first(), async |lake, layouts| lake.store_rows(&batches, layouts).await)
    }

    fn name(&self) -> &str {
        self.descriptor.format.name()
    }
}

impl OpenLake {
    async fn open(
        location: &Location,
        descriptor: &Descriptor,
        layouts: &BTreeMap<Table, Layout>,
    ) -> Result<Self, LakeError> {
        let (store, path) = location.open()?;
        if !descriptor.is_there(&store, &path).await? {
            descriptor.write(&store, &path).await?;
        }
        let mut log = Log::open(&store, &path).await?;
        if log.number() == 0 {
            earlier::begin(&mut log, &store, &path, layouts.keys().copied()).await?;
        }
        log.settle().await?;
        sweep::sweep(&mut log, &store, &path).await?;
        Ok(Self { store, path, format: descriptor.format, log, begun: BTreeSet::new(), unsure: false })
    }

    /// Stages rows, commits them and moves them into place.
    async fn store_rows(&mut self, batches: &[Batch], layouts: &BTreeMap<Table, Layout>) -> Result<(), LakeError> {
        if self.unsure {
            self.log.catch_up().await?;
        }
        self.unsure = true;
        self.log.settle().await?;
        earlier::clear(&self.log, &self.store, &self.path, batches, &mut self.begun).await?;
        let mut staged = None;
        for _ in 0..ATTEMPTS_MAX {
            let files = match staged.take() {
                Some(files) => files,
                None => self.stage(batches, layouts).await?,
            };
            if files.is_empty() && !self.has_news(batches) {
                self.unsure = false;
                return Ok(());
            }
            let entry = self.entry(&files, batches);
            match self.log.commit(entry).await? {
                Committed::Done => {
                    self.unsure = false;
                    return self.log.settle().await;
                }
                Committed::Overtaken(others) if files.still_hold(&others, batches) => staged = Some(files),
                Committed::Overtaken(_) => self.discard(&files).await,
            }
        }
        Err(LakeError::Busy { attempts: ATTEMPTS_MAX })
    }

    /// The commit of staged files.
    fn entry(&self, files: &Staged, batches: &[Batch]) -> Entry {
        let mut entry = self.log.next(files.id.clone());
        for batch in batches {
            let stored = entry.position(&batch.topic, batch.partition).unwrap_or(0);
            entry.set_position(&batch.topic, batch.partition, batch.next.max(stored));
        }
        let new: Vec<Batch> = batches.iter().map(|batch| self.unstored(batch)).collect();
        entry.probes.extend(StoredProbe::newest(&new, write::now()));
        if !files.is_empty() {
            entry.moves.push(Move { id: files.id.clone(), add: files.files.clone(), remove: Vec::new() });
        }
        entry
    }

    /// What is not stored yet of a batch.
    fn unstored(&self, batch: &Batch) -> Batch {
        batch.from(self.log.last().position(&batch.topic, batch.partition).unwrap_or(0))
    }

    /// Whether there are probes that are not stored yet.
    fn has_news(&self, batches: &[Batch]) -> bool {
        batches.iter().any(|batch| !self.unstored(batch).is_empty())
    }

    /// Writes the rows that are not stored yet where no tool looks for them.
    async fn stage(&self, batches: &[Batch], layouts: &BTreeMap<Table, Layout>) -> Result<Staged, LakeError> {
        let id = names::attempt()?;
        let mut files = Vec::new();
        for batch in batches {
            let batch = self.unstored(batch);
            let Some(layout) = layouts.get(&batch.table).filter(|_| batch.rows.num_rows() > 0) else { continue };
            let hours = layout.by_hour(&batch)?;
            files.extend(
                hours.into_iter().map(|(hour, rows)| (names::file(&batch, hour.as_deref(), &id, self.format), rows)),
            );
        }
        let writes = files.into_iter().map(|(file, rows)| async move {
            let path = staged(&self.path, &file);
            // On a thread of its own, so that several files are encoded side by side.
            let format = self.format;
            let encoding = task::spawn_blocking(move || shape::encoded(&rows, format));
            let bytes = encoding.await.map_err(|error| LakeError::rows(&file, error))??;
            self.store.put(&path, bytes.into()).await.map_err(LakeError::store(format!("writing {path}")))?;
            Ok::<_, LakeError>(file)
        });
        let files = stream::iter(writes).buffered(WRITES_AT_ONCE).try_collect().await?;
        Ok(Staged { id, files })
    }

    /// Deletes staged files that were not committed; what stays is swept one day.
    async fn discard(&self, files: &Staged) {
        for file in &files.files {
            if let Err(error) = self.store.delete(&staged(&self.path, file)).await {
                tracing::debug!(%error, file, "deleting a staged file");
            }
        }
    }
}

/// Files of one attempt that are not committed.
struct Staged {
    id: String,
    files: Vec<String>,
}

impl Staged {
    fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether they are what is to be committed, after what others did meanwhile.
    fn still_hold(&self, others: &[Entry], batches: &[Batch]) -> bool {
        let Some(last) = others.last() else { return true };
        let moved = batches
            .iter()
            .any(|batch| last.position(&batch.topic, batch.partition).is_some_and(|next| next > batch.first()));
        !moved && !others.iter().any(|other| other.swept.contains(&self.id))
    }
}

#[cfg(test)]
mod tests;
