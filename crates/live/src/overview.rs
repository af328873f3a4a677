//! How a stream is as a whole: one sentence, and the figures it rests on.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Board, Facts, LayerKind, State, layers};

/// How much of the rate's past is shown, in seconds.
const RATE_SECONDS: i64 = 300;
/// The rate is the mean of so many whole seconds.
const RATE_NOW_SECONDS: i64 = 5;
/// A lag from which on somebody should look, in seconds: more than a commit of files takes.
const LAG_WATCH_S: f64 = 15.0;
/// A lag that is bad.
const LAG_BAD_S: f64 = 60.0;
/// A layer is over its budget when it alarms so many times as often as was asked,
const OVER_FACTOR: f64 = 2.0;
/// and so often that chance does not explain it: beyond so many standard deviations of a Poisson count.
const OVER_DEVIATIONS: f64 = 5.0;
/// The share of dead letters from which on somebody should look.
const DEAD_LETTERS_WATCH: f64 = 0.01;
/// Rules of dead letters that are listed.
const RULES_MAX: usize = 20;

/// How a stream is as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    /// The stream.
    pub stream: String,
    /// When this was so, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it runs.
    pub state: State,
    /// How it is.
    pub level: Level,
    /// How it is, in a sentence.
    pub sentence: String,
    /// Records a second.
    pub rate: Rate,
    /// How far the commits are behind.
    pub lag: Lag,
    /// How long an event takes.
    pub latency: Latency,
    /// Anomalies, and what was asked of the detectors.
    pub alarms: Alarms,
    /// Records that could not go on.
    pub dead_letters: DeadLetters,
    /// The account of every committed record.
    pub ledger: LedgerView,
    /// Each stage.
    pub stages: Vec<Stage>,
    /// Which share of the rows is drawn.
    pub drawn: Drawn,
    /// How far the source is read.
    pub source: Progress,
    /// Why the stream could not go on.
    pub failure: Option<String>,
}

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Watch,
    /// Something is wrong.
    Bad,
}

/// Records a second.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rate {
    /// The mean of the last five whole seconds.
    pub now: f64,
    /// Seconds of a bucket.
    pub step_s: u32,
    /// When the first bucket begins, in seconds since 1970.
    pub start_s: i64,
    /// Records in each bucket; null where nothing is known.
    pub counts: Vec<Option<u64>>,
}

/// How far the commits are behind.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Lag {
    /// The age of the oldest record that is read and not committed, at most.
    pub seconds: f64,
    /// How many such records there are.
    pub records: u64,
}

/// How long an event takes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Latency {
    /// Where the clock starts.
    pub from: &'static str,
    /// Where it stops.
    pub to: &'static str,
    /// Half of the events of the last five minutes took at most so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 did.
    pub p99_ms: Option<f64>,
    /// How many events this is of.
    pub events: u64,
}

/// Anomalies, and what was asked of the detectors.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Alarms {
    /// All that are committed.
    pub total: u64,
    /// Those of the last hour that this process saw.
    pub last_hour: u64,
    /// Those that nobody has acknowledged.
    pub open: u64,
    /// Their share of all events.
    pub share: f64,
    /// By rule and layer.
    pub layers: Vec<Layer>,
}

/// The alarms of a rule or a layer beside what was asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Whether it learns.
    pub kind: LayerKind,
    /// How often it alarmed.
    pub alarms: u64,
    /// How many events it looked at.
    pub scored: u64,
    /// The share of them that it alarmed at.
    pub share: f64,
    /// The share of ordinary events that it may alarm at.
    pub asked: Option<f64>,
    /// Whether it alarms clearly more often than that.
    pub over: bool,
}

/// Records that could not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetters {
    /// All that are committed.
    pub total: u64,
    /// Those that were not repaired and put back.
    pub open: u64,
    /// By the rule that they failed at, the most frequent first.
    pub rules: Vec<RuleCount>,
}

/// Dead letters of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleCount {
    /// The rule, the column or the kind of failure.
    pub rule: String,
    /// How many.
    pub count: u64,
}

/// The account of every committed record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerView {
    /// Taken in.
    pub records: u64,
    /// Came out.
    pub out: u64,
    /// Dropped by the filter.
    pub filtered: u64,
    /// Could not go on.
    pub dead_lettered: u64,
    /// Came too late for a window.
    pub late: u64,
    /// What came in less what became of it: 0 when every record is accounted for.
    pub balance: i64,
    /// Whether it is 0.
    pub balances: bool,
    /// Events that no learned layer looked at.
    pub unscored: u64,
    /// When the last commit was made, in milliseconds since 1970.
    pub committed_ms: Option<i64>,
}

