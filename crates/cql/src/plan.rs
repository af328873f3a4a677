//! What has to be done so that a keyspace has the tables of a stream: planned, applied, checked.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use scylla::client::session::Session;

use crate::{
    CqlError, Layout, Settings, ddl, describe,
    layout::{CqlColumn, Order},
    read::comments,
};

/// What has to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Statements in order, each with the reason.
    pub changes: Vec<Change>,
    /// Why the tables there are cannot become those of the stream.
    pub refusals: Vec<String>,
    /// What is as it is and worth knowing.
    pub notes: Vec<String>,
}

/// A statement and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is for.
    pub why: String,
    /// The statement.
    pub statement: String,
}

/// A column as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Existing {
    cql: String,
    kind: String,
    position: i32,
    descending: bool,
}

/// The tables of a keyspace.
#[derive(Debug, Default)]
struct Keyspace {
    exists: bool,
    comments: BTreeMap<String, String>,
    columns: HashMap<String, BTreeMap<String, Existing>>,
}

/// Compares a keyspace with the tables of a stream.
///
/// # Errors
/// Where the store cannot be asked.
pub async fn plan(settings: &Settings, layouts: &[Layout]) -> Result<Plan, CqlError> {
    let session = settings.connect().await?;
    Ok(compare(&Keyspace::read(&session, &settings.keyspace).await?, settings, layouts))
}

/// The store's time, in milliseconds since 1970.
///
/// # Errors
/// Where the store cannot be asked.
pub async fn time(settings: &Settings) -> Result<i64, CqlError> {
    const WHAT: &str = "reading the store's clock";
    let session = settings.connect().await?;
    let asked = session.query_unpaged("SELECT toUnixTimestamp(now()) FROM system.local", ()).await;
    let rows = asked.map_err(|error| CqlError::execution(WHAT, &error))?;
    let failed = |error: &dyn ToString| CqlError::value(WHAT, error.to_string());
    let rows = rows.into_rows_result().map_err(|error| failed(&error))?;
    rows.single_row::<(i64,)>().map(|(time,)| time).map_err(|error| failed(&error))
}

/// Carries a plan out and gives back what was done.
///
/// # Errors
/// `Schema` with the reasons where the plan has refusals: nothing is done then.
pub async fn apply(settings: &Settings, layouts: &[Layout]) -> Result<Plan, CqlError> {
    let session = settings.connect().await?;
    let plan = compare(&Keyspace::read(&session, &settings.keyspace).await?, settings, layouts);
    if !plan.refusals.is_empty() {
        return Err(CqlError::Schema(plan.refusals.join("\n")));
    }
    for change in &plan.changes {
        // The driver waits until every node has the new schema.
        let done = session.query_unpaged(change.statement.as_str(), ()).await;
        done.map_err(|error| CqlError::execution(&change.why, &error))?;
    }
    Ok(plan)
}

impl Keyspace {
    async fn read(session: &Session, keyspace: &str) -> Result<Self, CqlError> {
        const CONTEXT: &str = "reading the schema";
        let failed = |error: &dyn ToString| CqlError::Schema(error.to_string());
        let statement = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?";
        let rows = session.query_unpaged(statement, (keyspace,)).await;
        let rows = rows.map_err(|error| CqlError::execution(CONTEXT, &error))?;
        let exists = rows.into_rows_result().map_err(|error| failed(&error))?.rows_num() > 0;
        let statement = "SELECT table_name, column_name, type, kind, position, clustering_order \
                         FROM system_schema.columns WHERE keyspace_name = ?";
        let rows =
            session.query_iter(statement, (keyspace,)).await.map_err(|error| CqlError::paging(CONTEXT, &error))?;
        type Row = (String, String, String, String, i32, String);
        let rows = rows.rows_stream::<Row>().map_err(|error| failed(&error))?;
        let rows: Vec<Row> = rows.try_collect().await.map_err(|error| CqlError::next_page(CONTEXT, &error))?;
        let mut columns: HashMap<String, BTreeMap<String, Existing>> = HashMap::new();
        for (table, column, cql, kind, position, order) in rows {
            let existing = Existing { cql, kind, position, descending: order.eq_ignore_ascii_case("desc") };
            columns.entry(table).or_default().insert(column, existing);
        }
        Ok(Self { exists, comments: comments(session, keyspace).await?.into_iter().collect(), columns })
    }

