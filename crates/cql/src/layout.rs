//! How a table of a stream lies in CQL: its primary key, its buckets, its columns.
//!
//! Events lie in `((key, bucket), event_time, id)`, anomalies in `((bucket), event_time, id)` with the newest first,
//! dead letters in `((partition, bucket), position)`. Everything in a primary key follows from the row, so that a
//! repeat overwrites itself.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use arrow::datatypes::{Field, Schema, SchemaRef};
use sink::Table;
use stream::{Stream, columns};

use crate::{CqlError, kind::Kind};

/// Positions of dead letters in one partition: some of them are large.
const DEAD_LETTERS_A_BUCKET: i64 = 1_000;
const MILLIS: i64 = 1_000;
/// Event time of one partition of the aggregates: a day.
const AGGREGATES_BUCKET_MILLIS: i64 = 24 * 3600 * MILLIS;

/// How a table lies in CQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The stream's name.
    pub stream: String,
    /// The table as queries call it.
    pub table: Table,
    /// The table as CQL calls it.
    pub name: String,
    /// Its columns as queries see them.
    pub schema: SchemaRef,
    /// The column that leads the partition key; `None` where the bucket alone is one.
    pub key: Option<usize>,
    /// What the bucket and the first clustering column follow from.
    pub order: Order,
    /// The columns that tell rows of the same time apart.
    pub identity: Vec<usize>,
    /// Columns that may be null and tell rows apart all the same: together they are one more clustering column, as text.
    pub group: Vec<usize>,
    /// Seconds after which a row goes.
    pub ttl_seconds: Option<u64>,
}

/// What rows are ordered and bucketed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A column with the event's time, in buckets of so many milliseconds.
    Time {
        /// The column.
        column: usize,
        /// The width of a bucket.
        bucket_millis: i64,
        /// Whether the newest row comes first.
        newest_first: bool,
    },
    /// A whole number that goes up, in buckets of so many.
    Position {
        /// The column.
        column: usize,
        /// The width of a bucket.
        bucket: i64,
    },
}

/// A column of the CQL table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CqlColumn {
    pub(crate) name: String,
    pub(crate) cql: &'static str,
    pub(crate) source: Source,
}

/// Where the value of a CQL column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of the rows.
    Column(usize),
    /// The beginning of the bucket.
    Bucket,
    /// The event's time, in milliseconds.
    EventTime,
    /// The columns of the group, as one text.
    Group,
}

/// The columns of a CQL table by their role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CqlColumns {
    pub(crate) partition: Vec<CqlColumn>,
    pub(crate) clustering: Vec<CqlColumn>,
    pub(crate) regular: Vec<CqlColumn>,
}

impl CqlColumns {
    /// All of them, in the order of the primary key and then of the rows.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CqlColumn> {
        self.partition.iter().chain(&self.clustering).chain(&self.regular)
    }
}

