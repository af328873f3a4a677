//! What a lake says of itself: which stream, which tables, which columns, so that a query needs no definition.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};
use sink::Table;

use crate::{Format, LakeError};

/// The layout of the file.
const VERSION: u32 = 1;
const FILE: &str = "_beamline/lake.json";

/// What a lake says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    version: u32,
    /// What its tables are.
    pub format: Format,
    /// The stream's name.
    pub stream: String,
    /// The column with the event's time, in the tables that have it.
    pub time: String,
    /// Columns by table.
    tables: BTreeMap<Table, Vec<Column>>,
    /// The results of windows, where there are any. They are not among the tables, since programs of before do not know
    /// that their rows take the place of earlier ones, and would show each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aggregates: Option<Aggregates>,
}

/// A column: its name, its Arrow type, and whether it can be null.
type Column = (String, String, bool);

/// The table of the results of windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Aggregates {
    columns: Vec<Column>,
    /// What each aggregate has of them, between the ends of the window and whether it is final.
    each: BTreeMap<String, Vec<String>>,
}

impl Descriptor {
    /// The descriptor of a lake with these tables.
    pub fn new(format: Format, stream: &str, time: &str, tables: &[(Table, SchemaRef)]) -> Self {
        let columns = |schema: &SchemaRef| {
            let column =
                |field: &Arc<Field>| (field.name().clone(), field.data_type().to_string(), field.is_nullable());
            schema.fields().iter().map(column).collect()
        };
        let mut tables: BTreeMap<Table, Vec<Column>> =
            tables.iter().map(|(table, schema)| (*table, columns(schema))).collect();
        let aggregates = tables.remove(&Table::Aggregates);
        let aggregates = aggregates.map(|columns| Aggregates { columns, each: BTreeMap::new() });
        Self { version: VERSION, format, stream: stream.to_owned(), time: time.to_owned(), tables, aggregates }
    }

    /// Names the aggregates and their columns.
    pub(crate) fn name_aggregates(&mut self, columns: BTreeMap<String, Vec<String>>) {
        if let Some(aggregates) = &mut self.aggregates {
            aggregates.each = columns;
        }
    }

    /// Each aggregate with its own columns.
    pub fn aggregates(&self) -> BTreeMap<String, Vec<String>> {
        self.aggregates.as_ref().map(|aggregates| aggregates.each.clone()).unwrap_or_default()
    }

    /// The tables with their schemas.
    ///
    /// # Errors
    /// Where a type is unknown to this program.
    pub fn tables(&self) -> Result<Vec<(Table, SchemaRef)>, LakeError> {
        let schema = |table: Table, columns: &[Column]| {
            let fields = columns.iter().map(|(name, data_type, nullable)| {
                let unknown =
                    || LakeError::rows(table.name(), format!("column {name} has the unknown type {data_type}"));
                Ok(Field::new(name, data_type.parse::<DataType>().map_err(|_| unknown())?, *nullable))
            });
            Ok((table, Arc::new(Schema::new(fields.collect::<Result<Vec<_>, LakeError>>()?))))
        };
        let aggregates = self.aggregates.iter().map(|aggregates| (Table::Aggregates, &aggregates.columns));
        let tables = self.tables.iter().map(|(table, columns)| (*table, columns)).chain(aggregates);
        tables.map(|(table, columns)| schema(table, columns)).collect()
    }

    /// The descriptor of a lake that is there.
    ///
    /// # Errors
    /// `Missing` where there is none.
    pub async fn read(store: &dyn ObjectStore, lake: &Path) -> Result<Self, LakeError> {
        let path = path(lake);
        let found = match store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Err(LakeError::Missing { path: lake.to_string() }),
            found => found.map_err(LakeError::store(format!("reading {path}")))?,
        };
        let bytes = found.bytes().await.map_err(LakeError::store(format!("reading {path}")))?;
        let descriptor: Self = serde_json::from_slice(&bytes).map_err(|error| LakeError::rows(path.as_ref(), error))?;
        if descriptor.version > VERSION {
            let message = format!("it has version {}; use a newer program", descriptor.version);
            return Err(LakeError::rows(path.as_ref(), message));
        }
        Ok(descriptor)
    }

    /// Why a lake that is there cannot be gone on with, if so.
    pub(crate) fn refusal(&self, there: &Self) -> Option<String> {
        (there.stream != self.stream || there.format != self.format).then(|| {
            format!(
                "it holds the stream {} as {:?}; choose another place for {} as {:?}",
                there.stream, there.format, self.stream, self.format
            )
        })
    }

    /// Whether it is there as it is.
    ///
    /// # Errors
    /// Where the lake holds another stream or has another format.
    pub(crate) async fn is_there(&self, store: &dyn ObjectStore, lake: &Path) -> Result<bool, LakeError> {
        match Self::read(store, lake).await {
            Ok(before) => match self.refusal(&before) {
                Some(message) => Err(LakeError::rows(lake.as_ref(), message)),
                None => Ok(before == *self),
            },
            Err(LakeError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes it.
    pub(crate) async fn write(&self, store: &dyn ObjectStore, lake: &Path) -> Result<(), LakeError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| LakeError::rows(FILE, error))?;
        store.put(&path(lake), bytes.into()).await.map_err(LakeError::store(format!("writing {FILE}")))?;
        Ok(())
    }
}

fn path(lake: &Path) -> Path {
    FILE.split('/').fold(lake.clone(), |path, part| path.join(part))
}
