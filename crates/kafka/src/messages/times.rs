//! When the messages of a batch were taken in.

/// When each message of a batch was taken in: milliseconds since 1970, by offset.
#[derive(Debug, Default)]
pub(crate) struct Times(pub Vec<(u64, i64)>);

impl Times {
    pub(crate) fn of(&self, position: u64) -> i64 {
        match self.0.binary_search_by_key(&position, |(offset, _)| *offset) {
            Ok(index) => self.0[index].1,
            Err(_) => 0,
        }
    }
}
