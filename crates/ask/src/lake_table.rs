//! Tables of a lake as a query sees them.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    catalog::TableProvider,
    datasource::{
        MemTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::DataFusionError,
};
use store::{
    QueryOptions, Session, StoreError,
    query::{OrcTable, Tables, open_tables},
};
use url::Url;

use crate::{AskError, add_probes};

/// Opens a lake as it is now: what is written later is not seen.
pub(crate) async fn open(location: &lake::Location, options: &QueryOptions) -> Result<Session, AskError> {
    let lake = lake::Lake::open(location).await?;
    let root = location.root();
    let mut providers = Vec::new();
    for table in &lake.tables {
        let provider: Arc<dyn TableProvider> = match lake.format {
            lake::Format::Orc => Arc::new(OrcTable::new(lake.store.clone(), table.files.clone(), table.schema.clone())),
            lake::Format::Parquet | lake::Format::Delta => provider(&root, table).map_err(failed)?,
        };
        providers.push((table.table, provider));
    }
    let probes = lake.probes.iter().map(|(partition, probe)| (lake.stream.clone(), *partition, *probe)).collect();
    let tables = Tables { stream: lake.stream, providers, aggregates: BTreeMap::new() };
    let session = open_tables(vec![tables], vec![(root, lake.store)], options)?;
    add_probes(&session, probes)?;
    Ok(session)
}

fn provider(root: &Url, table: &lake::LakeTable) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    if table.files.is_empty() {
        return Ok(Arc::new(MemTable::try_new(table.schema.clone(), vec![Vec::new()])?));
    }
    let urls = table.files.iter().map(|path| {
        let mut url = root.clone();
        url.set_path(&format!("/{path}"));
        ListingTableUrl::try_new(url, None)
    });
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls.collect::<Result<_, _>>()?)
        .with_listing_options(options)
        .with_schema(table.schema.clone());
    Ok(Arc::new(ListingTable::try_new(config)?))
}

fn failed(error: DataFusionError) -> AskError {
    AskError::Store(StoreError::Query { message: error.to_string(), suggestion: None })
}
