//! The figures of an overview, out of what a board and its facts say.

use super::{
    Alarms, DeadLetters, Drawn, HotKeyView, Lag, Latency, Layer, LedgerView, Level, Overview, Progress, Rate,
    RuleCount, Stage, StageState, StoreAge, count,
    judge::{DEAD_LETTERS_WATCH, LAG_WATCH_S, judge},
    share,
};
use crate::{Board, Bucket, Facts, LayerInfo, LayerKind, State, layers};

/// How much of the rate's past is shown, in seconds.
const RATE_SECONDS: i64 = 300;
/// The rate is the mean of so many whole seconds.
const RATE_NOW_SECONDS: i64 = 5;
/// A layer is over its budget when it alarms so many times as often as was asked,
const OVER_FACTOR: f64 = 2.0;
/// and so often that chance does not explain it: beyond so many standard deviations of a Poisson count.
const OVER_DEVIATIONS: f64 = 5.0;
/// Probes come every 30 s at least while a stream runs: a store that has had none for twice as long stands, in
/// milliseconds.
const PROBE_MISSING_MS: u64 = 60_000;
/// Hot keys that are listed.
const HOT_KEYS_MAX: usize = 8;
/// Rules of dead letters that are listed.
const RULES_MAX: usize = 20;

impl Board {
    /// How the stream is at `now_ms`.
    pub fn overview(&self, now_ms: i64) -> Overview {
        let facts = self.facts();
        let rate = self.rate(now_ms);
        let lag = Lag { seconds: lag_seconds(facts), records: facts.uncommitted };
        let (events, [p50_ms, p99_ms]) = self.latencies.quantiles(now_ms, [0.5, 0.99]);
        let alarms = self.alarms_view(now_ms);
        let dead_letters = dead_letters(facts);
        let [from, to] = facts.measured.unwrap_or(["read", "scored"]);
        let (level, sentence) = judge(self.stream.name(), facts, &rate, &lag, &alarms);
        Overview {
            stream: self.stream.name().to_owned(),
            at_ms: now_ms,
            state: facts.state,
            level,
            sentence,
            stages: self.stages(now_ms, &rate, &lag),
            hot_keys: self.hot_keys_view(),
            stores: stores(facts, now_ms),
            latency: Latency { from, to, p50_ms, p99_ms, events },
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
        let known = |bucket: &Bucket| (bucket.count > 0).then_some(bucket.sum as u64);
        let whole = &buckets[..buckets.len() - 1];
        let recent: Vec<u64> = whole.iter().rev().take(RATE_NOW_SECONDS as usize).filter_map(known).collect();
        let now = recent.iter().sum::<u64>() as f64 / recent.len().max(1) as f64;
        Rate { now, step_s: 1, start_s, counts: buckets.iter().map(known).collect() }
    }

    fn alarms_view(&self, now_ms: i64) -> Alarms {
        let facts = self.facts();
        let ledger = &facts.ledger;
        let events = scored_events(facts);
        let all = ledger.out + ledger.late;
        let second = now_ms.div_euclid(1000);
        let hour = self.alarms.ring(10).map(|ring| ring.range(second - 3590, second).1).unwrap_or_default();
        let layer = |info: LayerInfo| {
            let alarms = ledger.reasons.get(&info.name).copied().unwrap_or_default();
            let unscored = if info.kind == LayerKind::Learned { ledger.unscored.min(events) } else { 0 };
            let scored = events - unscored;
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
            share: share(ledger.anomalies, all),
            layers: layers(&self.stream).into_iter().map(layer).collect(),
        }
    }

    fn hot_keys_view(&self) -> Vec<HotKeyView> {
        let hot = self.hot_keys.iter().filter_map(|(partition, keys)| Some((*partition, keys.hot()?)));
        let mut views: Vec<HotKeyView> =
            hot.map(|(partition, hot)| HotKeyView { partition, key: hot.key.to_string(), share: hot.share }).collect();
        views.sort_by(|a, b| b.share.total_cmp(&a.share));
        views.truncate(HOT_KEYS_MAX);
        views
    }

    fn drawn_view(&self) -> Drawn {
        // What was offered is counted elsewhere, and may have been looked at before the last rows were drawn.
        let offered = self.facts().offered.max(self.drawn);
        Drawn {
            bytes: self.bytes(),
            offered,
            drawn: self.drawn,
            dropped: self.facts().dropped,
            share: share(self.drawn, offered),
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
        let waiting = |name| facts.waiting.iter().find(|(stage, _)| *stage == name).map_or(0, |(_, records)| *records);
        let most = facts.waiting.iter().map(|(_, records)| *records).max().unwrap_or_default();
        let stage = |name, bad, detail: String| {
            let records = waiting(name);
            // Where the stream is behind, the stage that most records wait for is the one to look at.
            let behind = lag.seconds > LAG_WATCH_S && records > 0 && records == most;
            let detail = if records > 0 { format!("{detail}, {} waiting", count(records)) } else { detail };
            Stage { name, state: state(bad || behind), rate: Some(rate.now), detail }
        };
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

/// The events that the counts of reasons are of: where those are of a part of the anomalies, the same part of the events.
fn scored_events(facts: &Facts) -> u64 {
    let ledger = &facts.ledger;
    let all = ledger.out + ledger.late;
    match facts.reasons_of.filter(|counted| *counted < ledger.anomalies) {
        Some(counted) => (all as f64 * share(counted, ledger.anomalies)) as u64,
        None => all,
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

fn stores(facts: &Facts, now_ms: i64) -> Vec<StoreAge> {
    let stores = facts.stores.iter();
    let stores = stores.map(|of| {
        let since_ms = u64::try_from(now_ms - of.sent_ms).unwrap_or_default();
        let level = if since_ms > PROBE_MISSING_MS { Level::Bad } else { Level::Ok };
        StoreAge { store: of.store.clone(), p50_ms: of.p50_ms, p99_ms: of.p99_ms, since_ms, level }
    });
    stores.collect()
}

fn ledger(facts: &Facts) -> LedgerView {
    let ledger = &facts.ledger;
    LedgerView {
        records: ledger.records,
        out: ledger.out,
        filtered: ledger.filtered,
        dead_lettered: ledger.dead_lettered,
        late: ledger.late,
        between: facts.between,
        balance: facts.unaccounted(),
        balances: facts.unaccounted() == 0,
        unscored: ledger.unscored,
        committed_ms: facts.committed_ms,
    }
}
