//! The decision how many replicas there should be. Pure: what is seen comes in, time included.
//!
//! Every change moves partitions, and with them state: so a change needs a reason that lasts, waits until the pods of
//! the last one are ready, and keeps its distance to it. What was not enough is remembered, so that a Deployment is not
//! made smaller only to be made larger again.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::history::{History, Sample};

/// Fewer replicas are tried again where the load is below this share of what was too much for them.
const LOAD_AGAIN: f64 = 0.8;
/// One step makes a Deployment no larger than so many times what it was.
const GROWTH_MAX: u32 = 2;
/// Rates below one record a second are nothing.
const RATE_MIN: f64 = 1.0;

/// How a Deployment is scaled.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Replicas at least.
    pub min: u32,
    /// Replicas at most; as many as the topic has partitions where 0.
    pub max: u32,
    /// The lag, in time that the stream needs for as many records, above which replicas are added.
    pub lag_high: Duration,
    /// The lag below which replicas are removed.
    pub lag_low: Duration,
    /// Fewer records than these never count as high.
    pub lag_records_min: u64,
    /// How long after a change replicas may be added.
    pub cool_down_up: Duration,
    /// How long after a change, and how long of low lag, before a replica is removed.
    pub cool_down_down: Duration,
}

/// What is seen at one moment.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The topic and the group.
    pub sample: Sample,
    /// The topic's partitions.
    pub partitions: u32,
    /// Replicas that are wanted.
    pub replicas: u32,
    /// Pods that are ready and of the newest version.
    pub ready: u32,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Hold(Hold),
    /// Have so many replicas, for this reason.
    Scale {
        /// How many.
        to: u32,
        /// Why, in a sentence.
        why: String,
    },
}

/// Why nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Somebody has scaled it to nothing.
    Stopped,
    /// Pods are not ready yet.
    NotReady,
    /// Too little is known of the rates.
    Watching,
    /// The last change was a short while ago.
    CoolingDown,
    /// There are as many replicas as there may be.
    AtMost,
    /// There are as few as there may be.
    AtLeast,
    /// The lag is high, and falls fast enough.
    Draining,
    /// With one replica less, the load was too much not long ago.
    Needed,
    /// All is well.
    Steady,
}

impl fmt::Display for Hold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stopped => "stopped",
            Self::NotReady => "not_ready",
            Self::Watching => "watching",
            Self::CoolingDown => "cooling_down",
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
            Self::Draining => "draining",
            Self::Needed => "needed",
            Self::Steady => "steady",
        })
    }
}

/// Decides for one Deployment.
#[derive(Debug)]
pub struct Scaler {
    policy: Policy,
    history: History,
    /// The replicas when it last looked, and when their number last changed, whoever did it.
    replicas: Option<(u32, Duration)>,
    /// Since when lag is low.
    low_since: Option<Duration>,
    /// The rate that was too much, by the number of replicas.
    too_much: BTreeMap<u32, f64>,
}

impl Scaler {
    /// Begins to watch.
    pub fn new(policy: Policy) -> Self {
        Self { policy, history: History::default(), replicas: None, low_since: None, too_much: BTreeMap::new() }
    }

    /// Looks, and decides.
    pub fn decide(&mut self, view: View) -> Decision {
        let at = view.sample.at;
        let changed_at = match self.replicas {
            Some((replicas, changed_at)) if replicas == view.replicas => changed_at,
            _ => {
                self.replicas = Some((view.replicas, at));
                self.forget();
                at
            }
        };
        let most = self.most(view.partitions);
        let least = self.policy.min.min(most);
        if view.replicas == 0 {
            return Decision::Hold(Hold::Stopped);
        }
        if view.replicas > most {
            let why = format!("{} replicas are more than the {most} that may work", view.replicas);
            return Decision::Scale { to: most, why };
        }
        if view.replicas < least {
            let why = format!("{} replicas are fewer than the least, {least}", view.replicas);
            return Decision::Scale { to: least, why };
        }
        // Pods that are not ready change the rates, and their partitions are on the move.
        if view.ready < view.replicas {
            self.forget();
            return Decision::Hold(Hold::NotReady);
        }
        self.history.push(view.sample);
        let Some((written, committed)) = self.history.rates() else { return Decision::Hold(Hold::Watching) };
        let load = Load { lag: view.sample.lag(), written, committed };
        self.note_low(at, &load);
        let since = at.saturating_sub(changed_at);
        if self.is_high(&load) { self.up(&view, &load, since, most) } else { self.down(&view, &load, since) }
    }

