//! The board as text: the cells of its tables, and the whole of it for a pipe or a log.

use crate::{
    board::Board,
    row::{Alarms, Row},
};

/// The heads of the columns of stages.
pub(crate) const STAGES: [&str; 12] =
    ["stream", "stage", "state", "processes", "in", "in/s", "out", "out/s", "lag", "dead", "p50", "p99"];
/// The heads of the columns of alarms.
pub(crate) const ALARMS: [&str; 4] = ["stream", "layer", "alarms", "a minute"];
/// What is not known.
const UNKNOWN: &str = "-";

/// The cells of a stage.
pub(crate) fn stage(row: &Row) -> [String; 12] {
    [
        row.stream.clone(),
        row.stage.clone(),
        row.state.clone(),
        row.processes.to_string(),
        count(row.in_total),
        rate(row.in_rate),
        count(row.out_total),
        rate(row.out_rate),
        count(row.lag),
        count(row.dead_letters),
        seconds(row.latency_p50),
        seconds(row.latency_p99),
    ]
}

/// The cells of a layer's alarms.
pub(crate) fn alarms(alarms: &Alarms) -> [String; 4] {
    [alarms.stream.clone(), alarms.layer.clone(), count(Some(alarms.total)), rate(alarms.per_minute)]
}

fn known<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), write)
}

/// A count with a comma between thousands.
fn count(value: Option<u64>) -> String {
    known(value, |value| {
        let digits = value.to_string();
        let begins = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
        let parts = digits
            .char_indices()
            .map(|(index, digit)| if begins(index) { format!(",{digit}") } else { digit.to_string() });
        parts.collect()
    })
}

fn rate(value: Option<f64>) -> String {
    known(
        value,
        |value| if value < 10.0 && value > 0.0 { format!("{value:.1}") } else { count(Some(value.round() as u64)) },
    )
}

fn seconds(value: Option<f64>) -> String {
    known(value, |value| match value {
        value if value < 1.0 => format!("{:.0} ms", value * 1000.0),
        value => format!("{value:.1} s"),
    })
}

/// The stages, the alarms and the notes, as a table of columns that are aligned.
pub fn table(board: &Board) -> String {
    let mut text = aligned(&STAGES, board.rows().iter().map(stage), 3);
    if !board.alarms().is_empty() {
        text.push('\n');
        text.push_str(&aligned(&ALARMS, board.alarms().iter().map(alarms), 2));
    }
    if !board.notes().is_empty() {
        text.push('\n');
    }
    for note in board.notes() {
        text.push_str(&format!("{note}\n"));
    }
    text
}

/// Lines of cells: the first `left` columns to the left, the others to the right.
fn aligned<const N: usize>(heads: &[&str; N], rows: impl Iterator<Item = [String; N]>, left: usize) -> String {
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(rows);
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for cells in &lines {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column < left {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(|n| count(Some(n))), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.25, 9.96, 1234.4].map(|r| rate(Some(r))), ["0", "0.2", "10.0", "1,234"]);
        assert_eq!([0.0123, 0.9994, 1.0, 61.25].map(|s| seconds(Some(s))), ["12 ms", "999 ms", "1.0 s", "61.2 s"]);
        assert_eq!(count(None), "-");
    }
}
