//! CQL text: keyspaces, tables, and the statements over them.

use sink::Table;

use crate::{
    describe,
    layout::{CqlColumn, Layout, Order},
};

/// The table that lists which partitions there are, so that a query by time need not scan.
pub(crate) const PARTITIONS: &str = "beamline_partitions";
/// The table of positions: what of each topic's partitions is stored.
pub(crate) const POSITIONS: &str = "beamline_positions";
/// What that table says of itself.
pub(crate) const POSITIONS_COMMENT: &str = r#"{"beamline_positions":1}"#;
/// The table of probes: the newest one of each partition of a stream.
pub(crate) const PROBES: &str = "beamline_probes";
/// What that table says of itself.
pub(crate) const PROBES_COMMENT: &str = r#"{"beamline_probes":1}"#;
/// What a gone row's tombstone is kept for at least: longer than a node may be away without a repair.
const GC_GRACE_SECONDS: u64 = 864_000;
/// How many windows of compaction a table's life is cut into; Cassandra advises 20 to 50.
const WINDOWS: u64 = 30;
const HOUR_SECONDS: u64 = 3_600;

/// A name in quotes, so that case and keywords do not matter.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Makes the keyspace.
pub(crate) fn create_keyspace(keyspace: &str, replication: u32) -> String {
    format!(
        "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': {replication}}}",
        quoted(keyspace)
    )
}

/// Makes the table of partitions.
pub(crate) fn create_partitions(keyspace: &str) -> String {
    format!(
        "CREATE TABLE {}.{PARTITIONS} (\"table\" text, \"slice\" bigint, \"bucket\" bigint, \"key\" text, \
         PRIMARY KEY ((\"table\", \"slice\"), \"bucket\", \"key\"))",
        quoted(keyspace)
    )
}

/// Makes the table of positions.
pub(crate) fn create_positions(keyspace: &str) -> String {
    format!(
        "CREATE TABLE {}.{POSITIONS} (\"stream\" text, \"topic\" text, \"partition\" int, \"next\" bigint, \
         PRIMARY KEY ((\"stream\"), \"topic\", \"partition\")) WITH comment = {}",
        quoted(keyspace),
        text(POSITIONS_COMMENT)
    )
}

/// Makes the table of probes.
pub(crate) fn create_probes(keyspace: &str) -> String {
    format!(
        "CREATE TABLE {}.{PROBES} (\"stream\" text, \"partition\" int, \"sequence\" bigint, \"sent_at\" timestamp, \
         \"stored_at\" timestamp, PRIMARY KEY ((\"stream\"), \"partition\")) WITH comment = {}",
        quoted(keyspace),
        text(PROBES_COMMENT)
    )
}

/// Makes a table.
pub(crate) fn create_table(keyspace: &str, layout: &Layout) -> String {
    let columns = layout.columns();
    let names = |columns: &[CqlColumn]| columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", ");
    let all: Vec<String> = columns.all().map(|column| format!("{} {}", quoted(&column.name), column.cql)).collect();
    let mut options = Vec::new();
    if let Order::Time { newest_first: true, .. } = layout.order {
        let first = columns
            .clustering
            .iter()
            .enumerate()
            .map(|(index, column)| format!("{} {}", quoted(&column.name), if index == 0 { "DESC" } else { "ASC" }));
        options.push(format!("CLUSTERING ORDER BY ({})", first.collect::<Vec<_>>().join(", ")));
    }
    options.extend(table_options(layout).into_iter().map(|(name, value)| format!("{name} = {value}")));
    format!(
        "CREATE TABLE {}.{} ({}, PRIMARY KEY (({}), {})) WITH {}",
        quoted(keyspace),
        quoted(&layout.name),
        all.join(", "),
        names(&columns.partition),
        names(&columns.clustering),
        options.join(" AND ")
    )
}

/// The options of a table: names and values.
pub(crate) fn table_options(layout: &Layout) -> Vec<(&'static str, String)> {
    vec![
        ("comment", text(&describe::comment(layout))),
        ("compaction", compaction(layout)),
        ("default_time_to_live", layout.ttl_seconds.unwrap_or(0).to_string()),
        ("gc_grace_seconds", GC_GRACE_SECONDS.to_string()),
    ]
}

