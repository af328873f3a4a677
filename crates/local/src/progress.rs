//! Where a run stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use source::Cursor;
use stage::Ledger;
use store::{Dropped, Table};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Every record before this position is committed.
    pub position: u64,
    /// The oldest position that a restart has to read again to have every key's state.
    pub horizon: u64,
    /// The position of the last commit with states: a restart reads again all rows from there. Programs that wrote states with
    /// each commit did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<u64>,
    /// Where the source stands.
    pub cursor: Cursor,
    pub ledger: Ledger,
    /// Whether the source came to its end.
    pub finished: bool,
    /// What retention has dropped of each table.
    #[serde(default)]
    pub dropped: BTreeMap<Table, Dropped>,
}

impl Progress {
    /// The windows, and what all keys share, have their state at this position.
    pub(crate) fn stated(&self) -> u64 {
        self.stated.unwrap_or(self.position)
    }
}
