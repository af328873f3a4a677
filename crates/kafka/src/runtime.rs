//! A step of a stream as a service: its workers, started anew where they fail.

mod batched;
mod core;
mod covering;
mod crew;
mod group;
pub(crate) mod live;
mod load;
mod meters;
mod partition;
mod places;
mod progress;
mod restore;
mod worker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use measure::Health;

use self::{batched::Batched, live::Live, progress::Progress, worker::work};
use crate::{Handover, KafkaError, Options, clock::rest_by, cluster::Cluster, topics};

/// How long the cluster may take to answer at the start.
const START_MAX: Duration = Duration::from_secs(60);

/// Runs steps of one stream until `stop` is set. A worker that fails is started anew, and goes on from what was
/// committed.
///
/// # Errors
/// Where the cluster cannot be reached at the start, the topics do not fit, or what fails would fail again.
pub fn run(steps: &[Options], health: &Arc<dyn Health>, stop: &Arc<AtomicBool>) -> Result<(), KafkaError> {
    if let Some(options) = steps.first() {
        options.connection.check(START_MAX)?;
        let fit = topics::fit(&options.connection, &options.stream, &options.topics, stop);
        if matches!(fit, Err(KafkaError::Stopped)) {
            return Ok(());
        }
        fit?;
        for options in steps {
            options.goes_on()?;
        }
    }
    let mut workers = Vec::new();
    for options in steps {
        let options = Arc::new(options.clone().suited());
        for number in 0..options.threads.max(1) {
            let (options, health, stop) = (options.clone(), health.clone(), stop.clone());
            let name = options.worker(number);
            let cluster = Live::of(&options.connection);
            let work: crew::Work = match options.handover {
                Handover::Batches => {
                    let cluster = Batched(cluster);
                    Box::new(move || supervise(&cluster, &options, number, health.as_ref(), &stop))
                }
                Handover::Safe => Box::new(move || supervise(&cluster, &options, number, health.as_ref(), &stop)),
            };
            workers.push((name, work));
        }
    }
    crew::run(workers, stop)
}

/// Runs one worker of a step on any cluster until `stop` is set, as [`run`] does it on Kafka.
///
/// # Errors
/// Where what fails would fail again.
pub fn run_worker<C: Cluster>(
    cluster: &C,
    options: Options,
    number: usize,
    health: &dyn Health,
    stop: &Arc<AtomicBool>,
) -> Result<(), KafkaError> {
    supervise(cluster, &Arc::new(options.suited()), number, health, stop)
}

fn supervise<C: Cluster>(
    cluster: &C,
    options: &Arc<Options>,
    number: usize,
    health: &dyn Health,
    stop: &Arc<AtomicBool>,
) -> Result<(), KafkaError> {
    let name = options.worker(number);
    let mut progress = Progress::of(&name, health, cluster);
    while !stop.load(Ordering::Relaxed) {
        match work(cluster, options, number, health, &mut progress, stop) {
            Ok(()) | Err(KafkaError::Stopped) => break,
            Err(error) if progress.may_pass(&error) => {
                let wait = progress.failed(&error);
                tracing::warn!(worker = name, %error, wait_ms = wait.as_millis() as u64, "a worker is started again");
                match error {
                    KafkaError::PlaceUnknown { partition, .. } => {
                        load::wait_until_placed(cluster, options, partition, stop, &|| health.beat(&name));
                    }
                    _ => rest_by(cluster, wait, stop, || health.beat(&name)),
                }
            }
            Err(error) => return Err(error),
        }
    }
    health.done(&name);
    Ok(())
}