/// Rows that come and go in the order of time are compacted in windows of time, and dropped a file at a time.
fn compaction(layout: &Layout) -> String {
    // The time that a row of the aggregates is written at is not a time of day.
    if layout.table == Table::Aggregates || matches!(layout.order, Order::Position { .. }) {
        return "{'class': 'SizeTieredCompactionStrategy'}".to_owned();
    }
    let bucket = u64::try_from(layout.order.bucket_seconds().unwrap_or(0)).unwrap_or(0);
    let window = layout.ttl_seconds.map_or(24 * HOUR_SECONDS, |ttl| ttl / WINDOWS).max(bucket);
    let hours = window.div_ceil(HOUR_SECONDS).max(1);
    format!(
        "{{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'HOURS', 'compaction_window_size': '{hours}'}}"
    )
}

/// Puts a row; the last value is its time.
pub(crate) fn insert(keyspace: &str, layout: &Layout) -> String {
    let columns = layout.columns();
    let names: Vec<String> = columns.all().map(|column| quoted(&column.name)).collect();
    format!(
        "INSERT INTO {}.{} ({}) VALUES ({}) USING TIMESTAMP ?",
        quoted(keyspace),
        quoted(&layout.name),
        names.join(", "),
        vec!["?"; names.len()].join(", ")
    )
}

/// Says that a partition exists.
pub(crate) fn insert_partition(keyspace: &str) -> String {
    format!(
        "INSERT INTO {}.{PARTITIONS} (\"table\", \"slice\", \"bucket\", \"key\") VALUES (?, ?, ?, ?) USING TTL ?",
        quoted(keyspace)
    )
}

/// Keeps the position of a partition; the last value is its write time.
pub(crate) fn insert_position(keyspace: &str) -> String {
    format!(
        "INSERT INTO {}.{POSITIONS} (\"stream\", \"topic\", \"partition\", \"next\") VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
        quoted(keyspace)
    )
}

/// Reads the positions of a stream.
pub(crate) fn select_positions(keyspace: &str) -> String {
    format!("SELECT \"topic\", \"partition\", \"next\" FROM {}.{POSITIONS} WHERE \"stream\" = ?", quoted(keyspace))
}

/// Keeps the newest probe of a partition; the last value is its write time.
pub(crate) fn insert_probe(keyspace: &str) -> String {
    format!(
        "INSERT INTO {}.{PROBES} (\"stream\", \"partition\", \"sequence\", \"sent_at\", \"stored_at\") \
         VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
        quoted(keyspace)
    )
}

/// Reads the newest probes of all streams.
pub(crate) fn select_probes(keyspace: &str) -> String {
    format!(
        "SELECT \"stream\", \"partition\", \"sequence\", \"sent_at\", \"stored_at\" FROM {}.{PROBES}",
        quoted(keyspace)
    )
}

/// Lists the slices in which partitions are listed.
pub(crate) fn select_slices(keyspace: &str) -> String {
    format!("SELECT DISTINCT \"table\", \"slice\" FROM {}.{PARTITIONS}", quoted(keyspace))
}

/// Lists the partitions of a slice between two buckets, both included.
pub(crate) fn select_partitions(keyspace: &str) -> String {
    format!(
        "SELECT \"bucket\", \"key\" FROM {}.{PARTITIONS} \
         WHERE \"table\" = ? AND \"slice\" = ? AND \"bucket\" >= ? AND \"bucket\" <= ?",
        quoted(keyspace)
    )
}

/// Reads columns of one partition between two values of the first clustering column, both included.
pub(crate) fn select(keyspace: &str, layout: &Layout, projection: &[usize]) -> String {
    let columns = layout.columns();
    let find = |index: usize| {
        let named = layout.schema.field(index).name();
        columns.all().find(|column| column.name == *named).map(|column| quoted(&column.name))
    };
    let mut names: Vec<String> = projection.iter().filter_map(|index| find(*index)).collect();
    if names.is_empty() {
        // Rows are counted, and no column is wanted.
        names.push(quoted(&columns.clustering[0].name));
    }
    let keys: Vec<String> = columns.partition.iter().map(|column| format!("{} = ?", quoted(&column.name))).collect();
    let order = quoted(&columns.clustering[0].name);
    format!(
        "SELECT {} FROM {}.{} WHERE {} AND {order} >= ? AND {order} <= ?",
        names.join(", "),
        quoted(keyspace),
        quoted(&layout.name),
        keys.join(" AND "),
    )
}

/// Adds a column.
pub(crate) fn add_column(keyspace: &str, layout: &Layout, column: &CqlColumn) -> String {
    format!("ALTER TABLE {}.{} ADD {} {}", quoted(keyspace), quoted(&layout.name), quoted(&column.name), column.cql)
}

/// Sets options.
pub(crate) fn set_options(keyspace: &str, layout: &Layout, options: &[(&'static str, String)]) -> String {
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("ALTER TABLE {}.{} WITH {}", quoted(keyspace), quoted(&layout.name), options.join(" AND "))
}
