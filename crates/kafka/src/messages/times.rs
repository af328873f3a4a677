//! When the messages of a batch were taken in.

use std::cell::Cell;

/// When each message of a batch was taken in: milliseconds since 1970, by offset.
#[derive(Debug, Default)]
pub(crate) struct Times {
    taken_in: Vec<(u64, i64)>,
    /// Where the one after the last that was asked for is: they are mostly asked for in order.
    next: Cell<usize>,
}

impl Times {
    /// Of offsets that ascend.
    pub(crate) fn new(taken_in: Vec<(u64, i64)>) -> Self {
        Self { taken_in, next: Cell::new(0) }
    }

    pub(crate) fn of(&self, position: u64) -> i64 {
        let next = self.next.get();
        let found = match self.taken_in.get(next) {
            Some((offset, _)) if *offset == position => Ok(next),
            _ => self.taken_in.binary_search_by_key(&position, |(offset, _)| *offset),
        };
        let Ok(index) = found else { return 0 };
        self.next.set(index + 1);
        self.taken_in[index].1
    }

    /// Of the first message, and of the last.
    pub(crate) fn ends(&self) -> (i64, i64) {
        let time = |of: Option<&(u64, i64)>| of.map_or(0, |(_, time)| *time);
        (time(self.taken_in.first()), time(self.taken_in.last()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_found_in_any_order() {
        let times = Times::new(vec![(3, 30), (4, 40), (7, 70), (9, 90)]);
        for position in [3, 4, 7, 9, 3, 9, 4, 5, 7, 2, 10, 4, 7] {
            let expected = if [3, 4, 7, 9].contains(&position) { position as i64 * 10 } else { 0 };
            assert_eq!(times.of(position), expected, "{position}");
        }
        assert_eq!((times.ends(), Times::default().ends()), ((30, 90), (0, 0)));
    }
}
