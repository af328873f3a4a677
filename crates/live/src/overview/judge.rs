//! How a stream is: the level, and the sentence that says so.

use super::{Alarms, Lag, Level, Rate};
use crate::{Facts, State};

/// A lag from which on somebody should look, in seconds: more than a commit of files takes.
pub(super) const LAG_WATCH_S: f64 = 15.0;
/// A lag that is bad.
const LAG_BAD_S: f64 = 60.0;
/// The share of dead letters from which on somebody should look.
pub(super) const DEAD_LETTERS_WATCH: f64 = 0.01;

/// How a stream is, and the sentence that says so: what is worst comes first.
pub(super) fn judge(name: &str, facts: &Facts, rate: &Rate, lag: &Lag, alarms: &Alarms) -> (Level, String) {
    if let (State::Failed, failure) = (facts.state, &facts.failure) {
        let why = failure.as_deref().unwrap_or("it does not say why");
        return (Level::Bad, format!("{name} could not go on: {why}"));
    }
    let unaccounted = facts.unaccounted();
    if unaccounted != 0 {
        return (Level::Bad, format!("{name}: the ledger does not balance; {unaccounted} records are unaccounted for"));
    }
    let ended = match facts.state {
        State::Starting => Some(format!("{name} is starting")),
        State::Finished => Some(format!("{name} has come to the end of its source; all of it is committed")),
        State::Stopped => Some(format!("{name} was stopped; the same command goes on from here")),
        State::Running | State::Failed => None,
    };
    if let Some(sentence) = ended {
        return (Level::Ok, sentence);
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
    (Level::Ok, format!("{running}, {:.1} s behind; every record is accounted for", lag.seconds))
}

/// A part of a whole; 0 where there is nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A number with a comma at each thousand.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
