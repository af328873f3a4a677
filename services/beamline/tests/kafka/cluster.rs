//! Kafka, a registry, and the stream's services as processes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use broker::{Connection, Offsets};
use kafka::{Generator, GeneratorNote, Step};
use registry::{Registry, Settings};
use servers::{Apicurio, Kafka, KafkaOptions, Program, free_port};
use stage::Ledger;
use tempfile::TempDir;

/// The definition that these tests run.
const DEFINITION: &str = r#"
apiVersion: beamline.dev/v1
kind: Stream
metadata: { name: particles }
spec:
  schema: particle-event.avsc
  id: event_id
  key: detector_id
  time: timestamp
  partitions: 8
  source:
    files: { paths: [input.jsonl] }
  quality:
    - { name: positive_energy, check: "energy_gev > 0" }
  enrich:
    columns:
      pt: "transverse_momentum(momentum_x, momentum_y)"
      eta: "pseudorapidity(momentum_x, momentum_y, momentum_z)"
      share: "100 / (CAST(energy_gev AS BIGINT) - 77)"
    filter: "energy_gev >= 0.5"
  detect:
    features: ["ln(pt)", eta, "ln(energy_gev)"]
    rules:
      - { name: high_energy, when: "energy_gev > 900" }
"#;

/// One cluster at a time: several on a small machine are slower than one after the other, and miss time-outs.
static ALONE: Mutex<()> = Mutex::new(());

/// The definition and its schema.
pub(crate) fn write_definition(folder: &Path) {
    fs::write(folder.join("stream.yaml"), DEFINITION).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/particle-event.avsc");
    fs::copy(schema, folder.join("particle-event.avsc")).unwrap();
}

/// Servers, and a folder with a definition.
pub(crate) struct Cluster {
    pub kafka: Kafka,
    pub apicurio: Apicurio,
    pub folder: TempDir,
    /// Where services find the cluster.
    services_bootstrap: String,
    // After the servers: the next one begins when they have ended.
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    /// One node, reached as it is.
    pub(crate) fn start() -> Self {
        Self::begin(KafkaOptions::default())
    }

    /// One node that has warmed up soon, for measurements.
    pub(crate) fn start_to_measure() -> Self {
        Self::begin(KafkaOptions { measured: true, ..KafkaOptions::default() })
    }

    /// Three nodes, which services reach through proxies that can be cut.
    pub(crate) fn start_three() -> Self {
        Self::begin(KafkaOptions { nodes: 3, proxied: true, ..KafkaOptions::default() })
    }

    /// One node that also has listeners with TLS and passwords.
    pub(crate) fn start_secured() -> Self {
        Self::begin(KafkaOptions { secured: true, ..KafkaOptions::default() })
    }

    /// As these options say.
    pub(crate) fn start_with(options: KafkaOptions) -> Self {
        Self::begin(options)
    }

    /// Keeps other clusters of these tests away, for a test that starts servers in another way.
    pub(crate) fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(options: KafkaOptions) -> Self {
        let alone = Self::alone();
        let folder = tempfile::tempdir().unwrap();
        write_definition(folder.path());
        let proxied = options.proxied;
        let kafka = Kafka::start(options).unwrap();
        let services_bootstrap = if proxied { kafka.bootstrap_proxied() } else { kafka.bootstrap() };
        Self { kafka, services_bootstrap, apicurio: Apicurio::start().unwrap(), folder, _alone: alone }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::plaintext(self.kafka.bootstrap())
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(&Settings::new(self.apicurio.url())).unwrap()
    }

    /// Runs the command line to its end; gives what it printed.
    pub(crate) fn beamline(&self, arguments: &[&str]) -> String {
        let (code, printed, said) = self.beamline_ends(arguments);
        assert_eq!(code, Some(0), "beamline {arguments:?}: {printed}{said}");
        printed
    }

    /// The same, however it ends; gives its code, and what it printed and said.
    pub(crate) fn beamline_ends(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.beamline_at(Path::new(env!("CARGO_BIN_EXE_beamline")), arguments)
    }

