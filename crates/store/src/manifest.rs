//! What is committed: the list of a stream's result files, with what a reader must know to query them.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::Table;

/// The layout of the manifest.
pub const MANIFEST_VERSION: u32 = 1;

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
    /// The files, by path.
    pub files: Vec<FileEntry>,
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
            files: Vec::new(),
        }
    }

    /// The schema of `table`; `None` where the stream has no such table or the manifest's types are not known.
    pub fn schema(&self, table: Table) -> Option<SchemaRef> {
        let fields: Option<Vec<Field>> = self.schemas.get(&table)?.iter().map(Column::field).collect();
        fields.map(|fields| SchemaRef::new(Schema::new(fields)))
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
