//! The thread that publishes events.

use std::{
    collections::{HashMap, HashSet},
    mem::{self, Discriminant},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Config,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use service::Conditions;
use tokio::{
    runtime::Builder,
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use crate::{
    Pod,
    changes::{Change, Published},
    error::PodEventsError,
    limit::Limit,
};

/// How many reasons are known that are counted up when they come again.
const RECORDERS_MAX: usize = 64;

/// How often something is published, and how long that may take.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How many requests there are in a minute at most.
    pub requests_a_minute: usize,
    /// How long one may take.
    pub request_timeout: Duration,
    /// How long to wait after one that failed.
    pub wait_after_failure: Duration,
    /// After how long a reason that lasts is published again, which counts it up: Kubernetes forgets events after an hour.
    /// A recorder makes a new event of what is older than six minutes.
    pub repeat_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            requests_a_minute: 10,
            request_timeout: Duration::from_secs(10),
            wait_after_failure: Duration::from_secs(30),
            repeat_after: Duration::from_secs(300),
        }
    }
}

/// Publishes what the conditions say until `stop` is set or nobody reports any more. A failure is logged, and tried again
/// later with what the conditions say then.
pub fn publish(
    mut config: Config,
    pod: Pod,
    reporter: String,
    conditions: watch::Receiver<Conditions>,
    stop: &AtomicBool,
    pace: Pace,
) {
    config.connect_timeout = Some(pace.request_timeout);
    // Its own waits are enough.
    config.default_retry = false;
    let publisher = Publisher {
        config,
        client: None,
        recorders: HashMap::new(),
        warned: HashSet::new(),
        about: pod.reference(),
        reporter: Reporter { controller: reporter, instance: Some(pod.name.clone()) },
        pod,
        pace,
    };
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(publisher.run(conditions, stop)),
        Err(error) => tracing::warn!(%error, "no events of the pod"),
    }
}

struct Publisher {
    config: Config,
    /// Made when there is something to publish for the first time.
    client: Option<Client>,
    /// One for each reason: a recorder takes what differs in its text alone for the same event, whose text stays the first.
    recorders: HashMap<String, Recorder>,
    /// What kinds of failures were warned of.
    warned: HashSet<Discriminant<PodEventsError>>,
    pod: Pod,
    about: ObjectReference,
    reporter: Reporter,
    pace: Pace,
}

impl Publisher {
    async fn run(mut self, mut conditions: watch::Receiver<Conditions>, stop: &AtomicBool) {
        let mut published = Published::nothing(self.pace.repeat_after, Instant::now());
        let mut limit = Limit::a_minute(self.pace.requests_a_minute);
        loop {
            // A copy, so that nobody who reports waits for a request.
            let seen = conditions.borrow_and_update().clone();
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let now = Instant::now();
            let change = match published.next(&seen) {
                Some((at, change)) if at <= now => change,
                next => {
                    let changed = conditions.changed();
                    let ended = match next {
                        Some((at, _)) => timeout(at - now, changed).await.is_ok_and(|changed| changed.is_err()),
                        None => changed.await.is_err(),
                    };
                    if ended {
                        return;
                    }
                    continue;
                }
            };
            if let Err(wait) = limit.take(now) {
                // What is published then is what the conditions are by then.
                sleep(wait).await;
                continue;
            }
            match self.send(&change).await {
                Ok(()) => published.add(change, now),
                Err(error) => {
                    self.complain(error);
                    sleep(self.pace.wait_after_failure).await;
                }
            }
        }
    }

    async fn send(&mut self, change: &Change) -> Result<(), PodEventsError> {
        let is_warning = change.is_warning();
        let event = Event {
            type_: if is_warning { EventType::Warning } else { EventType::Normal },
            reason: if is_warning { "NotReady".to_owned() } else { "ReadyAgain".to_owned() },
            note: Some(change.note()),
            action: "ReportReadiness".to_owned(),
            secondary: None,
        };
        let kind = change.kind();
        let recorder = self.recorder(&kind)?;
        // The client logs every failure as an error by itself.
        let publishing = recorder.publish(&event, &self.about).with_subscriber(NoSubscriber::default());
        let published = timeout(self.pace.request_timeout, publishing).await;
        let published = match published {
            Ok(published) => published.map_err(PodEventsError::publishing(&self.pod.namespace)),
            Err(_) => Err(PodEventsError::NoAnswer(self.pace.request_timeout)),
        };
        if published.is_err() {
            // What it counts up may have been deleted: the next try makes a new event.
            self.recorders.remove(&kind);
        }
        published
    }

    fn recorder(&mut self, kind: &str) -> Result<Recorder, PodEventsError> {
        if let Some(recorder) = self.recorders.get(kind) {
            return Ok(recorder.clone());
        }
        if self.recorders.len() >= RECORDERS_MAX {
            self.recorders.clear();
        }
        let recorder = Recorder::new(self.client()?, self.reporter.clone());
        self.recorders.insert(kind.to_owned(), recorder.clone());
        Ok(recorder)
    }

    fn client(&mut self) -> Result<Client, PodEventsError> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = Client::try_from(self.config.clone()).map_err(PodEventsError::publishing(&self.pod.namespace))?;
        Ok(self.client.insert(client).clone())
    }

    /// Says it once for each kind of failure, so that a right that is missing does not fill the log.
    fn complain(&mut self, error: PodEventsError) {
        if self.warned.insert(mem::discriminant(&error)) {
            tracing::warn!(%error, "no event of the pod; from now on this is logged at debug");
        } else {
            tracing::debug!(%error, "no event of the pod");
        }
    }
}
