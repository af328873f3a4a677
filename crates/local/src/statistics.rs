//! `statistics_*.json`: the account of a run so far, for people and scripts.

use serde_json::json;
use store::{FileEntry, Results, Table, write_atomic};

use crate::{LocalError, progress::Progress};

/// Writes the statistics as committed at this position.
pub(crate) fn write<'a>(
    results: &Results,
    stream: &str,
    files: impl Iterator<Item = &'a FileEntry> + Clone,
    progress: &Progress,
) -> Result<(), LocalError> {
    let ledger = &progress.ledger;
    let share = |count: u64| if ledger.records == 0 { 0.0 } else { count as f64 / ledger.records as f64 };
    let times = files.filter(|file| file.table == Table::ProcessedData);
    let time = |micros: Option<i64>| micros.and_then(arrow::temporal_conversions::timestamp_us_to_datetime);
    let statistics = json!({
        "stream": stream,
        "position": progress.position,
        "finished": progress.finished,
        "records": ledger.records,
        "events": ledger.out,
        "filtered": ledger.filtered,
        "dead_lettered": ledger.dead_lettered,
        "late": ledger.late,
        "anomalies": ledger.anomalies,
        "anomaly_share": share(ledger.anomalies),
        "silences": ledger.silences,
        "dead_letter_share": share(ledger.dead_lettered),
        "anomalies_by_reason": ledger.reasons,
        "dead_letters_by_rule": ledger.dead_letter_rules,
        "first_event": time(times.clone().filter_map(|file| file.time_min).min()).map(|time| time.to_string()),
        "last_event": time(times.filter_map(|file| file.time_max).max()).map(|time| time.to_string()),
    });
    let path = results.reports().join(format!("statistics_{:012}.json", progress.position));
    let mut text =
        serde_json::to_vec_pretty(&statistics).map_err(|error| LocalError::Damaged { what: error.to_string() })?;
    text.push(b'\n');
    Ok(write_atomic(&path, &text)?)
}
