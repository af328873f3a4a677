//! The services of a stream that faults befall. One that ends by itself is started again, as Kubernetes does it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fixtures::SmallDisk;

use crate::cluster::{Cluster, Service};

pub(crate) const ENRICHER: &str = "enricher";
pub(crate) const DETECTOR: &str = "anomaly-detector";
/// Time-outs of workers: a fault must be longer than these to take partitions away.
const WORKER: [&str; 4] = ["--session-timeout", "6s", "--transaction-timeout", "4s"];
/// They soon hear of what has become of topics: partitions that were added, say.
const NEWS: [&str; 2] = ["--kafka-property", "topic.metadata.refresh.interval.ms=2000"];
/// So little memory that the states of many keys go to files and come back.
const MEMORY: [&str; 2] = ["--state-mib", "1"];
const GENERATOR: [&str; 3] = ["--once", "--transaction-timeout", "4s"];
/// A disk that has room for the states of a detector, and for little else.
const DISK: &str = "32m";
/// Enrichers and detectors at first.
const WORKERS: (usize, usize) = (2, 3);

/// How long a generator may take to begin.
const BEGIN_MAX: Duration = Duration::from_secs(60);

/// How a worker differs from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// It logs in, so that its rights can be taken away.
    LoggedIn,
    /// Its states go to a small disk.
    SmallDisk,
}

/// A service that reads partitions.
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) service: Service,
}

/// What runs: by process, what it is and where it answers. Shared with whoever looks at it meanwhile.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<BTreeMap<u32, (&'static str, String)>>>);

impl Running {
    pub(crate) fn now(&self) -> BTreeMap<u32, (&'static str, String)> {
        self.lock().clone()
    }

    pub(crate) fn add(&self, pid: u32, name: &'static str, address: String) {
        self.lock().insert(pid, (name, address));
    }

    pub(crate) fn remove(&self, pid: u32) {
        self.lock().remove(&pid);
    }

    fn began(&self, name: &'static str, service: &Service) {
        self.add(service.program.pid(), name, service.address.clone());
    }

    fn ends(&self, service: &Service) {
        self.remove(service.program.pid());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, (&'static str, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All services of a stream.
pub(crate) struct Fleet<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) workers: Vec<Worker>,
    pub(crate) generator: Option<Service>,
    /// Messages of others in the raw topic: each has to become a dead letter.
    pub(crate) foreign: u64,
    /// How long a registry is away.
    pub(crate) registry_away: Duration,
    /// Services that ended by themselves.
    pub(crate) restarted: usize,
    pub(crate) running: Running,
    pub(crate) disk: Option<SmallDisk>,
    generator_args: Vec<String>,
    started: usize,
}

impl<'a> Fleet<'a> {
    /// Starts workers, and then the generator.
    pub(crate) fn start(cluster: &'a Cluster, generator_args: &[&str], registry_away: Duration) -> Self {
        let mut fleet = Self {
            cluster,
            workers: Vec::new(),
            generator: None,
            foreign: 0,
            registry_away,
            restarted: 0,
            running: Running::default(),
            disk: SmallDisk::mount(cluster.path("disk"), DISK),
            generator_args: [&GENERATOR, generator_args].concat().iter().map(|&arg| arg.to_owned()).collect(),
            started: 0,
        };
        fleet.start_workers(ENRICHER, WORKERS.0);
        fleet.start_workers(DETECTOR, WORKERS.1);
        fleet.workers.iter().for_each(|worker| worker.service.wait_until_ready());
        fleet.start_generator();
        // A group that has not begun has no place that could be found again.
        let begun = Instant::now();
        while !cluster.has_sent() {
            assert!(begun.elapsed() < BEGIN_MAX, "nothing is sent");
            thread::sleep(Duration::from_millis(100));
        }
        fleet
    }

    /// Starts so many of a kind of worker. Among detectors there is one of each kind.
    pub(crate) fn start_workers(&mut self, name: &'static str, workers: usize) {
        for number in 0..workers {
            let kind = match number {
                0 if name == DETECTOR => Kind::LoggedIn,
                1 if name == DETECTOR && self.disk.is_some() => Kind::SmallDisk,
                _ => Kind::Plain,
            };
            self.start_worker(name, kind);
        }
    }