    /// Whether ScyllaDB captures the changes of a table: it has a log of them then.
    fn captures(&self, table: &str) -> bool {
        self.columns.get(&format!("{table}{CAPTURED}")).is_some_and(|columns| columns.contains_key(CAPTURED_TIME))
    }
}

/// What ScyllaDB calls the log of a table's changes, after the table's name.
const CAPTURED: &str = "_scylla_cdc_log";
/// A column of such a log.
const CAPTURED_TIME: &str = "cdc$time";

fn compare(found: &Keyspace, settings: &Settings, layouts: &[Layout]) -> Plan {
    let mut plan = Plan::default();
    let keyspace = &settings.keyspace;
    if !found.exists {
        let statement = ddl::create_keyspace(keyspace, settings.replication);
        plan.changes.push(Change { why: format!("the keyspace {keyspace} is missing"), statement });
    }
    if !found.comments.contains_key(ddl::PARTITIONS) {
        let statement = ddl::create_partitions(keyspace);
        plan.changes.push(Change { why: format!("the table {} is missing", ddl::PARTITIONS), statement });
    }
    let kept = [
        (ddl::POSITIONS, ddl::POSITIONS_COMMENT, ddl::create_positions(keyspace)),
        (ddl::PROBES, ddl::PROBES_COMMENT, ddl::create_probes(keyspace)),
    ];
    for (table, ours, statement) in kept {
        match found.comments.get(table) {
            None => plan.changes.push(Change { why: format!("the table {table} is missing"), statement }),
            Some(comment) if comment == ours => {}
            Some(comment) => {
                plan.refusals.push(format!("table {table} describes itself as {comment}; use a newer program"));
            }
        }
    }
    for layout in layouts {
        match found.comments.get(&layout.name) {
            None => {
                let statement = ddl::create_table(keyspace, layout);
                plan.changes.push(Change { why: format!("the table {} is missing", layout.name), statement });
            }
            Some(comment) => {
                let columns = found.columns.get(&layout.name).cloned().unwrap_or_default();
                compare_table(&mut plan, keyspace, layout, comment, &columns);
            }
        }
    }
    let tables = [ddl::PARTITIONS, ddl::POSITIONS, ddl::PROBES].into_iter();
    let tables = tables.chain(layouts.iter().map(|layout| layout.name.as_str()));
    plan.refusals.extend(tables.filter(|table| found.captures(table)).map(|table| {
        format!(
            "table {table} has ScyllaDB's change data capture, which refuses rows whose write time is in the past, and rows are \
             written with the time of their event so that each is there once; switch it off: ALTER TABLE {keyspace}.{table} \
             WITH cdc = {{'enabled': false}}"
        )
    }));
    plan
}

fn compare_table(plan: &mut Plan, keyspace: &str, layout: &Layout, comment: &str, found: &BTreeMap<String, Existing>) {
    let name = &layout.name;
    let before = match describe::layout_of(name, comment) {
        Ok(Some(before)) if before.stream == layout.stream && before.table == layout.table => before,
        Ok(Some(before)) => {
            let (stream, table) = (&before.stream, before.table);
            plan.refusals.push(format!("table {name} holds the {table} of stream {stream}; set store.cql.table"));
            return;
        }
        Ok(None) => {
            plan.refusals.push(format!("table {name} was not made by this program; set store.cql.table"));
            return;
        }
        Err(error) => {
            plan.refusals.push(error.to_string());
            return;
        }
    };
    let columns = layout.columns();
    let known = plan.refusals.len();
    if before.order.width() != layout.order.width() {
        let seconds = |order: Order| order.bucket_seconds().unwrap_or(order.width());
        plan.refusals.push(format!(
            "table {name} has buckets of {} s and the stream asks for {} s: rows would be looked for where they are \
             not; keep the bucket, or choose another store.cql.table",
            seconds(before.order),
            seconds(layout.order)
        ));
    }
    for (role, wanted) in [("partition_key", &columns.partition), ("clustering", &columns.clustering)] {
        let mut key: Vec<_> = found.iter().filter(|(_, column)| column.kind == role).collect();
        key.sort_by_key(|(_, column)| column.position);
        let key: Vec<&str> = key.into_iter().map(|(name, _)| name.as_str()).collect();
        let wanted: Vec<&str> = wanted.iter().map(|column| column.name.as_str()).collect();
        if key != wanted {
            plan.refusals.push(format!(
                "table {name} has the {} {}, and the stream asks for {}: a primary key cannot change; choose another \
                 store.cql.table",
                role.replace('_', " "),
                key.join(", "),
                wanted.join(", ")
            ));
        }
    }
    for column in columns.all() {
        if let Some(existing) = found.get(&column.name)
            && existing.cql != column.cql
        {
            plan.refusals.push(format!(
                "table {name} has column {} as {}, and the stream as {}: a column's type cannot change; give it \
                 another name, or choose another store.cql.table",
                column.name, existing.cql, column.cql
            ));
        }
    }
    if plan.refusals.len() > known {
        return;
    }
    add_what_is_missing(plan, keyspace, layout, &before, comment, found);
}

