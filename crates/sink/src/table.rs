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
    /// What came after its window had closed.
    Late,
    /// Extra CSV files for a spreadsheet: no table to a query.
    Reports,
    /// Window results.
    Aggregates,
}

impl Table {
    /// The tables a query can name.
    pub const QUERIED: [Table; 5] =
        [Self::ProcessedData, Self::Anomalies, Self::Aggregates, Self::DeadLetters, Self::Late];

    /// The table's name in SQL, and its folder's.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProcessedData => "processed_data",
            Self::Anomalies => "anomalies",
            Self::Aggregates => "aggregates",
            Self::DeadLetters => "dead_letters",
            Self::Late => "late",
            Self::Reports => "reports",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
