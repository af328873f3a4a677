//! The loop: looks at Kafka and Kubernetes, asks the [`Scaler`], and does what it says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::Offsets;
use kube::Client;
use measure::Health as _;
use service::Context;

use crate::{
    AutoscalerSettings, Decision, Hold, Sample, Scaler, View,
    cluster::{Cluster, Seen},
    error::AutoscalerError,
    lease::Lease,
    target::Target,
};

/// How often the wish to stop is looked for.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// A Deployment and what decides about it.
struct Watched {
    target: Target,
    scaler: Scaler,
    /// The last reason to hold, so that a log tells of changes alone.
    held: Option<Hold>,
}

struct Loop {
    settings: AutoscalerSettings,
    context: Context,
    cluster: Cluster,
    offsets: Arc<Offsets>,
    begun: Instant,
}

/// Watches and scales until told to stop.
pub(crate) async fn watch(
    settings: AutoscalerSettings,
    targets: Vec<Target>,
    context: Context,
) -> Result<(), AutoscalerError> {
    let client = Client::try_default().await.map_err(AutoscalerError::asking("reaching Kubernetes"))?;
    let connection = settings.kafka.connection(&format!("beamline-{}", context.instance));
    let offsets = Arc::new(Offsets::connect(&connection)?);
    let mut lease = Lease::new(client.clone(), &settings.namespace, &settings.lease, &context.instance);
    let cluster = Cluster::new(client, &settings.namespace, &context.instance);
    let watched = |target: Target| {
        let scaler = Scaler::new(settings.policy(target.min, target.max));
        Watched { target, scaler, held: None }
    };
    let mut all: Vec<Watched> = targets.into_iter().map(watched).collect();
    let turn = Loop { settings: settings.clone(), context: context.clone(), cluster, offsets, begun: Instant::now() };
    let mut was_held = false;
    while !context.is_stopping() {
        let asked = Instant::now();
        context.health.beat("loop");
        let held = match lease.hold().await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, "the lease cannot be renewed");
                lease.is_held()
            }
        };
        context.health.ready("kubernetes", held || lease.is_held() || !was_held);
        if held != was_held {
            tracing::info!(leader = held, lease = settings.lease, "leadership");
            // What was seen before is old.
            all = all.into_iter().map(|one| watched(one.target)).collect();
        }
        was_held = held;
        measure::AUTOSCALER_LEADER.of([]).set(if held { 1.0 } else { 0.0 });
        turn.once(&mut all, &lease).await;
        while asked.elapsed() < settings.interval && !context.is_stopping() {
            tokio::time::sleep(STOP_CHECK).await;
        }
    }
    context.health.done("loop");
    lease.release().await
}

impl Loop {
    async fn once(&self, all: &mut [Watched], lease: &Lease) {
        let mut sees_kafka = true;
        for watched in all.iter_mut() {
            if !lease.is_held() {
                break;
            }
            if let Err(error) = self.one(watched, lease).await {
                sees_kafka &= !matches!(error, AutoscalerError::Broker(_));
                tracing::warn!(deployment = watched.target.deployment, %error, "cannot judge this time");
            }
        }
        self.context.health.ready("kafka", sees_kafka);
    }

    async fn one(&self, watched: &mut Watched, lease: &Lease) -> Result<(), AutoscalerError> {
        let name = watched.target.deployment.clone();
        let seen = self.cluster.look(&name).await?;
        let (offsets, target, begun) = (self.offsets.clone(), watched.target.clone(), self.begun);
        let (sample, partitions) = tokio::task::spawn_blocking(move || sample(&offsets, &target, begun)).await??;
        measure::AUTOSCALER_LAG.of([&name]).set(sample.lag() as f64);
        measure::AUTOSCALER_REPLICAS.of([&name]).set(f64::from(seen.replicas));
        let view = View { sample, partitions, replicas: seen.replicas, ready: seen.ready };
        match watched.scaler.decide(view) {
            Decision::Hold(hold) => {
                measure::AUTOSCALER_DECISIONS.of([&name, &hold.to_string()]).increment(1);
                if watched.held.replace(hold) != Some(hold) {
                    let (replicas, ready) = (seen.replicas, seen.ready);
                    tracing::info!(deployment = name, %hold, lag = sample.lag(), replicas, ready, "holding");
                }
                Ok(())
            }
            // Asking took its time: somebody else may be the one to scale by now.
            Decision::Scale { .. } if !lease.is_held() => Ok(()),
            Decision::Scale { to, why } => {
                watched.held = None;
                self.scale(&name, &seen, to, why).await
            }
        }
    }

    async fn scale(&self, name: &str, seen: &Seen, to: u32, why: String) -> Result<(), AutoscalerError> {
        let (from, dry_run) = (seen.replicas, self.settings.dry_run);
        let is_up = to > from;
        tracing::info!(deployment = name, from, to, why, dry_run, "scaling");
        let decision = if is_up { "up" } else { "down" };
        measure::AUTOSCALER_DECISIONS.of([name, decision]).increment(1);
        if dry_run {
            return Ok(());
        }
        self.cluster.scale(name, to).await?;
        let note = format!("from {from} to {to} replicas: {why}");
        // What was done is done, whether or not anybody hears of it.
        if let Err(error) = self.cluster.tell(seen, note, is_up).await {
            tracing::warn!(deployment = name, %error, "nobody was told");
        }
        Ok(())
    }
}

/// How far a topic and the group have come, and the topic's partitions.
fn sample(offsets: &Offsets, target: &Target, begun: Instant) -> Result<(Sample, u32), AutoscalerError> {
    let partitions = offsets.partitions(&target.topic)?;
    let numbers: Vec<u32> = (0..partitions).collect();
    let done = offsets.committed(&target.group, &target.topic, &numbers)?;
    let (mut written, mut committed) = (0, 0);
    for partition in numbers {
        let (first, _) = offsets.range(&target.topic, partition)?;
        let end = offsets.stable_end(&target.topic, partition)?.max(first);
        let next = done.get(&partition).map_or(first, |done| done.offset.clamp(first, end));
        written += end.unsigned_abs();
        committed += next.unsigned_abs();
    }
    Ok((Sample { at: begun.elapsed(), written, committed }, partitions))
}
