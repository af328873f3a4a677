//! Where reading goes on, as a store has it.

use std::collections::BTreeMap;

use crate::TopicPartition;

/// Where reading goes on, as a store has it: the first position of each partition that is not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    /// Kept together with the rows: these count for more than what a consumer group has.
    pub kept: BTreeMap<TopicPartition, u64>,
    /// Found in data of an earlier version, which kept no positions: for a group that has none either. Everything before
    /// them is stored; what lies behind them may be as well, and the sink replaces it when it comes again.
    pub found: BTreeMap<TopicPartition, u64>,
}
