//! Kafka, a registry, the services of one stream as processes, and the same events in one process.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use broker::{Connection, Offsets};
use kafka::Step;
use servers::{Apicurio, Kafka, KafkaOptions, Program, free_port};
use tempfile::TempDir;

use crate::{
    input,
    page::{PATIENCE, Page},
};

/// Servers, and a folder with a definition and its events.
pub(crate) struct Cluster {
    pub(crate) kafka: Kafka,
    pub(crate) apicurio: Apicurio,
    pub(crate) folder: TempDir,
    services: Vec<Program>,
}

impl Cluster {
    /// The stream's events sent and scored by its services, which go on running.
    pub(crate) fn with_the_stream() -> Self {
        let mut cluster = Self::start(input::RECORDS);
        cluster.run_the_stream();
        cluster.wait_for(input::RECORDS - input::BAD / 2);
        cluster
    }

    /// The servers, and so many events that nobody has sent yet.
    pub(crate) fn start(events: u64) -> Self {
        Self::over(input::DEFINITION, events)
    }

    /// The same for another definition.
    pub(crate) fn over(definition: &str, events: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("stream.yaml"), definition).unwrap();
        fs::write(folder.path().join("input.jsonl"), input::lines(events)).unwrap();
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/particle-event.avsc");
        fs::copy(schema, folder.path().join("particle-event.avsc")).unwrap();
        let kafka = Kafka::start(KafkaOptions::default()).unwrap();
        let cluster = Self { kafka, apicurio: Apicurio::start().unwrap(), folder, services: Vec::new() };
        cluster.beamline(&["topics", "apply", "stream.yaml"]);
        cluster
    }

    /// Starts the services of the stream.
    pub(crate) fn run_the_stream(&mut self) {
        for (name, more) in
            [("generator", &["--once"][..]), ("enricher", &[]), ("anomaly-detector", &[]), ("aggregator", &[])]
        {
            let service = self.service(name, more);
            self.services.push(service);
        }
    }

    /// Waits until the last step has had all that came of so many events.
    pub(crate) fn wait_for(&self, events: u64) {
        let offsets = Offsets::connect(&Connection::plaintext(self.kafka.bootstrap())).unwrap();
        let of = |step| kafka::account(&offsets, "particles", 4, step).unwrap().unwrap_or_default();
        let begun = Instant::now();
        loop {
            let (front, detector, aggregator) = (of(Step::Enrich), of(Step::Detect), of(Step::Aggregate));
            if front.records >= events && detector.records >= front.out && aggregator.records >= detector.out {
                return;
            }
            let logs: Vec<String> = self.services.iter().map(Program::log).collect();
            assert!(begun.elapsed() < PATIENCE, "{front:?} {detector:?} {aggregator:?}\n{}", logs.join("\n----\n"));
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs the command line to its end.
    pub(crate) fn beamline(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary("beamline"));
        let output = command.args(arguments).envs(self.environment()).current_dir(self.folder.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "beamline {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn environment(&self) -> [(String, String); 2] {
        [
            ("BEAMLINE_KAFKA_BOOTSTRAP".into(), self.kafka.bootstrap()),
            ("BEAMLINE_REGISTRY_URL".into(), self.apicurio.url()),
        ]
    }

    pub(crate) fn service(&self, name: &str, more: &[&str]) -> Program {
        let stream = self.folder.path().join("stream.yaml").display().to_string();
        let listen = format!("127.0.0.1:{}", free_port());
        let arguments = [&["--stream", &stream, "--listen", &listen, "--instance", name], more].concat();
        let environment = self.environment();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Program::start(binary(name), &arguments, &environment).unwrap()
    }

    /// A dashboard that answers.
    pub(crate) fn dashboard(&self, more: &[&str]) -> Page {
        let address = format!("127.0.0.1:{}", free_port());
        let program = self.service("dashboard", &[&["--page", &address], more].concat());
        Page::new(program, &format!("http://{address}"))
    }

    /// A run of the same events in one process. They come through a pipe that stays open, for a page ends with its run.
    pub(crate) fn one_process(&self) -> Page {
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(binary("beamline"))
            .args(["run", "stream.yaml", "--out", "results", "--stdin", "jsonl", "--commit-interval", "200ms"])
            .args(["--page", &address])
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.as_mut().unwrap().write_all(input::lines(input::RECORDS).as_bytes()).unwrap();
        Page::of_run(child, &format!("http://{address}"))
    }
}

/// The binary of a service, beside the dashboard.
pub(crate) fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_dashboard")).with_file_name(name)
}
