//! What is committed: the list of a stream's result files, with what a reader must know to query them.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::Table;

/// The layout of the manifest. Version 1 had no log beside it.
pub const MANIFEST_VERSION: u32 = 2;

/// What is committed of a stream's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout of this file.
    pub version: u32,
    /// The stream's name.
    pub stream: String,
    /// The fingerprint of its definition.
    pub fingerprint: String,
    /// The column that identifies an event.
    pub id: String,
    /// Every record before this position is committed.
    pub position: u64,
    /// Whether the source came to its end.
    pub finished: bool,
    /// The account of the run, opaque here.
    pub ledger: serde_json::Value,
    /// The columns of each table, those without a row as well.
    pub schemas: BTreeMap<Table, Vec<Column>>,
    /// The columns of each aggregate, those of its groups first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregates: BTreeMap<String, Vec<String>>,
    /// What retention has dropped of each table so far: it is in the ledger, and in no file any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<Table, Dropped>,
    /// The files, by path.
    pub files: Vec<FileEntry>,
}

/// What one commit changes of a manifest: a record of its log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Every record before this position is committed.
    pub position: u64,
    /// Whether the source came to its end.
    pub finished: bool,
    /// The account of the run, opaque here.
    pub ledger: serde_json::Value,
    /// What retention has dropped of each table so far.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<Table, Dropped>,
    /// The paths of files that are no longer listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Files that are listed from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<FileEntry>,
}

/// What retention has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// How many files.
    pub files: u64,
    /// How many rows were in them.
    pub rows: u64,
}

/// A column of a table, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its Arrow type, as Arrow writes types.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it can be null.
    pub nullable: bool,
}

impl Manifest {
    /// The manifest of a stream with nothing committed yet.
    pub fn new(
        stream: &str,
        fingerprint: &str,
        id: &str,
        schemas: impl IntoIterator<Item = (Table, SchemaRef)>,
    ) -> Self {
        let columns = |schema: &SchemaRef| schema.fields().iter().map(|field| Column::of(field)).collect();
        Self {
            version: MANIFEST_VERSION,
            stream: stream.to_owned(),
            fingerprint: fingerprint.to_owned(),
            id: id.to_owned(),
            position: 0,
            finished: false,
            ledger: serde_json::Value::Null,
            schemas: schemas.into_iter().map(|(table, schema)| (table, columns(&schema))).collect(),
            aggregates: BTreeMap::new(),
            dropped: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// The schema of `table`; `None` where the stream has no such table or the manifest's types are not known.
    pub fn schema(&self, table: Table) -> Option<SchemaRef> {
        let fields: Option<Vec<Field>> = self.schemas.get(&table)?.iter().map(Column::field).collect();
        fields.map(|fields| SchemaRef::new(Schema::new(fields)))
    }

    /// Makes changes in their order.
    pub(crate) fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        let mut files: BTreeMap<String, FileEntry> =
            self.files.drain(..).map(|file| (file.path.clone(), file)).collect();
        for change in changes {
            (self.position, self.finished) = (change.position, change.finished);
            (self.ledger, self.dropped) = (change.ledger, change.dropped);
            change.removed.iter().for_each(|path| drop(files.remove(path)));
            files.extend(change.added.into_iter().map(|file| (file.path.clone(), file)));
        }
        self.files = files.into_values().collect();
    }

    /// How many rows of `table` retention has dropped.
    pub fn dropped_rows(&self, table: Table) -> u64 {
        self.dropped.get(&table).map_or(0, |dropped| dropped.rows)
    }

    /// The files of `table`.
    pub fn files_of(&self, table: Table) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(move |file| file.table == table)
    }
}

impl Column {
    fn of(field: &Field) -> Self {
        Self { name: field.name().clone(), data_type: field.data_type().to_string(), nullable: field.is_nullable() }
    }

    fn field(&self) -> Option<Field> {
        let data_type: DataType = self.data_type.parse().ok()?;
        Some(Field::new(&self.name, data_type, self.nullable))
    }
}

/// A finished result file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The table it belongs to.
    pub table: Table,
    /// Where it is once it is published, relative to the results' folder, with `/` between folders.
    pub path: String,
    /// Where it is before, relative to the same.
    pub staged: String,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// The partition its rows are of.
    pub partition: u32,
    /// Where the commit that wrote it began.
    pub first_position: u64,
    /// Where the last commit began that a merged file holds rows of; the same as `first_position` for any other.
    pub last_position: u64,
    /// The earliest event time in it, in microseconds since 1970.
    pub time_min: Option<i64>,
    /// The latest event time in it, in microseconds since 1970.
    pub time_max: Option<i64>,
    /// When the last commit was that it holds rows of, in microseconds since 1970; files of older programs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<i64>,
}

impl FileEntry {
    /// The folder it is published in, relative to the results' folder.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// What [`crate::compact`] can merge it with: files of the same table, partition and folder; of a selection its
    /// files of all partitions, since a spreadsheet knows none.
    pub fn family(&self) -> String {
        match self.table {
            Table::Reports => format!("{}.{}", self.stem(), self.ending()),
            _ => format!("{}/{}.{}", self.folder(), self.stem(), self.ending()),
        }
    }

    /// What its name begins with, before the positions: `part-00003-` of a table, `anomalies_` of a selection.
    pub(crate) fn stem(&self) -> String {
        match self.table {
            Table::Reports => {
                let name = self.path.rsplit('/').next().unwrap_or_default();
                name.rsplit_once('_').map_or_else(String::new, |(selection, _)| format!("{selection}_"))
            }
            _ => format!("part-{:05}-", self.partition),
        }
    }

    pub(crate) fn ending(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, ending)| ending)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn schemas_come_back_from_text() {
        let item = || Arc::new(Field::new("item", DataType::Float64, true));
        let fields = vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("time", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Field::new("offset", DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into())), true),
            Field::new("price", DataType::Decimal128(18, 4), true),
            Field::new("hits", DataType::List(item()), true),
            Field::new("place", DataType::Struct(vec![Field::new("x, y", DataType::List(item()), false)].into()), true),
            Field::new("day", DataType::Date32, true),
            Field::new("clock", DataType::Time64(TimeUnit::Microsecond), true),
            Field::new("raw", DataType::FixedSizeBinary(16), true),
            Field::new("kind", DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()), true),
        ];
        let schema = SchemaRef::new(Schema::new(fields));
        let manifest = Manifest::new("s", "f", "id", [(Table::Late, schema.clone())]);
        let text = serde_json::to_string(&manifest).unwrap();
        let read: Manifest = serde_json::from_str(&text).unwrap();
        assert_eq!(read, manifest);
        assert_eq!(read.schema(Table::Late).unwrap(), schema);
        assert_eq!(read.schema(Table::Anomalies), None);
    }
}
