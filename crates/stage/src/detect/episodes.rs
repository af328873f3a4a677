//! Which alarms belong together.

use arrow::array::BooleanArray;
use detect::Episode;

use super::{Detect, Scored, together::KEY};
use crate::{Rows, StageError, key_text};

impl Detect {
    /// The episode of each row that alarms, where there are episodes. What alarms by the layers of its key or by a rule belongs to
    /// an episode of the key; what alarms only by what all keys do together, to the key's open one, else to one that they share.
    /// Nothing of a burst changes a key's state, so that a restart repeats every episode.
    pub(super) fn episodes(
        &mut self,
        rows: &Rows,
        rules: &[BooleanArray],
        scored: &Scored,
    ) -> Result<Option<Vec<Option<u64>>>, StageError> {
        let Some(after) = self.episode_after else { return Ok(None) };
        let column = rows.batch.schema_ref().index_of(&self.stream.definition.spec.id)?;
        let ids = key_text(rows.batch.column(column))?;
        let mut episodes = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let (key, id) = (rows.keys.value(row), ids.value(row));
            let alarm = scored.scores.is_anomalous_of_key(row) || rules.iter().any(|rule| rule.value(row));
            let (mut found, mut open) = (None, None);
            if let Some(slot) = scored.slots.get(row).copied().flatten() {
                let episode = self.states.episode_mut(slot);
                found = episode.take(after, alarm, key, id);
                open = episode.open(after);
            } else if alarm {
                // A key without a state: each of its alarms is one of its own.
                found = Episode::default().take(after, true, key, id);
            }
            if let (Some(together), Some(Some(alarmed))) = (&mut self.together, scored.bursts.get(row)) {
                let shared = together.episode.take(after, *alarmed, KEY, id);
                found = found.or(shared.map(|shared| open.unwrap_or(shared)));
            }
            episodes.push(found);
        }
        Ok(Some(episodes))
    }
}