    /// The same with another `beamline` than this one.
    pub(crate) fn beamline_at(&self, program: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(program)
            .args(arguments)
            .envs(self.environment())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn environment(&self) -> [(String, String); 2] {
        [
            ("BEAMLINE_KAFKA_BOOTSTRAP".into(), self.services_bootstrap.clone()),
            ("BEAMLINE_REGISTRY_URL".into(), self.apicurio.url()),
        ]
    }

    /// Starts a service of the stream.
    pub(crate) fn service(&self, name: &str, instance: &str, more: &[&str]) -> Service {
        self.service_of("stream.yaml", name, instance, more)
    }

    /// Starts a service of the stream that a file defines.
    pub(crate) fn service_of(
        &self,
        definition: impl AsRef<Path>,
        name: &str,
        instance: &str,
        more: &[&str],
    ) -> Service {
        self.program(&binary(name), definition, instance, more)
    }

    /// Starts a service of the stream with some settings of its own, by its environment.
    pub(crate) fn service_as(&self, name: &str, instance: &str, more: &[&str], own: &[(&str, String)]) -> Service {
        self.start_program(&binary(name), Path::new("stream.yaml"), instance, more, own)
    }

    /// Starts this program as a service of the stream that a file defines.
    pub(crate) fn program(
        &self,
        program: &Path,
        definition: impl AsRef<Path>,
        instance: &str,
        more: &[&str],
    ) -> Service {
        self.start_program(program, definition.as_ref(), instance, more, &[])
    }

    fn start_program(
        &self,
        program: &Path,
        definition: &Path,
        instance: &str,
        more: &[&str],
        own: &[(&str, String)],
    ) -> Service {
        let stream = self.folder.path().join(definition).display().to_string();
        let address = format!("127.0.0.1:{}", free_port());
        let arguments = [&["--stream", &stream, "--listen", &address, "--instance", instance], more].concat();
        let environment = self.environment();
        let usual = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let environment: Vec<(&str, &str)> =
            usual.chain(own.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        Service { program: Program::start(program, &arguments, &environment).unwrap(), address }
    }

    pub(crate) fn offsets(&self) -> Offsets {
        Offsets::connect(&self.connection()).unwrap()
    }

    /// Whether the generator has committed anything yet.
    pub(crate) fn has_sent(&self) -> bool {
        !self.offsets().committed(&Generator::group("particles"), "particles", &[0]).unwrap().is_empty()
    }

    /// What the generator has sent.
    pub(crate) fn sent(&self) -> GeneratorNote {
        self.sent_of("particles")
    }

    /// The same of another stream, once a generator that has ended has its last transaction decided: that is so a
    /// little after it has been committed.
    pub(crate) fn sent_of(&self, stream: &str) -> GeneratorNote {
        let committed = self.offsets().decided(&Generator::group(stream), stream, &[0]).unwrap();
        committed.get(&0).map(|committed| GeneratorNote::parse(&committed.metadata).unwrap()).unwrap_or_default()
    }

    /// The account of a step.
    pub(crate) fn ledger(&self, step: Step) -> Ledger {
        self.ledger_of("particles", 8, step)
    }

    /// The account of a step of another stream.
    pub(crate) fn ledger_of(&self, stream: &str, partitions: u32, step: Step) -> Ledger {
        kafka::account(&self.offsets(), stream, partitions, step).unwrap().unwrap_or_default()
    }

    /// Waits until the detector has seen everything that came through of `records` raw records.
    pub(crate) fn wait_until_done(&self, records: u64, limit: Duration, services: &[&Service]) -> (Ledger, Ledger) {
        let begun = Instant::now();
        loop {
            let (enriched, detected) = (self.ledger(Step::Enrich), self.ledger(Step::Detect));
            if enriched.records >= records && detected.records >= enriched.out {
                return (enriched, detected);
            }
            if begun.elapsed() > limit {
                let logs: Vec<String> = services.iter().map(|service| service.program.log()).collect();
                panic!("{records} records, but {enriched:?} and {detected:?}\n{}", logs.join("\n----\n"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The binary of a service, beside the command line.
pub(crate) fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_beamline")).with_file_name(name)
}

/// A service's process.
pub(crate) struct Service {
    pub program: Program,
    pub address: String,
}

impl Service {
    pub(crate) fn wait_until_ready(&self) {
        let ready = self.program.wait_for_http(&format!("http://{}/readyz", self.address), Duration::from_secs(60));
        if let Err(error) = ready {
            panic!("{error}\n{}", self.program.log());
        }
    }

    /// The status and text of its readiness; 0 where it does not answer yet.
    pub(crate) fn readiness(&self) -> (u16, String) {
        servers::http_get(&format!("http://{}/readyz", self.address)).unwrap_or_else(|error| (0, error.to_string()))
    }

    /// The sum of a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let (status, text) = servers::http_get(&format!("http://{}/metrics", self.address)).unwrap();
        assert_eq!(status, 200);
        let of =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '));
        text.lines().filter(of).map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }

    /// Asks it to stop, and sees that it does so well.
    pub(crate) fn stop(&self) {
        self.program.signal("TERM").unwrap();
        let status = self.program.wait(Duration::from_secs(30));
        assert!(status.is_some_and(|status| status.success()), "{status:?}\n{}", self.program.log());
    }
}
