//! How often clean events have so many bits, and how often they alarm.

use detect::{Detector, Event};

use super::{
    inputs::{Next, Past},
    random::Random,
};

/// Bits that are counted.
pub(crate) const BITS: [f64; 3] = [4.0, 7.0, 10.0];
pub(crate) const KEYS: usize = 12;
/// Events of each key, and those among them that are young and counted apart.
pub(crate) const EVENTS: usize = 24_000;
pub(crate) const YOUNG: usize = 2_000;

/// Events that are not young, with at least so many bits and with an alarm, and young ones with an alarm.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) above: [usize; 3],
    pub(crate) alarms: usize,
    pub(crate) young: usize,
}

impl Counted {
    /// The events that are not young.
    pub(crate) const EVENTS: f64 = (KEYS * (EVENTS - YOUNG)) as f64;

    /// Counts events of an input, `features` wide, the one of each number at its `time` in microseconds.
    pub(crate) fn of(detector: &Detector, features: usize, next: Next, time: impl Fn(usize) -> Option<i64>) -> Self {
        let mut counted = Self::default();
        for key in 0..KEYS as u64 {
            let (mut random, mut state) = (Random::new(key + 100), detector.fresh(&key.to_le_bytes()));
            let mut past = vec![Past::default(); features];
            for event in 0..EVENTS {
                let x: Vec<f64> = past.iter_mut().map(|past| next(&mut random, past, event)).collect();
                let scores = detector.observe(&mut state, &Event { features: &x, time: time(event) }, None);
                if event < YOUNG {
                    counted.young += usize::from(scores.anomalous());
                    continue;
                }
                counted.alarms += usize::from(scores.anomalous());
                for (above, bits) in counted.above.iter_mut().zip(BITS) {
                    *above += usize::from(scores.rarity >= bits);
                }
            }
        }
        counted
    }

    /// The shares with at least so many bits, as multiples of what they should be.
    pub(crate) fn ratios(&self) -> [f64; 3] {
        let mut ratios = self.above.map(|above| above as f64 / Self::EVENTS);
        ratios.iter_mut().zip(BITS).for_each(|(ratio, bits)| *ratio *= bits.exp2());
        ratios
    }
}
