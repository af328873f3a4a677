//! The tables that a query sees: exactly the files that the manifests list, never what else is in a folder.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};
use datafusion::{
    catalog::{MemorySchemaProvider, TableProvider},
    common::Column,
    datasource::{
        MemTable,
        file_format::{FileFormat, csv::CsvFormat, json::JsonFormat, parquet::ParquetFormat},
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::DataFusionError,
    prelude::{Expr, SessionContext, lit},
};
use object_store::{local::LocalFileSystem, path::Path as ObjectPath};
use stream::columns;
use url::Url;

use super::orc_table::OrcTable;
use crate::{
    FileEntry, Lease, Manifest, NOTES_TABLE, Note, Results, StoreError, Table, notes,
    writer::{flat, orc_layout},
};

/// What a query is over, for the sake of its errors.
#[derive(Clone, Default)]
pub(super) struct Files {
    /// Tables as a query names them.
    pub(super) tables: Arc<Vec<String>>,
    pub(super) paths: Arc<Vec<PathBuf>>,
    /// Hold the files for as long as the query goes on.
    pub(super) leases: Arc<Vec<Lease>>,
}

/// The tables of a stream, wherever they are.
#[derive(Debug)]
pub struct Tables {
    /// The stream's name.
    pub stream: String,
    /// Its tables.
    pub providers: Vec<(Table, Arc<dyn TableProvider>)>,
    /// Each aggregate with its own columns, where the store knows them.
    pub aggregates: BTreeMap<String, Vec<String>>,
}

/// Registers the tables of all results.
pub(super) async fn register(context: &SessionContext, opened: &[(Results, Manifest)]) -> Result<Files, StoreError> {
    let mut streams = Vec::new();
    let mut paths = Vec::new();
    for (results, manifest) in opened {
        let mut providers = Vec::new();
        for table in Table::QUERIED {
            if let Some(provider) = provider(context, results, manifest, table).await? {
                providers.push((table, provider));
            }
        }
        let aggregates = manifest.aggregates.iter().map(|(name, columns)| (name.clone(), columns.clone())).collect();
        streams.push(Tables { stream: manifest.stream.clone(), providers, aggregates });
        paths.extend(manifest.files.iter().filter(|file| file.table != Table::Reports).map(|file| results.path(file)));
    }
    let mut tables = register_tables(context, streams)?;
    if let [(results, manifest)] = opened {
        tables.extend(register_notes(context, results, manifest)?);
    }
    Ok(Files { tables: Arc::new(tables), paths: Arc::new(paths), ..Files::default() })
}

/// Registers what people wrote, where no other table has the name.
fn register_notes(context: &SessionContext, results: &Results, manifest: &Manifest) -> Result<Vec<String>, StoreError> {
    if manifest.aggregates.contains_key(NOTES_TABLE) || manifest.stream.replace('-', "_") == NOTES_TABLE {
        return Ok(Vec::new());
    }
    add_rows(context, NOTES_TABLE, notes::table(results)?)?;
    Ok(vec![NOTES_TABLE.to_owned()])
}

/// Registers notes from elsewhere, where no other table has the name.
pub(super) fn add_notes(context: &SessionContext, notes: &[Note]) -> Result<(), StoreError> {
    let failed = |error: DataFusionError| StoreError::Query { message: error.to_string(), suggestion: None };
    add_rows(context, NOTES_TABLE, notes::rows(notes).map_err(|error| failed(error.into()))?)
}

/// Registers rows as a table, where no other table has the name.
pub(super) fn add_rows(context: &SessionContext, name: &str, rows: RecordBatch) -> Result<(), StoreError> {
    let failed = |error: DataFusionError| StoreError::Query { message: error.to_string(), suggestion: None };
    if context.table_exist(name).map_err(failed)? {
        return Ok(());
    }
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(failed)?;
    context.register_table(name, Arc::new(table)).map_err(failed)?;
    Ok(())
}

/// Registers tables under the names that a query may use, and gives those names.
pub(super) fn register_tables(context: &SessionContext, streams: Vec<Tables>) -> Result<Vec<String>, StoreError> {
    let failed = |error: DataFusionError| StoreError::Query { message: error.to_string(), suggestion: None };
    let alone = streams.len() == 1;
    let mut tables = Vec::new();
    for Tables { stream, providers, aggregates } in streams {
        let schema = schema_name(context, &stream);
        let catalog = context.catalog("results").ok_or_else(|| failed(missing("catalog")))?;
        catalog.register_schema(&schema, Arc::new(MemorySchemaProvider::new())).map_err(failed)?;
        for (table, provider) in providers {
            let mut names = vec![format!("{schema}.{table}")];
            if alone {
                names.push(table.name().to_owned());
            }
            if table == Table::ProcessedData && alone && !Table::QUERIED.iter().any(|t| t.name() == schema) {
                names.push(schema.clone());
            }
            if table == Table::Aggregates {
                tables.extend(register_aggregates(context, &aggregates, &schema, alone, &provider)?);
            }
            for name in &names {
                context.register_table(name.as_str(), provider.clone()).map_err(failed)?;
            }
            tables.extend(names);
        }
    }
    Ok(tables)
}

/// Registers each aggregate as a table of its own columns, where nothing else has its name.
fn register_aggregates(
    context: &SessionContext,
    aggregates: &BTreeMap<String, Vec<String>>,
    schema: &str,
    alone: bool,
    provider: &Arc<dyn TableProvider>,
) -> Result<Vec<String>, StoreError> {
    let failed = |error: DataFusionError| StoreError::Query { message: error.to_string(), suggestion: None };
    let column = |name: &str| Expr::Column(Column::from_name(name));
    let mut tables = Vec::new();
    for (aggregate, listed) in aggregates {
        if aggregate == schema || Table::QUERIED.iter().any(|table| table.name() == aggregate) {
            continue;
        }
        let ends = [columns::WINDOW_START, columns::WINDOW_END];
        let names = ends.into_iter().chain(listed.iter().map(String::as_str)).chain([columns::FINAL]);
        let rows = context.read_table(provider.clone()).map_err(failed)?;
        let rows = rows.filter(column(columns::AGGREGATE).eq(lit(aggregate.as_str()))).map_err(failed)?;
        let view = rows.select(names.map(column)).map_err(failed)?.into_view();
        let mut names = vec![format!("{schema}.{aggregate}")];
        names.extend(alone.then(|| aggregate.clone()));
        for name in names {
            context.register_table(name.as_str(), view.clone()).map_err(failed)?;
            tables.push(name);
        }
    }
    Ok(tables)
}

fn missing(what: &str) -> DataFusionError {
    DataFusionError::Internal(format!("there is no {what}"))
}

/// The stream's name as SQL has it, with a number where there are several of that name.
fn schema_name(context: &SessionContext, stream: &str) -> String {
    let name = stream.replace('-', "_");
    let taken = context.catalog("results").map(|catalog| catalog.schema_names()).unwrap_or_default();
    match taken.contains(&name) {
        false => name,
        true => (2..).map(|number| format!("{name}_{number}")).find(|name| !taken.contains(name)).unwrap_or(name),
    }
}

/// The table over its files; `None` where the stream has no such table.
async fn provider(
    context: &SessionContext,
    results: &Results,
    manifest: &Manifest,
    table: Table,
) -> Result<Option<Arc<dyn TableProvider>>, StoreError> {
    let mut files: BTreeMap<&str, Vec<&FileEntry>> = BTreeMap::new();
    for file in manifest.files_of(table) {
        files.entry(file.ending()).or_default().push(file);
    }
    let Some(schema) = manifest.schema(table) else { return Ok(None) };
    let failed = |error: DataFusionError| StoreError::Query { message: error.to_string(), suggestion: None };
    let mut union: Option<datafusion::dataframe::DataFrame> = None;
    let mut only: Option<Arc<dyn TableProvider>> = None;
    let several = files.len() > 1;
    let flat = ["csv", "orc"].iter().any(|ending| files.contains_key(ending));
    if several && flat && schema.fields().iter().any(|field| field.data_type().is_nested()) {
        // Nested values are text in CSV and ORC: the same column would have two types.
        let message = "its files are of several formats, and CSV and ORC files have no nested columns; write it again in one format";
        return Err(StoreError::Rows { path: results.root().join(table.name()), message: message.to_owned() });
    }
    for (ending, files) in files {
        let provider = listing(results, &files, ending, &schema)?;
        if several {
            let rows = context.read_table(provider.clone()).map_err(failed)?;
            union = Some(match union {
                Some(union) => union.union(rows).map_err(failed)?,
                None => rows,
            });
        }
        only = Some(provider);
    }
    match (union, only) {
        (Some(union), _) => Ok(Some(union.into_view())),
        (None, Some(provider)) => Ok(Some(provider)),
        (None, None) => {
            let empty = MemTable::try_new(schema, vec![Vec::new()]).map_err(failed)?;
            Ok(Some(Arc::new(empty)))
        }
    }
}

/// Files of one format as a table.
fn listing(
    results: &Results,
    files: &[&FileEntry],
    ending: &str,
    schema: &SchemaRef,
) -> Result<Arc<dyn TableProvider>, StoreError> {
    if ending == "orc" {
        return orc(results, files, schema);
    }
    let (format, schema): (Arc<dyn FileFormat>, SchemaRef) = match ending {
        "csv" => (Arc::new(CsvFormat::default().with_has_header(true).with_newlines_in_values(true)), text(schema)),
        "json" => (Arc::new(JsonFormat::default()), nullable(schema)),
        _ => (Arc::new(ParquetFormat::default()), schema.clone()),
    };
    // An address has no `..` in it: DataFusion would not take it.
    let root = results.root().canonicalize().map_err(|error| StoreError::file("find", results.root(), error))?;
    let root = Results::new(root);
    let urls = files.iter().map(|file| url(&root, file)).collect::<Result<Vec<_>, _>>()?;
    let options = ListingOptions::new(format).with_file_extension(format!(".{ending}"));
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    let table = ListingTable::try_new(config)
        .map_err(|error| StoreError::Query { message: error.to_string(), suggestion: None })?;
    Ok(Arc::new(table))
}

/// ORC files as a table.
fn orc(results: &Results, files: &[&FileEntry], schema: &SchemaRef) -> Result<Arc<dyn TableProvider>, StoreError> {
    let layout =
        orc_layout(schema).map_err(|error| StoreError::Query { message: error.to_string(), suggestion: None })?;
    let root = results.root().canonicalize().map_err(|error| StoreError::file("find", results.root(), error))?;
    let paths = files.iter().map(|file| {
        let path = root.join(&file.path);
        ObjectPath::from_absolute_path(&path).map_err(|error| StoreError::reading(&path, &error))
    });
    let paths = paths.collect::<Result<_, _>>()?;
    Ok(Arc::new(OrcTable::new(Arc::new(LocalFileSystem::new()), paths, layout.table().clone())))
}

fn url(results: &Results, file: &FileEntry) -> Result<ListingTableUrl, StoreError> {
    let path = results.path(file);
    let unnamed =
        || StoreError::Damaged { path: path.clone(), message: "its path cannot be written as text".to_owned() };
    let url = Url::from_file_path(&path).map_err(|()| unnamed())?;
    ListingTableUrl::try_new(url, None).map_err(|_| unnamed())
}

/// The schema that a CSV file comes back with: nested values and bytes as text, and empty for null everywhere.
fn text(schema: &Schema) -> SchemaRef {
    use arrow::datatypes::DataType::{Binary, FixedSizeBinary, LargeBinary, Utf8};
    let field = |field: &arrow::datatypes::FieldRef| match field.data_type() {
        Binary | LargeBinary | FixedSizeBinary(_) => Field::new(field.name(), Utf8, true),
        _ => flat(field).as_ref().clone().with_nullable(true),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// The schema that a JSON file comes back with: a value that is not a number is left out.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
