//! Tables of a lake as a query sees them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::{
    catalog::TableProvider,
    common::Column,
    datasource::{
        MemTable, ViewTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
        provider_as_source,
    },
    error::DataFusionError,
    functions_window::row_number::row_number,
    logical_expr::{Expr, ExprFunctionExt, LogicalPlanBuilder, lit},
};
use lake::{LakeTable, Versions};
use store::{
    QueryOptions, Session, StoreError,
    query::{OrcTable, Tables, open_tables},
};
use stream::columns::{AGGREGATE, WINDOW_START};
use url::Url;

use crate::{AskError, add_probes};

/// The number of a version, from the last on. No column is called so.
const FROM_THE_LAST: &str = "from the last";

/// Opens a lake as it is now: what is written later is not seen.
pub(crate) async fn open(location: &lake::Location, options: &QueryOptions) -> Result<Session, AskError> {
    let lake = lake::Lake::open(location).await?;
    let root = location.root();
    let mut providers = Vec::new();
    for table in &lake.tables {
        let columns = table.versions.as_ref().map_or_else(|| table.schema.clone(), |own| own.beside(&table.schema));
        let provider: Arc<dyn TableProvider> = match lake.format {
            lake::Format::Orc => Arc::new(OrcTable::new(lake.store.clone(), table.files.clone(), columns)),
            lake::Format::Parquet | lake::Format::Delta => provider(&root, table, columns).map_err(failed)?,
        };
        let provider = match &table.versions {
            Some(versions) => last(provider, &table.schema, versions).map_err(failed)?,
            None => provider,
        };
        providers.push((table.table, provider));
    }
    let probes = lake.probes.iter().map(|(partition, probe)| (lake.stream.clone(), *partition, *probe)).collect();
    let tables = Tables { stream: lake.stream, providers, aggregates: lake.aggregates };
    let session = open_tables(vec![tables], vec![(root, lake.store)], options)?;
    add_probes(&session, probes)?;
    Ok(session)
}

fn provider(root: &Url, table: &LakeTable, columns: SchemaRef) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    if table.files.is_empty() {
        return Ok(Arc::new(MemTable::try_new(columns, vec![Vec::new()])?));
    }
    let urls = table.files.iter().map(|path| {
        let mut url = root.clone();
        url.set_path(&format!("/{path}"));
        ListingTableUrl::try_new(url, None)
    });
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls.collect::<Result<_, _>>()?)
        .with_listing_options(options)
        .with_schema(columns);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// The last version of each row. What a query asks of an aggregate and its windows bounds the files that are read, since
/// all versions of a row have the same.
fn last(
    versions: Arc<dyn TableProvider>,
    schema: &SchemaRef,
    own: &Versions,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let column = |name: &str| Expr::Column(Column::from_name(name));
    let number = row_number()
        .partition_by([AGGREGATE, WINDOW_START, own.key.as_str()].into_iter().map(column).collect())
        .order_by(vec![column(&own.offset).sort(false, false)])
        .build()?
        .alias(FROM_THE_LAST);
    let plan = LogicalPlanBuilder::scan("versions", provider_as_source(versions), None)?
        .window([number])?
        .filter(column(FROM_THE_LAST).eq(lit(1_u64)))?
        .project(schema.fields().iter().map(|field| column(field.name())))?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn failed(error: DataFusionError) -> AskError {
    AskError::Store(StoreError::Query { message: error.to_string(), suggestion: None })
}