impl Layout {
    /// The tables of `stream`.
    ///
    /// # Errors
    /// `Layout` where a column cannot be held, with every reason.
    pub fn of(stream: &Stream, dead_letters: &SchemaRef) -> Result<Vec<Layout>, CqlError> {
        let spec = &stream.definition.spec;
        let cql = &spec.store.cql;
        let base = cql.table.clone().unwrap_or_else(|| stream.name().replace('-', "_"));
        let ttl_seconds = cql.ttl.map(|ttl| ttl.0.as_secs());
        let column = |schema: &Schema, name: &str, table: &str| {
            schema.index_of(name).map_err(|_| layout(table, format!("there is no column `{name}`")))
        };
        let time_table = |table: Table, by_key: bool, bucket: Duration| -> Result<Layout, CqlError> {
            let name = if table == Table::ProcessedData { base.clone() } else { format!("{base}_{table}") };
            let schema = &if table == Table::Anomalies { stream.anomalies() } else { stream.scored.clone() };
            Ok(Layout {
                stream: stream.name().to_owned(),
                table,
                schema: plain(schema),
                key: if by_key { Some(column(schema, &spec.key, &name)?) } else { None },
                order: Order::Time {
                    column: column(schema, &spec.time, &name)?,
                    bucket_millis: i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX),
                    newest_first: !by_key,
                },
                identity: vec![column(schema, &spec.id, &name)?],
                group: Vec::new(),
                ttl_seconds,
                name,
            })
        };
        let mut tables = vec![time_table(Table::ProcessedData, true, cql.bucket.0)?];
        if spec.detect.is_some() {
            tables.push(time_table(Table::Anomalies, false, cql.anomalies_bucket.0)?);
        }
        tables.push(Self::of_dead_letters(stream.name(), &base, dead_letters, ttl_seconds)?);
        if !stream.aggregates.is_empty() {
            let name = format!("{base}_{}", Table::Late);
            let late = plain(&stream.aggregates.late);
            let mut layout = time_table(Table::Late, true, cql.bucket.0)?;
            layout.key = Some(column(&late, &spec.key, &name)?);
            layout.identity = vec![column(&late, &spec.id, &name)?, column(&late, columns::LATE_FOR, &name)?];
            if let Order::Time { column: time, .. } = &mut layout.order {
                *time = column(&late, &spec.time, &name)?;
            }
            layout.schema = late;
            tables.push(layout);
            tables.push(Self::of_aggregates(stream, &base, ttl_seconds)?);
        }
        tables.iter().try_for_each(Layout::check)?;
        Ok(tables)
    }

    fn of_aggregates(stream: &Stream, base: &str, ttl_seconds: Option<u64>) -> Result<Layout, CqlError> {
        let name = format!("{base}_{}", Table::Aggregates);
        let schema = plain(&stream.aggregates.schema);
        let column =
            |column: &str| schema.index_of(column).map_err(|_| layout(&name, format!("there is no column `{column}`")));
        let groups = stream.aggregates.list.iter().flat_map(|aggregate| aggregate.group_by.iter().map(String::as_str));
        let group: BTreeSet<usize> =
            std::iter::once(columns::WINDOW_END).chain(groups).map(column).collect::<Result<_, _>>()?;
        Ok(Layout {
            stream: stream.name().to_owned(),
            table: Table::Aggregates,
            key: Some(column(columns::AGGREGATE)?),
            order: Order::Time {
                column: column(columns::WINDOW_START)?,
                bucket_millis: AGGREGATES_BUCKET_MILLIS,
                newest_first: false,
            },
            identity: Vec::new(),
            group: group.into_iter().collect(),
            ttl_seconds,
            schema,
            name,
        })
    }

    fn of_dead_letters(
        stream: &str,
        base: &str,
        schema: &SchemaRef,
        ttl_seconds: Option<u64>,
    ) -> Result<Layout, CqlError> {
        let name = format!("{base}_{}", Table::DeadLetters);
        let column =
            |column: &str| schema.index_of(column).map_err(|_| layout(&name, format!("there is no column `{column}`")));
        Ok(Layout {
            stream: stream.to_owned(),
            table: Table::DeadLetters,
            schema: plain(schema),
            key: Some(column("partition")?),
            order: Order::Position {
                column: schema.index_of("position").or_else(|_| column("offset"))?,
                bucket: DEAD_LETTERS_A_BUCKET,
            },
            // Two topics may have dead letters at the same place.
            identity: schema.index_of("topic").into_iter().collect(),
            group: Vec::new(),
            ttl_seconds,
            name,
        })
    }

    /// Every column must have a CQL type, and those of the primary key one that can be in it.
    pub(crate) fn check(&self) -> Result<(), CqlError> {
        let mut reasons = Vec::new();
        let in_key: Vec<usize> = self.key.into_iter().chain(self.identity.iter().copied()).collect();
        for (index, field) in self.schema.fields().iter().enumerate() {
            match Kind::of(field.data_type()) {
                None => reasons.push(format!(
                    "column `{}` is {}, which CQL has no type for",
                    field.name(),
                    field.data_type()
                )),
                Some(kind) if in_key.contains(&index) && !kind.can_be_key() => {
                    reasons.push(format!(
                        "column `{}` is {}, which cannot be part of a key",
                        field.name(),
                        field.data_type()
                    ));
                }
                Some(_) => {}
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(layout(&self.name, reasons.join("; "))) }
    }

    /// The columns of the CQL table.
    pub(crate) fn columns(&self) -> CqlColumns {
        let fields = self.schema.fields();
        let taken: HashSet<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let free = |name: &str| {
            let mut name = name.to_owned();
            while taken.contains(name.as_str()) {
                name.push('_');
            }
            name
        };
        let of = |index: usize| CqlColumn {
            name: fields[index].name().clone(),
            cql: Kind::of(fields[index].data_type()).map_or("blob", Kind::cql),
            source: Source::Column(index),
        };
        let (bucket, first) = match self.order {
            Order::Time { column, .. } => {
                // A column that is a CQL timestamp orders the rows itself; any other has one beside it.
                let first = match Kind::of(fields[column].data_type()) {
                    Some(Kind::Timestamp) => CqlColumn { source: Source::EventTime, ..of(column) },
                    _ => CqlColumn { name: free("event_time"), cql: "timestamp", source: Source::EventTime },
                };
                (CqlColumn { name: free("bucket"), cql: "timestamp", source: Source::Bucket }, first)
            }
            Order::Position { column, .. } => {
                (CqlColumn { name: free("bucket"), cql: "bigint", source: Source::Bucket }, of(column))
            }
        };
        let partition: Vec<CqlColumn> = self.key.map(of).into_iter().chain([bucket]).collect();
        let group =
            (!self.group.is_empty()).then(|| CqlColumn { name: free("group_key"), cql: "text", source: Source::Group });
        let identity = self.identity.iter().copied().map(of);
        let clustering: Vec<CqlColumn> = std::iter::once(first).chain(identity).chain(group).collect();
        let in_key: HashSet<&str> = partition.iter().chain(&clustering).map(|column| column.name.as_str()).collect();
        let regular = (0..fields.len()).map(of).filter(|column| !in_key.contains(column.name.as_str())).collect();
        CqlColumns { partition, clustering, regular }
    }

    /// Where a bucket begins: milliseconds of a time, or a position.
    pub(crate) fn bucket_of(&self, order: i64) -> i64 {
        let width = self.order.width();
        order.div_euclid(width) * width
    }
}

impl Order {
    /// The column.
    pub fn column(self) -> usize {
        match self {
            Self::Time { column, .. } | Self::Position { column, .. } => column,
        }
    }

    /// The width of a bucket: milliseconds, or positions.
    pub(crate) fn width(self) -> i64 {
        match self {
            Self::Time { bucket_millis, .. } => bucket_millis.max(1),
            Self::Position { bucket, .. } => bucket.max(1),
        }
    }

    /// Seconds of a time bucket.
    pub(crate) fn bucket_seconds(self) -> Option<i64> {
        match self {
            Self::Time { bucket_millis, .. } => Some(bucket_millis / MILLIS),
            Self::Position { .. } => None,
        }
    }
}

pub(crate) fn layout(table: &str, message: String) -> CqlError {
    CqlError::Layout { table: table.to_owned(), message }
}

/// The columns without what else a schema carries along.
fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()));
    SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()))
}