    fn forget(&mut self) {
        self.history.clear();
        self.low_since = None;
    }

    fn most(&self, partitions: u32) -> u32 {
        // A topic that cannot be seen has no partitions; one replica does no harm.
        let partitions = partitions.max(1);
        if self.policy.max == 0 { partitions } else { self.policy.max.min(partitions) }
    }

    fn is_high(&self, load: &Load) -> bool {
        load.lag >= self.policy.lag_records_min && load.lag_seconds() > self.policy.lag_high.as_secs_f64()
    }

    fn note_low(&mut self, at: Duration, load: &Load) {
        let is_low = load.lag < self.policy.lag_records_min || load.lag_seconds() < self.policy.lag_low.as_secs_f64();
        self.low_since = if is_low { self.low_since.or(Some(at)) } else { None };
    }

    fn up(&mut self, view: &View, load: &Load, since: Duration, most: u32) -> Decision {
        let high_s = self.policy.lag_high.as_secs_f64();
        if load.drains_in().is_some_and(|seconds| seconds <= high_s) {
            return Decision::Hold(Hold::Draining);
        }
        if since < self.policy.cool_down_up {
            return Decision::Hold(Hold::CoolingDown);
        }
        if load.committed < load.written {
            self.too_much.insert(view.replicas, load.written);
        }
        if view.replicas >= most {
            return Decision::Hold(Hold::AtMost);
        }
        // What one replica does when it has enough to do; and what has to be done, the backlog included.
        let each = (load.committed / f64::from(view.replicas)).max(RATE_MIN);
        let needed = (load.written + load.lag as f64 / high_s) / each;
        let needed = if needed < f64::from(most) { needed.ceil() as u32 } else { most };
        let to = needed.max(view.replicas + 1).min(view.replicas * GROWTH_MAX).min(most);
        let why = format!(
            "lag of {} records is {:.0} s of the stream (more than {high_s:.0} s): {:.0} records/s come, {:.0} go",
            load.lag,
            load.lag_seconds(),
            load.written,
            load.committed,
        );
        Decision::Scale { to, why }
    }

    fn down(&mut self, view: &View, load: &Load, since: Duration) -> Decision {
        let Some(low_since) = self.low_since else { return Decision::Hold(Hold::Steady) };
        if view.replicas <= self.policy.min {
            return Decision::Hold(Hold::AtLeast);
        }
        let low_for = view.sample.at.saturating_sub(low_since);
        if since.min(low_for) < self.policy.cool_down_down {
            return Decision::Hold(Hold::CoolingDown);
        }
        let to = view.replicas - 1;
        // What was too much for more replicas is too much for fewer.
        let too_much = self.too_much.range(to..).map(|(_, rate)| *rate).fold(f64::INFINITY, f64::min);
        if load.written >= too_much * LOAD_AGAIN {
            return Decision::Hold(Hold::Needed);
        }
        let why = format!(
            "lag of {} records has been low for {:.0} s, at {:.0} records/s",
            load.lag,
            low_for.as_secs_f64(),
            load.written,
        );
        Decision::Scale { to, why }
    }
}

/// What there is to do.
struct Load {
    lag: u64,
    /// Records a second that come, and that go.
    written: f64,
    committed: f64,
}

impl Load {
    /// How long the stream takes to write as many records as wait.
    fn lag_seconds(&self) -> f64 {
        self.lag as f64 / self.written.max(self.committed).max(RATE_MIN)
    }

    /// How long it takes until nothing waits, where the lag falls.
    fn drains_in(&self) -> Option<f64> {
        let falls = self.committed - self.written;
        (falls >= RATE_MIN).then(|| self.lag as f64 / falls)
    }
}
