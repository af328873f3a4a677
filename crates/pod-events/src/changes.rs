//! What becomes an event: parts that cannot do their work for a known reason, and that they can again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use service::{Condition, Conditions};

/// What Kubernetes takes as the text of an event, in bytes.
const NOTE_BYTES_MAX: usize = 1024;
const CUT: &str = "…";

/// A part's condition that is to become an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    part: String,
    /// Why it is not ready; none where it is ready again.
    reason: Option<String>,
}

impl Change {
    pub(crate) fn is_warning(&self) -> bool {
        self.reason.is_some()
    }

    /// The text of the event.
    pub(crate) fn note(&self) -> String {
        let mut note = match &self.reason {
            Some(reason) => format!("{}: {reason}", self.part),
            None => format!("{}: ready again", self.part),
        };
        if note.len() > NOTE_BYTES_MAX {
            note.truncate(note.floor_char_boundary(NOTE_BYTES_MAX - CUT.len()));
            note.push_str(CUT);
        }
        note
    }

    /// What is the same for changes that are counted as one event.
    pub(crate) fn kind(&self) -> String {
        format!("{}: {}", self.part, self.reason.as_deref().map(without_numbers).unwrap_or_default())
    }
}

/// A reason whose numbers are left out: the same one says how often something has failed by now, or since when.
fn without_numbers(reason: &str) -> String {
    let mut text = String::with_capacity(reason.len());
    for sign in reason.chars() {
        match sign.is_ascii_digit() {
            false => text.push(sign),
            true if text.ends_with('#') => {}
            true => text.push('#'),
        }
    }
    text
}

/// The last event of each part.
pub(crate) struct Published {
    parts: BTreeMap<String, Last>,
    /// Most clusters keep events for an hour: a reason that lasts is published again after so long.
    repeat_after: Duration,
    begun: Instant,
}

struct Last {
    /// The reason, without its numbers; none where the part was ready again.
    reason: Option<String>,
    at: Instant,
}

impl Published {
    pub(crate) fn nothing(repeat_after: Duration, now: Instant) -> Self {
        Self { parts: BTreeMap::new(), repeat_after, begun: now }
    }

    /// The next event, and when it is due. Of several it is that of the part whose last event is the oldest, so that a part
    /// that changes all the time does not hold back others.
    pub(crate) fn next(&self, conditions: &Conditions) -> Option<(Instant, Change)> {
        let due = conditions.iter().filter_map(|(part, condition)| {
            let last = self.parts.get(part);
            let reason = last.and_then(|last| last.reason.as_deref());
            let at = last.map_or(self.begun, |last| last.at);
            match condition {
                Condition::Unready(Some(now)) => {
                    let is_repeated = reason == Some(without_numbers(now).as_str());
                    let at = if is_repeated { at + self.repeat_after } else { at };
                    Some((at, Change { part: part.clone(), reason: Some(now.clone()) }))
                }
                Condition::Ready => reason.map(|_| (at, Change { part: part.clone(), reason: None })),
                // What begins, ends or waits for its partitions.
                Condition::Unready(None) => None,
            }
        });
        due.min_by_key(|(at, _)| *at)
    }

    /// The event of this change was published.
    pub(crate) fn add(&mut self, change: Change, now: Instant) {
        let reason = change.reason.as_deref().map(without_numbers);
        self.parts.insert(change.part, Last { reason, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPEAT: Duration = Duration::from_secs(300);

    /// Conditions over time, and the texts of the events published by then.
    struct Service {
        conditions: Conditions,
        published: Published,
        now: Instant,
    }

    impl Service {
        fn new() -> Self {
            let now = Instant::now();
            Self { conditions: Conditions::new(), published: Published::nothing(REPEAT, now), now }
        }

        fn unready(&mut self, part: &str, reason: &str) -> Vec<String> {
            self.set(part, Condition::Unready(Some(reason.to_owned())))
        }

        fn set(&mut self, part: &str, condition: Condition) -> Vec<String> {
            self.conditions.insert(part.to_owned(), condition);
            self.after(Duration::from_secs(1))
        }

        fn after(&mut self, time: Duration) -> Vec<String> {
            self.now += time;
            let mut notes = Vec::new();
            while let Some((_, change)) = self.published.next(&self.conditions).filter(|(at, _)| *at <= self.now) {
                notes.push(change.note());
                self.published.add(change, self.now);
            }
            notes
        }
    }

    #[test]
    fn a_reason_is_an_event_and_its_end_another() {
        let mut service = Service::new();
        assert_eq!(service.unready("registry", "does not answer"), ["registry: does not answer"]);
        assert!(service.unready("registry", "does not answer").is_empty());
        assert_eq!(service.unready("registry", "has lost its schemas"), ["registry: has lost its schemas"]);
        assert_eq!(service.set("registry", Condition::Ready), ["registry: ready again"]);
        assert!(service.set("registry", Condition::Ready).is_empty());
        assert!(service.after(10 * REPEAT).is_empty());
        assert_eq!(service.unready("registry", "does not answer"), ["registry: does not answer"]);
    }

    #[test]
    fn an_ordinary_start_and_end_are_no_events() {
        let mut service = Service::new();
        for condition in [Condition::Unready(None), Condition::Ready, Condition::Unready(None)] {
            assert!(service.set("assignment", condition).is_empty());
        }
        service.unready("assignment", "partition 3 stands still");
        assert!(service.set("assignment", Condition::Unready(None)).is_empty(), "it is not over by that");
        assert_eq!(service.set("assignment", Condition::Ready), ["assignment: ready again"]);
    }

    #[test]
    fn a_reason_that_counts_is_one_reason() {
        let mut service = Service::new();
        assert_eq!(service.unready("w", "3 failures in a row; topic t9"), ["w: 3 failures in a row; topic t9"]);
        assert!(service.unready("w", "14 failures in a row; topic t9").is_empty());
        let kind = |reason: &str| Change { part: "w".to_owned(), reason: Some(reason.to_owned()) }.kind();
        assert_eq!(kind("9 of 10"), kind("10 of 11"));
        assert_ne!(kind("no offset"), kind("no schema"));
    }

    #[test]
    fn what_lasts_is_published_again_before_kubernetes_forgets_it() {
        let mut service = Service::new();
        service.unready("registry", "does not answer");
        assert!(service.after(REPEAT - Duration::from_secs(1)).is_empty());
        assert_eq!(service.after(Duration::from_secs(1)), ["registry: does not answer"]);
    }

    #[test]
    fn a_part_that_changes_all_the_time_does_not_hold_back_others() {
        let mut service = Service::new();
        service.unready("a", "one");
        service.conditions.insert("a".to_owned(), Condition::Unready(Some("two".to_owned())));
        service.conditions.insert("b".to_owned(), Condition::Unready(Some("one".to_owned())));
        assert_eq!(service.after(Duration::from_secs(1)), ["b: one", "a: two"]);
    }

    #[test]
    fn a_note_is_as_long_as_kubernetes_takes_it() {
        let change = Change { part: "w".to_owned(), reason: Some("ä".repeat(2000)) };
        let note = change.note();
        assert!(note.len() <= NOTE_BYTES_MAX && note.len() > NOTE_BYTES_MAX - 4, "{}", note.len());
        assert!(note.ends_with("ä…"));
    }
}
