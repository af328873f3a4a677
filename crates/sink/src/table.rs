//! The tables of a stream's results.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table of a stream's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Every event that came through, with its enriched columns and scores.
    ProcessedData,
    /// The anomalous ones among them.
    Anomalies,
    /// What could not go on, with the reason.
    DeadLetters,
    /// What an aggregate does not have, since it came after its window had closed, with how much too late it was.
    Late,
    /// What was computed of windows of event time: one row for each aggregate, window and group.
    Aggregates,
    /// Extra CSV files for a spreadsheet: no table to a query.
    Reports,
}

impl Table {
    /// The tables a query can name.
    pub const QUERIED: [Table; 5] =
        [Self::ProcessedData, Self::Anomalies, Self::DeadLetters, Self::Late, Self::Aggregates];

    /// The table's name in SQL, and its folder's.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProcessedData => "processed_data",
            Self::Anomalies => "anomalies",
            Self::DeadLetters => "dead_letters",
            Self::Late => "late",
            Self::Aggregates => "aggregates",
            Self::Reports => "reports",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
