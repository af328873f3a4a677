//! How often the registry is asked on behalf of messages whose schema is not known.

use std::time::{Duration, Instant};

/// Ids that are asked for in one period: a request takes some milliseconds, and the partition waits meanwhile.
const IDS_MAX: u32 = 20;
/// The period.
const PERIOD: Duration = Duration::from_secs(1);

/// What is left of a period's requests.
pub(super) struct Budget {
    begun: Instant,
    asked: u32,
    listed: bool,
    witnessed: bool,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), asked: 0, listed: false, witnessed: false }
    }

    /// Whether one more id may be asked for.
    pub(super) fn ask(&mut self) -> bool {
        self.renew();
        self.asked += 1;
        self.asked <= IDS_MAX
    }

    /// Whether the versions of a subject may be asked for.
    pub(super) fn list(&mut self) -> bool {
        self.renew();
        !std::mem::replace(&mut self.listed, true)
    }

    /// Whether the registry was seen to have its schemas in this period.
    pub(super) fn has_witness(&mut self) -> bool {
        self.renew();
        self.witnessed
    }

    pub(super) fn saw_witness(&mut self) {
        self.witnessed = true;
    }

    fn renew(&mut self) {
        if self.begun.elapsed() >= PERIOD {
            *self = Self::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_used_up_and_renewed() {
        let mut budget = Budget::new();
        assert_eq!((0..1000).filter(|_| budget.ask()).count(), IDS_MAX as usize);
        assert!(budget.list() && !budget.list());
        budget.begun -= PERIOD;
        assert!(budget.ask() && budget.list());
    }
}
