//! What the learned layers say of the rows of a batch.

use detect::{Cause, Detector, Event};
use hints::prefetch;

use super::{Detect, row_scores::RowScores, shared::Span};
use crate::{Outputs, Rows, StageError};

/// Causes of alarms, each with the row that they are of.
type Found = Vec<(u32, Vec<Cause>)>;

/// What the detector says of each row.
pub(super) struct Scored {
    pub(super) scores: RowScores,
    /// Whether what all keys do together alarmed at the row, where a layer looks at that; `None` for a row that was taken before.
    pub(super) bursts: Vec<Option<bool>>,
    /// Where the row's key has its state; empty where no key has one.
    pub(super) slots: Vec<Option<u32>>,
    pub(super) causes: Vec<Cause>,
    /// The rows that have causes, each with the place of its first one.
    pub(super) causes_of: Vec<(u32, u32)>,
}

impl Scored {
    fn unscored(scores: RowScores) -> Self {
        Self { scores, bursts: Vec::new(), slots: Vec::new(), causes: Vec::new(), causes_of: Vec::new() }
    }

    /// Takes the causes in the order of their rows; those of one row stay in the order in which they were found.
    fn take_causes(&mut self, mut found: Found) {
        found.sort_by_key(|(row, _)| *row);
        for (row, causes) in found {
            if self.causes_of.last().is_none_or(|(last, _)| *last != row) {
                self.causes_of.push((row, self.causes.len() as u32));
            }
            self.causes.extend(causes);
        }
    }
}

impl Detect {
    /// Scores each row by its key's state, then by what all keys do together.
    pub(super) fn score(
        &mut self,
        rows: &Rows,
        times: &[Option<i64>],
        out: &mut Outputs,
    ) -> Result<Scored, StageError> {
        let layers = self.detector.as_ref().map(Detector::layers).unwrap_or_default();
        let mut scored = Scored::unscored(RowScores::unscored(rows.len(), layers, self.expecting.len()));
        if self.detector.is_none() && self.episode_after.is_none() {
            return Ok(scored);
        }
        let order = self.find_states(rows, &mut scored, out)?;
        let mut found = self.score_by_key(rows, times, order, &mut scored)?;
        self.score_together(rows, times, &mut scored, &mut found);
        scored.take_causes(found);
        Ok(scored)
    }

    /// Finds the state of each row's key, and gives the rows that have one, with its slot.
    fn find_states(
        &mut self,
        rows: &Rows,
        scored: &mut Scored,
        out: &mut Outputs,
    ) -> Result<Vec<(u32, u32)>, StageError> {
        self.states.make_room(self.detector.as_ref(), 0)?;
        let mut order = Vec::with_capacity(rows.len());
        for (row, (key, position)) in rows.keys.iter().zip(rows.positions.values()).enumerate() {
            let key = key.unwrap_or_default();
            let slot = self.states.touch(self.detector.as_ref(), key, *position)?;
            scored.slots.push(slot);
            match slot {
                Some(slot) => order.push((slot, row as u32)),
                None => out.unscored += 1,
            }
        }
        Ok(order)
    }

    /// Scores the rows of each block of what keys share after another.
    fn score_by_key(
        &mut self,
        rows: &Rows,
        times: &[Option<i64>],
        mut order: Vec<(u32, u32)>,
        scored: &mut Scored,
    ) -> Result<Found, StageError> {
        let (mut found, mut rest, mut begin) = (Found::new(), order.as_mut_slice(), 0);
        while begin < rows.len() {
            let positions = &rows.positions.values()[begin..];
            let span = self.shared.as_ref().map(|shared| shared.span(positions));
            let events = span.map_or(positions.len(), |span| span.events);
            begin += events;
            let of_span = rest.partition_point(|(_, row)| (*row as usize) < begin);
            let (block, after) = std::mem::take(&mut rest).split_at_mut(of_span);
            rest = after;
            self.score_block(times, (block, span), scored, &mut found)?;
            if let (Some(shared), Some(detector), Some(span)) = (&mut self.shared, &self.detector, span) {
                shared.took(detector, span, positions[events - 1]);
            }
        }
        Ok(found)
    }

    /// Rows are taken key by key, since a state is far larger than a cache line and the order between keys changes nothing, at
    /// least within a block of what keys share. The rows and the state of the next key are fetched meanwhile.
    fn score_block(
        &mut self,
        times: &[Option<i64>],
        (block, span): (&mut [(u32, u32)], Option<Span>),
        scored: &mut Scored,
        found: &mut Found,
    ) -> Result<(), StageError> {
        let Some(detector) = &self.detector else { return Ok(()) };
        let width = self.stream.features.len();
        block.sort_unstable();
        let mut keys = block.chunk_by(|(slot, _), (next, _)| slot == next).peekable();
        while let Some(of_key) = keys.next() {
            let of_next = keys.peek().copied().unwrap_or_default();
            for row in of_next.iter().map(|(_, row)| *row as usize) {
                self.features.get(row * width).into_iter().for_each(prefetch);
                times.get(row).into_iter().for_each(prefetch);
            }
            let next = of_next.first().map(|(slot, _)| *slot);
            let (learned, next) = self.states.learned_before(detector, of_key[0].0, next)?;
            for (number, (_, row)) in of_key.iter().enumerate() {
                next.iter().for_each(|next| next.fetch(number, of_key.len()));
                let row = *row as usize;
                let features = &self.features[row * width..(row + 1) * width];
                let event = Event { features, time: times.get(row).copied().flatten() };
                let mut causes = Vec::new();
                let sharing = self.shared.as_mut().zip(span).map(|(shared, span)| shared.of(span));
                scored.scores.set(row, &detector.observe_among(learned, &event, sharing, Some(&mut causes)));
                if !causes.is_empty() {
                    found.push((row as u32, causes));
                }
            }
        }
        Ok(())
    }

    /// What all keys of the partition do together, row by row.
    fn score_together(&mut self, rows: &Rows, times: &[Option<i64>], scored: &mut Scored, found: &mut Found) {
        let of_partition = self.detector.as_ref().and_then(Detector::of_partition);
        let (Some(together), Some(detector)) = (&mut self.together, of_partition) else { return };
        for (row, (time, position)) in times.iter().zip(rows.positions.values()).enumerate() {
            let mut causes = Vec::new();
            let taken = together.take(detector, *position, *time, &mut causes);
            taken.iter().for_each(|taken| scored.scores.join(row, taken));
            scored.bursts.push(taken.map(|taken| taken.anomalous()));
            if !causes.is_empty() {
                found.push((row as u32, causes));
            }
        }
    }
}
