//! The pipeline as text for a terminal.

use std::fmt::Write;

use crate::Graph;

/// Columns of the names of steps.
const NAME_WIDTH: usize = 11;

pub(crate) fn draw(graph: &Graph) -> String {
    let mut text = format!("{}\n", graph.name);
    for (index, step) in graph.steps.iter().enumerate() {
        let bar = if index + 1 < graph.steps.len() { "│" } else { " " };
        if index > 0 {
            text.push_str("  ▼\n");
        }
        for (number, line) in step.lines.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = match number {
                0 => writeln!(text, "  {:<NAME_WIDTH$} {line}", step.name),
                _ => writeln!(text, "  {bar:<NAME_WIDTH$} {line}"),
            };
        }
        for table in &step.tables {
            let branch = if bar == "│" { "├──►" } else { "└──►" };
            let _ = writeln!(text, "  {branch:<NAME_WIDTH$} {}: {}", table.name, table.why);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_stand_below_each_other_and_their_tables_beside_them() {
        let stream = examples::Example::named("logs").unwrap().load().unwrap();
        let expected = "\
logs
  source      synthetic: logs, 2000 events/s
  │           8 partitions by host
  ▼
  quality     request_id, host and timestamp are there
  │           known_status: status BETWEEN 100 AND 599
  │           known_level: level IN ('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL')
  ├──►        dead_letters: what fails, with its bytes and the reason
  ▼
  enrich      is_error = status >= 500
  │           status_class = concat(CAST(status / 100 AS VARCHAR), 'xx')
  │           section = split_part(path, '/', 2)
  │           keep where level NOT IN ('TRACE', 'DEBUG')
  ├──►        filtered: the others, counted
  ▼
  detect      very_slow: latency_ms > 10000
  │           ewma, mahalanobis, chains, frequency of ln(latency_ms + 1), ln(bytes + 1), CAST(is_error AS DOUBLE), frequency(path), frequency(status)
  │           false alarms: 0.001 of ordinary events
  ├──►        anomalies: what a rule or layer calls anomalous
  ├──►        processed_data: every event that comes out
  ▼
  aggregate   error_rates: windows of 1m by host
              sections: windows of 5m every 1m by section, status_class
  └──►        error_rates: requests, errors, error_rate, latency_95
  └──►        sections: requests, megabytes, slowest
  └──►        late: events that a window no longer took
";
        assert_eq!(draw(&Graph::of(&stream)), expected);
    }
}
