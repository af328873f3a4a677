//! Where rows lie in a plane of two columns: 64 x 64 counts.

use stream::{PageAxis, PageMap};

/// Cells of a side.
pub(crate) const SIDE: usize = 64;

/// Counts by place, row by row, the second column outside.
#[derive(Debug, Clone)]
pub struct Map {
    of: PageMap,
    counts: Vec<u64>,
    anomalies: Vec<u64>,
    outside: u64,
}

impl Map {
    /// An empty map of these columns and ranges.
    pub fn new(of: PageMap) -> Self {
        Self { of, counts: vec![0; SIDE * SIDE], anomalies: vec![0; SIDE * SIDE], outside: 0 }
    }

    /// Counts a row. What lies outside of the ranges, or is not a number, counts as outside.
    pub fn add(&mut self, x: f64, y: f64, anomalous: bool) {
        let (Some(x), Some(y)) = (cell(x, &self.of.x), cell(y, &self.of.y)) else {
            self.outside += 1;
            return;
        };
        self.counts[y * SIDE + x] += 1;
        self.anomalies[y * SIDE + x] += u64::from(anomalous);
    }

    /// The two columns, with their ranges.
    pub fn axes(&self) -> (&PageAxis, &PageAxis) {
        (&self.of.x, &self.of.y)
    }

    /// All rows by cell.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The anomalous rows by cell.
    pub fn anomalies(&self) -> &[u64] {
        &self.anomalies
    }

    /// How many rows have no cell.
    pub fn outside(&self) -> u64 {
        self.outside
    }
}

/// The cell of `value`; the upper end of the range is in the last one.
fn cell(value: f64, axis: &PageAxis) -> Option<usize> {
    let (low, high) = (axis.min, axis.max);
    if !(low..=high).contains(&value) {
        return None;
    }
    Some((((value - low) / (high - low) * SIDE as f64) as usize).min(SIDE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_inside_and_what_is_no_number_is_not() {
        let axis = |column: &str, end: f64| PageAxis { column: column.to_owned(), min: -end, max: end };
        let mut map = Map::new(PageMap { x: axis("x", 5.0), y: axis("y", 1.0) });
        map.add(-5.0, -1.0, false);
        map.add(5.0, 1.0, true);
        for x in [f64::NAN, 5.001, f64::INFINITY] {
            map.add(x, 0.0, false);
        }
        assert_eq!((map.counts()[0], map.counts()[SIDE * SIDE - 1], map.anomalies()[SIDE * SIDE - 1]), (1, 1, 1));
        assert_eq!(map.outside(), 3);
        assert_eq!(map.counts().iter().sum::<u64>(), 2);
    }
}