    pub(crate) fn start_worker(&mut self, name: &'static str, kind: Kind) {
        self.started += 1;
        let mut args: Vec<String> = WORKER.iter().chain(&NEWS).map(|&arg| arg.to_owned()).collect();
        if name == DETECTOR {
            args.extend(MEMORY.map(str::to_owned));
        }
        let mut own = Vec::new();
        match (kind, &self.disk) {
            (Kind::SmallDisk, Some(disk)) => {
                args.extend(["--spill-folder".to_owned(), disk.path().display().to_string()]);
            }
            (Kind::LoggedIn, _) => {
                let kafka = &self.cluster.kafka;
                own = vec![
                    ("BEAMLINE_KAFKA_BOOTSTRAP", kafka.bootstrap_sasl_plaintext()),
                    ("BEAMLINE_KAFKA_SECURITY", "sasl-plaintext".to_owned()),
                    ("BEAMLINE_KAFKA_MECHANISM", "PLAIN".to_owned()),
                    ("BEAMLINE_KAFKA_USERNAME", "beamline".to_owned()),
                    ("BEAMLINE_KAFKA_PASSWORD", kafka.password().to_owned()),
                ];
            }
            _ => {}
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let service = self.cluster.service_as(name, &format!("{name}-{}", self.started), &args, &own);
        self.running.began(name, &service);
        self.workers.push(Worker { name, kind, service });
    }

    pub(crate) fn start_generator(&mut self) {
        self.started += 1;
        let args: Vec<&str> = self.generator_args.iter().map(String::as_str).collect();
        let service = self.cluster.service("generator", &format!("generator-{}", self.started), &args);
        self.running.began("generator", &service);
        self.generator = Some(service);
    }

    /// Takes the generator out of what runs, where the source has not ended yet.
    pub(crate) fn take_generator(&mut self) -> Option<Service> {
        let generator = self.generator.take_if(|generator| generator.program.wait(Duration::ZERO).is_none())?;
        self.running.ends(&generator);
        Some(generator)
    }

    /// Takes a worker out of what runs, to end it.
    pub(crate) fn take(&mut self, index: usize) -> Worker {
        let worker = self.workers.remove(index);
        self.running.ends(&worker.service);
        worker
    }

    /// Kills a worker and starts another in its place; gives its name.
    pub(crate) fn kill(&mut self, random: u64) -> &'static str {
        let Worker { name, kind, service } = self.take(random as usize % self.workers.len());
        // It may have ended a moment ago; dropping it kills it.
        drop(service);
        self.start_worker(name, kind);
        name
    }

    /// Stops all workers of a name; gives how many there were.
    pub(crate) fn stop_all(&mut self, name: &str) -> usize {
        let mut stopped = 0;
        while let Some(index) = self.workers.iter().position(|worker| worker.name == name) {
            self.take(index).service.stop();
            stopped += 1;
        }
        stopped
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.workers.iter().filter(|worker| worker.name == name).count()
    }

    /// Starts again what has ended by itself; gives how many services that were.
    pub(crate) fn revive(&mut self) -> usize {
        let before = self.restarted;
        let ended = |service: &Service| service.program.wait(Duration::ZERO);
        while let Some((index, status)) =
            self.workers.iter().enumerate().find_map(|(at, worker)| Some((at, ended(&worker.service)?)))
        {
            let Worker { name, kind, service } = self.take(index);
            self.told(name, &format!("{status}"), &service);
            self.start_worker(name, kind);
        }
        let status = self.generator.as_ref().and_then(ended).filter(|status| !status.success());
        if let (Some(status), Some(generator)) = (status, self.generator.take_if(|_| status.is_some())) {
            self.running.ends(&generator);
            self.told("generator", &format!("{status}"), &generator);
            self.start_generator();
        }
        self.restarted - before
    }

    fn told(&mut self, name: &str, status: &str, service: &Service) {
        self.restarted += 1;
        let log = service.program.log();
        assert!(!log.contains("panicked"), "{log}");
        println!("      {name} ended by itself ({status}): {}", log.lines().last().unwrap_or_default());
    }

    /// Waits until the source has ended, and all of it has been sent.
    pub(crate) fn wait_for_generator(&mut self, limit: Duration) {
        let begun = Instant::now();
        let ended = |fleet: &Self| {
            let generator = fleet.generator.as_ref()?;
            generator.program.wait(Duration::ZERO).filter(std::process::ExitStatus::success)
        };
        while ended(self).is_none() {
            let log = || self.generator.as_ref().map(|generator| generator.program.log()).unwrap_or_default();
            assert!(begun.elapsed() < limit, "the generator does not end\n{}", log());
            self.revive();
            thread::sleep(Duration::from_millis(200));
        }
        if let Some(generator) = &self.generator {
            self.running.ends(generator);
        }
    }

    /// Starts a worker that the stream's topics do not let begin; gives what it says.
    pub(crate) fn refused(&self, name: &'static str) -> String {
        let service = self.cluster.service(name, "refused", &WORKER);
        let status = service.program.wait(BEGIN_MAX);
        let log = service.program.log();
        assert_eq!(status.and_then(|status| status.code()), Some(64), "{log}");
        log
    }

    pub(crate) fn services(&self) -> Vec<&Service> {
        self.workers.iter().map(|worker| &worker.service).collect()
    }
}
