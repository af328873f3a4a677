//! SQL over committed results.

mod answer;
mod mistake;
mod orc_table;
mod tables;

use std::{future::Future, path::Path, sync::Arc};

use arrow::array::RecordBatch;
use datafusion::{
    common::tree_node::{Transformed, TreeNode},
    error::DataFusionError,
    execution::{
        FunctionRegistry, SessionStateBuilder,
        context::{SQLOptions, SessionContext},
        disk_manager::DiskManagerBuilder,
        memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    logical_expr::LogicalPlan,
    physical_plan::{ExecutionPlan, coop::CooperativeExec, execute_stream},
    prelude::SessionConfig,
};
use datafusion_functions_nested::planner::{FieldAccessPlanner, NestedFunctionPlanner};
use object_store::ObjectStore;
use url::Url;

use self::tables::Files;
pub use self::{answer::Answer, orc_table::OrcTable, tables::Tables};
use crate::{Manifest, Note, Results, StoreError};

/// What a query may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryOptions {
    /// Rows of an answer; what is beyond is left out, and the answer says so.
    pub rows_max: Option<u64>,
    /// Bytes of memory for sorting, grouping and joining.
    pub memory_bytes_max: usize,
    /// Bytes on disk for what does not fit into memory.
    pub spill_bytes_max: u64,
    /// How many threads' worth of work at once; `None` for one a core.
    pub parallel: Option<usize>,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self { rows_max: None, memory_bytes_max: 1 << 30, spill_bytes_max: 64 << 30, parallel: None }
    }
}

/// Results that can be asked.
pub struct Session {
    context: SessionContext,
    files: Files,
    options: QueryOptions,
}

/// Opens the results in these folders as they are committed now; what is committed later is not seen. The files stay until
/// the session and its answers are dropped, an hour at most, whatever a run merges or drops meanwhile.
///
/// Tables are `processed_data`, `anomalies`, `dead_letters`, `late` and `aggregates` (those the stream has), each aggregate
/// under its own name, and the processed data also under the stream's with underscores. Of several folders each has its own schema of that name,
/// `particle_events.anomalies`; for one alone it can be left out. A second folder of the same stream is
/// `particle_events_2`.
///
/// # Errors
/// `NoResults` where a folder has none; `Damaged` or `Newer` where its manifest cannot be read.
pub async fn open<P: AsRef<Path>>(folders: &[P], options: &QueryOptions) -> Result<Session, StoreError> {
    let (mut opened, mut leases) = (Vec::new(), Vec::new());
    for folder in folders {
        let results = Results::new(folder.as_ref());
        // Before the manifest is read: what it lists stays until the query has ended.
        leases.extend(results.lease());
        let Some(manifest) = results.manifest()? else {
            return Err(StoreError::NoResults { path: folder.as_ref().to_owned() });
        };
        opened.push((results, manifest));
    }
    let mut session = open_manifests(&opened, options).await?;
    session.files.leases = Arc::new(leases);
    Ok(session)
}

/// The same for manifests that the caller has.
pub(crate) async fn open_manifests(
    opened: &[(Results, Manifest)],
    options: &QueryOptions,
) -> Result<Session, StoreError> {
    let context = context(options)?;
    let files = tables::register(&context, opened).await?;
    Ok(Session { context, files, options: options.clone() })
}

/// Opens tables of other stores under the same names as those of results. `stores` are where files of theirs are.
///
/// # Errors
/// Where two tables have one name.
pub fn open_tables(
    streams: Vec<Tables>,
    stores: Vec<(Url, Arc<dyn ObjectStore>)>,
    options: &QueryOptions,
) -> Result<Session, StoreError> {
    let context = context(options)?;
    for (url, store) in stores {
        context.register_object_store(&url, store);
    }
    let tables = tables::register_tables(&context, streams)?;
    let files = Files { tables: Arc::new(tables), ..Files::default() };
    Ok(Session { context, files, options: options.clone() })
}

/// Runs `future` to its end on threads of its own, for callers that have no runtime.
///
/// # Errors
/// Where the threads cannot be started.
///
/// # Panics
/// Where it is called from within an asynchronous runtime.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, StoreError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StoreError::Query {
        message: format!("cannot start the threads of a query: {error}"),
        suggestion: None,
    })?;
    Ok(runtime.block_on(future))
}