fn add_what_is_missing(
    plan: &mut Plan,
    keyspace: &str,
    layout: &Layout,
    before: &Layout,
    comment: &str,
    found: &BTreeMap<String, Existing>,
) {
    let name = &layout.name;
    let columns = layout.columns();
    let missing: Vec<&CqlColumn> = columns.regular.iter().filter(|column| !found.contains_key(&column.name)).collect();
    for column in missing {
        plan.changes.push(Change {
            why: format!("table {name} lacks the column {}; it is null in the rows there are", column.name),
            statement: ddl::add_column(keyspace, layout, column),
        });
    }
    let known: Vec<&str> = columns.all().map(|column| column.name.as_str()).collect();
    let gone: Vec<&str> = found.keys().map(String::as_str).filter(|column| !known.contains(column)).collect();
    if !gone.is_empty() {
        plan.notes.push(format!(
            "table {name} keeps what the stream no longer has: {}; new rows have nothing there, and queries do not show it",
            gone.join(", ")
        ));
    }
    if before.ttl_seconds != layout.ttl_seconds {
        plan.notes.push(format!("table {name} gets another time to live: it applies to rows written from now on"));
    }
    if describe::comment(layout) != comment {
        plan.changes.push(Change {
            why: format!("table {name} describes itself as it was"),
            statement: ddl::set_options(keyspace, layout, &ddl::table_options(layout)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_a_later_version_are_refused() {
        let keyspace = |comment: &str| Keyspace {
            exists: true,
            comments: [(ddl::PARTITIONS, comment), (ddl::POSITIONS, comment), (ddl::PROBES, ddl::PROBES_COMMENT)]
                .map(|(name, comment)| (name.to_owned(), comment.to_owned()))
                .into(),
            columns: HashMap::new(),
        };
        let plan = |comment: &str| compare(&keyspace(comment), &Settings::default(), &[]);
        assert_eq!(plan(r#"{"beamline_positions":1}"#), Plan::default());
        let refusals = plan(r#"{"beamline_positions":2}"#).refusals.join(" ");
        assert!(refusals.contains("use a newer program"), "{refusals}");
    }

    #[test]
    fn tables_whose_changes_are_captured_are_refused_by_name() {
        let column = || Existing { cql: "timeuuid".into(), kind: "clustering".into(), position: 0, descending: false };
        let kept =
            [(ddl::POSITIONS, ddl::POSITIONS_COMMENT), (ddl::PROBES, ddl::PROBES_COMMENT), (ddl::PARTITIONS, "")];
        let keyspace = |log: &str, of: &str| Keyspace {
            exists: true,
            comments: kept.map(|(name, comment)| (name.to_owned(), comment.to_owned())).into(),
            columns: [(log.to_owned(), BTreeMap::from([(of.to_owned(), column())]))].into(),
        };
        let refusals = |log, of| compare(&keyspace(log, of), &Settings::default(), &[]).refusals;
        let refused = refusals("beamline_probes_scylla_cdc_log", "cdc$time");
        assert!(refused.len() == 1 && refused[0].starts_with("table beamline_probes has"), "{refused:?}");
        assert!(
            refused[0].ends_with("ALTER TABLE beamline.beamline_probes WITH cdc = {'enabled': false}"),
            "{refused:?}"
        );
        assert!(refusals("another_scylla_cdc_log", "cdc$time").is_empty(), "another's table");
        assert!(refusals("beamline_probes_scylla_cdc_log", "time").is_empty(), "another's log");
    }
}