/// A stage of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// How it is.
    pub state: StageState,
    /// Records a second.
    pub rate: Option<f64>,
    /// A few words.
    pub detail: String,
}

/// How a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Watch,
    /// Something is wrong.
    Bad,
    /// The stream has no such stage, or it is at its end.
    Off,
}

/// Which share of the rows is drawn; counts do not depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Drawn {
    /// Rows that came out of the stages.
    pub offered: u64,
    /// Rows that series, histograms and maps have.
    pub drawn: u64,
    /// Rows that were left out because drawing must not slow the stream.
    pub dropped: u64,
    /// Drawn of offered.
    pub share: f64,
    /// Bytes that what is drawn takes; there is a limit to them, whatever comes.
    pub bytes: usize,
}

/// How far the source is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// So much, in the source's unit.
    pub done: u64,
    /// Of so much; 0 where nobody knows.
    pub total: u64,
}

impl Board {
    /// How the stream is at `now_ms`.
    pub fn overview(&self, now_ms: i64) -> Overview {
        let facts = self.facts();
        let rate = self.rate(now_ms);
        let lag = Lag { seconds: lag_seconds(facts), records: facts.uncommitted };
        let (events, [p50_ms, p99_ms]) = self.latencies.quantiles(now_ms, [0.5, 0.99]);
        let alarms = self.alarms_view(now_ms);
        let dead_letters = dead_letters(facts);
        let (level, sentence) = judge(self.stream.name(), facts, &rate, &lag, &alarms);
        Overview {
            stream: self.stream.name().to_owned(),
            at_ms: now_ms,
            state: facts.state,
            level,
            sentence,
            stages: self.stages(now_ms, &rate, &lag),
            latency: Latency { from: "read", to: "scored", p50_ms, p99_ms, events },
            ledger: ledger(facts),
            drawn: self.drawn_view(),
            source: Progress { done: facts.done, total: facts.total },
            failure: facts.failure.clone(),
            rate,
            lag,
            alarms,
            dead_letters,
        }
    }

    fn rate(&self, now_ms: i64) -> Rate {
        let second = now_ms.div_euclid(1000);
        let Some(ring) = self.records.ring(1) else {
            return Rate { now: 0.0, step_s: 1, start_s: second, counts: Vec::new() };
        };
        let (start_s, buckets) = ring.range(second - RATE_SECONDS, second);
        let known = |bucket: &crate::Bucket| (bucket.count > 0).then_some(bucket.sum as u64);
        let whole = &buckets[..buckets.len() - 1];
        let recent: Vec<u64> = whole.iter().rev().take(RATE_NOW_SECONDS as usize).filter_map(known).collect();
        let now = recent.iter().sum::<u64>() as f64 / recent.len().max(1) as f64;
        Rate { now, step_s: 1, start_s, counts: buckets.iter().map(known).collect() }
    }

    fn alarms_view(&self, now_ms: i64) -> Alarms {
        let facts = self.facts();
        let ledger = &facts.ledger;
        let events = ledger.out + ledger.late;
        let second = now_ms.div_euclid(1000);
        let hour = self.alarms.ring(10).map(|ring| ring.range(second - 3590, second).1).unwrap_or_default();
        let layer = |info: crate::LayerInfo| {
            let alarms = ledger.reasons.get(&info.name).copied().unwrap_or_default();
            let scored = if info.kind == LayerKind::Learned { events - ledger.unscored.min(events) } else { events };
            let expected = info.asked.map(|asked| asked * scored as f64);
            let most =
                |expected: f64| (expected * OVER_FACTOR).max(expected + OVER_DEVIATIONS * expected.sqrt().max(1.0));
            let over = expected.is_some_and(|expected| alarms as f64 > most(expected));
            Layer {
                share: share(alarms, scored),
                name: info.name,
                kind: info.kind,
                asked: info.asked,
                alarms,
                scored,
                over,
            }
        };
        Alarms {
            total: ledger.anomalies,
            last_hour: hour.iter().map(|bucket| bucket.sum as u64).sum(),
            open: ledger.anomalies.saturating_sub(facts.acknowledged),
            share: share(ledger.anomalies, events),
            layers: layers(&self.stream).into_iter().map(layer).collect(),
        }
    }

    fn drawn_view(&self) -> Drawn {
        let offered = self.facts().offered;
        Drawn {
            bytes: self.bytes(),
            offered,
            drawn: self.drawn,
            dropped: self.facts().dropped,
            share: share(self.drawn.min(offered), offered),
        }
    }