impl Session {
    /// Adds what people wrote as the table `notes`, where no other table has the name.
    ///
    /// # Errors
    /// `Query` where it cannot be registered.
    pub fn add_notes(&self, notes: &[Note]) -> Result<(), StoreError> {
        tables::add_notes(&self.context, notes)
    }

    /// Adds rows of another kind as a table, where no other table has the name.
    ///
    /// # Errors
    /// `Query` where it cannot be registered.
    pub fn add_rows(&self, name: &str, rows: RecordBatch) -> Result<(), StoreError> {
        tables::add_rows(&self.context, name, rows)
    }

    /// Answers a query. Names are taken as they are written, upper and lower case apart, without a need for quotes;
    /// keywords and functions may be in any case. Dropping the answer ends the query.
    ///
    /// # Errors
    /// `NoQuery` where the statement would change something; `Query` with a suggestion where it cannot be understood;
    /// `Missing` where a file is gone.
    pub async fn sql(&self, sql: &str) -> Result<Answer, StoreError> {
        mistake::check_statement(sql)?;
        let plan = self.plan(sql).await?;
        let failed = |error| self.files.explain(&error, &self.options);
        let frame = self.context.execute_logical_plan(plan).await.map_err(failed)?;
        let task = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.map_err(failed)?;
        // Planning passes over files that are gone without a word; later on a file that goes is an error.
        self.files.check()?;
        let rows = execute_stream(yielding(plan).map_err(failed)?, task).map_err(failed)?;
        Ok(Answer::new(rows, self.files.clone(), self.options.clone()))
    }

    async fn plan(&self, sql: &str) -> Result<LogicalPlan, StoreError> {
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let failed = |error| self.files.explain(&error, &self.options);
        let statement = state.sql_to_statement(sql, &dialect).map_err(failed)?;
        for table in state.resolve_table_references(&statement).map_err(failed)? {
            let known = mistake::is_system(&table) || state.table_functions().contains_key(table.table());
            if !known && !self.context.table_exist(table.clone()).map_err(failed)? {
                return Err(self.files.unknown(&table));
            }
        }
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        let allowed = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        match allowed.verify_plan(&plan) {
            Ok(()) => Ok(plan),
            // A change inside of something else, as in EXPLAIN CREATE.
            Err(_) => Err(StoreError::NoQuery { statement: "this".to_owned() }),
        }
    }
}

/// `plan`, in which what makes many rows out of few gives way now and then. Only then can a query be ended from outside:
/// sources do so by themselves, but a join goes on for hours after its sources are read.
fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let multiplies = |node: &dyn ExecutionPlan| node.children().len() > 1 || node.name() == "UnnestExec";
    let yielding = plan.transform_up(|node| match multiplies(node.as_ref()) {
        true => Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)),
        false => Ok(Transformed::no(node)),
    })?;
    Ok(yielding.data)
}

fn context(options: &QueryOptions) -> Result<SessionContext, StoreError> {
    let mut config =
        SessionConfig::new().with_information_schema(true).with_default_catalog_and_schema("results", "main");
    if let Some(parallel) = options.parallel {
        config = config.with_target_partitions(parallel.max(1));
    }
    let settings = config.options_mut();
    settings.sql_parser.enable_ident_normalization = false;
    // An answer's text is the text of the results, and not another layout of it.
    settings.sql_parser.map_string_types_to_utf8view = false;
    settings.execution.parquet.schema_force_view_types = false;
    settings.execution.parquet.pushdown_filters = true;
    settings.execution.time_zone = Some("+00:00".to_owned());
    let disk = DiskManagerBuilder::default().with_max_temp_directory_size(options.spill_bytes_max);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes_max)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(|error| StoreError::Query { message: error.to_string(), suggestion: None })?;
    let state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    let mut context = SessionContext::new_with_state(state);
    nested(&mut context).map_err(|error| StoreError::Query { message: error.to_string(), suggestion: None })?;
    for function in physics::functions().into_iter().chain(times::functions()) {
        context.register_udf(function.as_ref().clone());
    }
    window::query_functions().into_iter().for_each(|function| context.register_udaf(function));
    Ok(context)
}

/// Functions of lists and structs, and `list[1]`, as expressions of a definition have them.
fn nested(context: &mut SessionContext) -> datafusion::error::Result<()> {
    datafusion_functions_nested::register_all(context)?;
    context.register_expr_planner(Arc::new(NestedFunctionPlanner))?;
    context.register_expr_planner(Arc::new(FieldAccessPlanner))
}
