//! `beamline replay --kafka`: a time range of a stream's topic through a definition once more, beside production.

use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use kafka::Replay;
use local::Counts;
use service::load_stream;
use stream::{Stream, Topics};

use super::{signals::stop_on_signals, topics::say};
use crate::{
    Failure,
    cli::ReplayedArgs,
    on_kafka::{Servers, failure},
    progress,
};

pub(super) fn replay(path: &Path, replayed: &ReplayedArgs, servers: Servers) -> Result<(), Failure> {
    let stream = load_stream(path)?;
    let into = topics(&stream, replayed);
    let plans = kafka::plan_topics(&stream, &into);
    let wanted = [&into.scored, &into.anomalies, &into.dead_letters, &into.late];
    let plans: Vec<_> = plans.into_iter().filter(|plan| wanted.contains(&&plan.name)).collect();
    kafka::create_topics(&servers.connection, &plans, None).map_err(failure)?;
    let replay = Replay {
        from: stream.topics().raw,
        connection: servers.connection,
        registry: servers.registry,
        taken_in: taken_in(replayed),
        stream,
        into,
    };
    let stop = stop_on_signals()?;
    let read = Arc::new(AtomicU64::new(0));
    let shown = progress::show({
        let read = read.clone();
        move || Counts { records: read.load(Ordering::Relaxed), ..Counts::default() }
    });
    let done = kafka::replay(&replay, &|records| read.store(records, Ordering::Relaxed), &stop);
    shown.end();
    let ledger = done.map_err(failure)?;
    say(&format!(
        "{} records of `{}` went into `{}.*`: {} out + {} filtered + {} dead letters; {} anomalies",
        ledger.records,
        replay.from,
        replay.into.raw,
        ledger.out,
        ledger.filtered,
        ledger.dead_lettered,
        ledger.anomalies
    ))
}

/// The topics that a replay goes into.
pub(super) fn topics(stream: &Stream, replayed: &ReplayedArgs) -> Topics {
    Topics::of(&replayed.into.clone().unwrap_or_else(|| format!("{}-replay", stream.name())))
}

/// What was taken in at these times, in milliseconds since 1970.
pub(super) fn taken_in(replayed: &ReplayedArgs) -> Range<i64> {
    replayed.since.unwrap_or(i64::MIN)..replayed.until.unwrap_or(i64::MAX)
}