    fn stages(&self, now_ms: i64, rate: &Rate, lag: &Lag) -> Vec<Stage> {
        let facts = self.facts();
        let running = matches!(facts.state, State::Starting | State::Running);
        let state = |bad: bool| match (facts.state, running) {
            (State::Failed, _) => StageState::Bad,
            (_, false) => StageState::Off,
            _ if bad => StageState::Watch,
            _ => StageState::Ok,
        };
        let ledger = &facts.ledger;
        let stage = |name, bad, detail| Stage { name, state: state(bad), rate: Some(rate.now), detail };
        let missing =
            |name, detail: &str| Stage { name, state: StageState::Off, rate: None, detail: detail.to_owned() };
        let dead = share(ledger.dead_lettered, ledger.records) > DEAD_LETTERS_WATCH;
        let mut stages = vec![
            stage("source", false, facts.source.clone()),
            stage(
                "enrich",
                dead,
                format!("{} filtered, {} dead letters", count(ledger.filtered), count(ledger.dead_lettered)),
            ),
        ];
        stages.push(match self.stream.definition.spec.detect {
            Some(_) => stage("detect", ledger.unscored > 0, format!("{} anomalies", count(ledger.anomalies))),
            None => missing("detect", "nothing is looked for"),
        });
        stages.push(match self.stream.aggregates.list.len() {
            0 => missing("aggregate", "nothing is aggregated"),
            several => {
                stage("aggregate", ledger.overdue > 0, format!("{several} aggregates, {} late", count(ledger.late)))
            }
        });
        let committed = match facts.committed_ms {
            Some(at) => format!("committed {:.1} s ago", (now_ms - at).max(0) as f64 / 1000.0),
            None => "nothing is committed yet".to_owned(),
        };
        stages.push(stage("store", lag.seconds > LAG_WATCH_S, committed));
        stages
    }
}

fn lag_seconds(facts: &Facts) -> f64 {
    if facts.uncommitted > 0 { facts.lag_ms as f64 / 1000.0 } else { 0.0 }
}

fn dead_letters(facts: &Facts) -> DeadLetters {
    let of = facts.ledger.dead_letter_rules.iter();
    let mut rules: Vec<RuleCount> = of.map(|(rule, count)| RuleCount { rule: rule.clone(), count: *count }).collect();
    rules.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.rule.cmp(&b.rule)));
    rules.truncate(RULES_MAX);
    let total = facts.ledger.dead_lettered;
    DeadLetters { total, open: total.saturating_sub(facts.redriven), rules }
}

fn ledger(facts: &Facts) -> LedgerView {
    let ledger = &facts.ledger;
    let became = ledger.out + ledger.filtered + ledger.dead_lettered + ledger.late;
    LedgerView {
        records: ledger.records,
        out: ledger.out,
        filtered: ledger.filtered,
        dead_lettered: ledger.dead_lettered,
        late: ledger.late,
        balance: ledger.records as i64 - became as i64,
        balances: ledger.balances(),
        unscored: ledger.unscored,
        committed_ms: facts.committed_ms,
    }
}

/// How a stream is, and the sentence that says so: what is worst comes first.
fn judge(name: &str, facts: &Facts, rate: &Rate, lag: &Lag, alarms: &Alarms) -> (Level, String) {
    if let (State::Failed, failure) = (facts.state, &facts.failure) {
        let why = failure.as_deref().unwrap_or("it does not say why");
        return (Level::Bad, format!("{name} could not go on: {why}"));
    }
    if !facts.ledger.balances() {
        return (
            Level::Bad,
            format!("{name}: the ledger does not balance; {} records are unaccounted for", ledger(facts).balance),
        );
    }
    let running = format!("{name} is running at {} events/s", count(rate.now.round() as u64));
    if lag.seconds > LAG_WATCH_S {
        let level = if lag.seconds > LAG_BAD_S { Level::Bad } else { Level::Watch };
        return (level, format!("{running}, but its commits are {:.0} s behind", lag.seconds));
    }
    if share(facts.ledger.dead_lettered, facts.ledger.records) > DEAD_LETTERS_WATCH {
        let dead = count(facts.ledger.dead_lettered);
        return (
            Level::Watch,
            format!("{running}, but {dead} of {} records became dead letters", count(facts.ledger.records)),
        );
    }
    let over = alarms.layers.iter().find(|layer| layer.over);
    if let Some((layer, asked)) = over.and_then(|layer| Some((layer, layer.asked?))) {
        let times = layer.share / asked;
        return (
            Level::Watch,
            format!("{running}; {} alarms {times:.1} times as often as its budget allows", layer.name),
        );
    }
    let sentence = match facts.state {
        State::Starting => format!("{name} is starting"),
        State::Finished => format!("{name} has come to the end of its source; all of it is committed"),
        State::Stopped => format!("{name} was stopped; the same command goes on from here"),
        _ => format!("{running}, {:.1} s behind; every record is accounted for", lag.seconds),
    };
    (Level::Ok, sentence)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A number with a comma at each thousand.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
