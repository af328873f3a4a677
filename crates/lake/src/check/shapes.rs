//! The columns of the tables that are there, beside those that the stream has now.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, Schema, SchemaRef};
use deltalake_core::kernel::{
    StructType,
    engine::arrow_conversion::{TryIntoArrow, TryIntoKernel},
};
use object_store::ObjectStore;
use sink::Table;

use super::{About, Finding, Verdict};
use crate::{
    Descriptor, LakeError, Location,
    delta::hour_column,
    delta_table::{delta as delta_error, existing_table},
    delta_types,
    layout::Layout,
};

const ELSEWHERE: &str = "choose another place for the stream, or keep the column as it was";

fn finding(verdict: Verdict, text: String) -> Finding {
    Finding::new(About::Tables, verdict, text)
}

/// Columns that a Delta table could not have, of a lake that nobody has begun.
pub(super) fn unknown_to_delta(tables: &[(Table, SchemaRef)]) -> Option<Finding> {
    let refused = tables.iter().find_map(|(_, schema)| delta_types::schema(schema).err())?;
    Some(finding(Verdict::Doubtful, format!("{refused}; store it with `--backend parquet`")))
}

/// The tables of a Delta lake. Rows that lack a column of the table, or have it as another type, are refused.
pub(super) async fn delta(
    location: &Location,
    store: &Arc<dyn ObjectStore>,
    time: &str,
    tables: &[(Table, SchemaRef)],
) -> Result<Vec<Finding>, LakeError> {
    let mut findings = Vec::new();
    for (name, schema) in tables {
        let layout = match Layout::new(*name, schema, time).in_delta() {
            Ok(layout) => layout,
            Err(error) => {
                findings.push(finding(Verdict::Wrong, format!("{error}; {ELSEWHERE}")));
                continue;
            }
        };
        let Some(table) = existing_table(location, store, *name).await? else {
            findings.push(finding(Verdict::Good, format!("{name} is missing; the writer makes it")));
            continue;
        };
        let snapshot = table.snapshot().map_err(|error| delta_error("reading the log", &error))?;
        let failed = |error| LakeError::rows(name.name(), error);
        let there: Schema = snapshot.schema().as_ref().try_into_arrow().map_err(failed)?;
        // As Delta would give them back, down to the names inside of lists.
        let wanted: StructType = layout.columns.as_ref().try_into_kernel().map_err(failed)?;
        let wanted: Schema = (&wanted).try_into_arrow().map_err(failed)?;
        let compared = Compared::new(&there, &wanted, hour_column(&layout.columns, &layout.time).as_deref());
        let mut wrong = compared.types;
        // A column of an aggregate that is gone is null in the results of the others.
        let gone = compared.gone.iter().filter(|_| layout.versions.is_none());
        wrong.extend(gone.map(|column| format!("has column {column}, and the stream has not")));
        wrong.extend(
            compared.required.iter().map(|column| format!("lacks column {column}, which cannot be null in the stream")),
        );
        findings.extend(wrong.iter().map(|what| finding(Verdict::Wrong, format!("{name} {what}; {ELSEWHERE}"))));
        if wrong.is_empty() {
            findings.push(finding(Verdict::Good, as_needed(*name, &compared.added)));
        }
    }
    Ok(findings)
}

/// The tables of a lake of Parquet files, each of which has its own columns: rows of both kinds are stored, and read by
/// the columns of now.
pub(super) fn files(there: &Descriptor, tables: &[(Table, SchemaRef)]) -> Result<Vec<Finding>, LakeError> {
    let described = there.tables()?;
    let compare = |(name, wanted): &(Table, SchemaRef)| {
        let Some((_, there)) = described.iter().find(|(table, _)| table == name) else {
            return vec![finding(Verdict::Good, format!("{name} is missing; the writer makes it"))];
        };
        let compared = Compared::new(there, wanted, None);
        let mut differs = compared.types;
        differs.extend(compared.gone.iter().map(|column| format!("has column {column}, and the stream has not")));
        if differs.is_empty() {
            let added: Vec<String> = [compared.added, compared.required].concat();
            return vec![finding(Verdict::Good, as_needed(*name, &added))];
        }
        let text = |what| format!("{name} {what}; queries read older files by the stream's columns, where they can");
        differs.into_iter().map(|what| finding(Verdict::Doubtful, text(what))).collect()
    };
    Ok(tables.iter().flat_map(compare).collect())
}

fn as_needed(name: Table, added: &[String]) -> String {
    match added {
        [] => format!("{name} has the stream's columns"),
        added => format!("{name} lacks {}; the writer adds what is missing", added.join(", ")),
    }
}

/// How the columns of a table differ from those that it should have.
struct Compared {
    /// Columns of another type.
    types: Vec<String>,
    /// Columns that the stream does not have.
    gone: Vec<String>,
    /// Columns that the table does not have.
    added: Vec<String>,
    /// The same, where they cannot be null.
    required: Vec<String>,
}

impl Compared {
    fn new(there: &Schema, wanted: &Schema, hour: Option<&str>) -> Self {
        let mut compared = Self { types: Vec::new(), gone: Vec::new(), added: Vec::new(), required: Vec::new() };
        for field in wanted.fields() {
            let name = field.name();
            match there.field_with_name(name) {
                Ok(found) if found.data_type().equals_datatype(field.data_type()) => {}
                Ok(found) => {
                    let of = |data_type: &DataType| data_type.to_string();
                    compared.types.push(format!(
                        "has column {name} as {}, and the stream as {}",
                        of(found.data_type()),
                        of(field.data_type())
                    ));
                }
                Err(_) if field.is_nullable() => compared.added.push(name.clone()),
                Err(_) => compared.required.push(name.clone()),
            }
        }
        let known: BTreeSet<&str> = wanted.fields().iter().map(|field| field.name().as_str()).chain(hour).collect();
        compared.gone.extend(
            there.fields().iter().map(|field| field.name().clone()).filter(|name| !known.contains(name.as_str())),
        );
        compared
    }
}
