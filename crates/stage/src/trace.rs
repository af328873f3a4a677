//! The traces of events: the id of each, and those that came with the events.

use std::{fmt, sync::Arc};

use twox_hash::xxhash3_128::Hasher;

/// The id of a trace, as W3C Trace Context has it. As text it is 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl TraceId {
    /// Of the event `id` of a stream, where none came with it: XXH3 (128 bits) over the stream's name, a zero byte and the
    /// id as text. It is the same wherever and however often the event is processed, and whether or not traces are sent.
    pub fn of(stream: &str, id: &str) -> Self {
        Self(Hasher::oneshot(&[stream.as_bytes(), &[0], id.as_bytes()].concat()))
    }

    /// As it is stored.
    pub fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The traces that some rows of a batch came with.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// By position, ascending.
    by_position: Option<Arc<[(u64, TraceId)]>>,
}

impl Traces {
    /// The trace that the row at this position came with.
    pub fn of(&self, position: u64) -> Option<TraceId> {
        let traces = self.by_position.as_ref()?;
        let at = traces.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        Some(traces[at].1)
    }
}

impl FromIterator<(u64, TraceId)> for Traces {
    /// Of positions that ascend.
    fn from_iter<T: IntoIterator<Item = (u64, TraceId)>>(traces: T) -> Self {
        let traces: Vec<_> = traces.into_iter().collect();
        Self { by_position: (!traces.is_empty()).then(|| traces.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `xxh128sum` and Python's `xxhash.xxh3_128_hexdigest` give for the same bytes.
    #[test]
    fn other_programs_come_to_the_same_id() {
        assert_eq!(TraceId(Hasher::oneshot(b"")).to_string(), "99aa06d3014798d86001c324468d497f");
        assert_eq!(TraceId::of("particle-events", "e-1").to_string(), "f86a62409e2f2e9fc0773d7b4b4b609b");
        assert_eq!(TraceId(0xab).to_string(), "000000000000000000000000000000ab");
        assert_eq!(TraceId::parse("000000000000000000000000000000ab"), Some(TraceId(0xab)));
        assert_eq!(TraceId::parse("trace"), None);
    }

    #[test]
    fn the_name_and_the_id_do_not_run_into_each_other() {
        assert_ne!(TraceId::of("hits", "1"), TraceId::of("hit", "s1"));
        assert_ne!(TraceId::of("hits", "1"), TraceId::of("hits", "2"));
    }

    #[test]
    fn a_trace_is_found_by_its_position() {
        let traces: Traces = [(3, TraceId(7)), (9, TraceId(8))].into_iter().collect();
        assert_eq!([2, 3, 8, 9].map(|position| traces.of(position)), [None, Some(TraceId(7)), None, Some(TraceId(8))]);
        assert_eq!(Traces::default().of(0), None);
    }
}
