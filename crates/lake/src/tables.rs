//! What a reader sees of a lake: its tables and their files.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use object_store::{ObjectStore, path::Path};
use sink::{StoredProbe, Table};

use crate::{
    Descriptor, Format, LakeError, Location, delta,
    delta_table::{self, load_table},
    log::{Log, Places},
    versions::Versions,
};

/// A lake as it is now.
#[derive(Debug)]
pub struct Lake {
    /// The stream's name.
    pub stream: String,
    /// What its files are; those of Delta tables are Parquet.
    pub format: Format,
    /// Its tables.
    pub tables: Vec<LakeTable>,
    /// Each aggregate with its own columns.
    pub aggregates: BTreeMap<String, Vec<String>>,
    /// The newest probe of each partition.
    pub probes: BTreeMap<u32, StoredProbe>,
    /// Where its files are.
    pub store: Arc<dyn ObjectStore>,
}

/// A table of a lake.
#[derive(Debug)]
pub struct LakeTable {
    /// The table as queries call it.
    pub table: Table,
    /// Its columns.
    pub schema: SchemaRef,
    /// The columns that its files have beside them, where rows take the place of earlier ones.
    pub versions: Option<Versions>,
    /// Its files, as paths from the root of the store.
    pub files: Vec<Path>,
}

impl Lake {
    /// Looks at a lake.
    ///
    /// # Errors
    /// `Missing` where there is none.
    pub async fn open(location: &Location) -> Result<Self, LakeError> {
        let (store, path) = location.open()?;
        let descriptor = Descriptor::read(&store, &path).await?;
        let (mut tables, mut probes) = (Vec::new(), BTreeMap::new());
        let described = descriptor.tables()?;
        let names: Vec<&str> = described.iter().map(|(table, _)| table.name()).collect();
        let places = match descriptor.format {
            Format::Parquet | Format::Orc => {
                probes = Log::open(&store, &path).await?.last().probes.clone();
                Places::open(&store, &path, &names).await?
            }
            Format::Delta => Places::default(),
        };
        for (table, schema) in described {
            let folder = path.clone().join(table.name());
            let files = match descriptor.format {
                Format::Parquet | Format::Orc => places.of(table.name()).map(|(_, (path, _))| path.clone()).collect(),
                Format::Delta => {
                    let loaded = load_table(location, &store, table).await?;
                    if table == Table::ProcessedData {
                        probes = delta::probes(&loaded).await?;
                    }
                    let snapshot = loaded.snapshot().map_err(|error| delta_table::delta("reading the log", &error))?;
                    let within = |path: &Path| path.parts().fold(folder.clone(), |folder, part| folder.join(part));
                    snapshot.log_data().iter().map(|file| within(&file.object_store_path())).collect()
                }
            };
            tables.push(LakeTable { table, versions: Versions::of(table, &schema), schema, files });
        }
        let (aggregates, format) = (descriptor.aggregates(), descriptor.format);
        Ok(Self { stream: descriptor.stream, format, tables, aggregates, probes, store })
    }
}
