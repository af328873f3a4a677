//! Cassandra, one node.

use std::{
    env,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Node, ServerError, artifacts,
    certificates::Certificates,
    free_port,
    node::{Ready, Recipe},
    scratch::Scratch,
};

const VERSION: &str = "5.0.9";

/// The role that a secured one begins with, and its password.
const ROLE: &str = "cassandra";

/// Names a server for [`Cassandra::start`], host and port: ScyllaDB in continuous integration.
const NAMED: &str = "BEAMLINE_TEST_CQL";

/// How long it may take to create that role.
const ROLE_LIMIT: Duration = Duration::from_secs(60);

/// Quicker to start, and slower at work.
const QUICK: &[&str] = &["-XX:TieredStopAtLevel=1"];

/// A row is acknowledged when it is on the disk. In the usual mode (periodic) a process that is killed takes what was
/// acknowledged in its last 100 ms with it: a restart reads the log up to its last marker only (CASSANDRA-13987).
const SYNCED: &str = "commitlog_sync: batch";

/// As it comes. What is killed while measured is lost.
const PERIODIC: &str = "commitlog_sync: periodic\ncommitlog_sync_period: 10000ms";

/// A running Cassandra. Acknowledged rows survive [`Node::kill`].
#[derive(Debug)]
pub struct Cassandra {
    /// None where somebody else has started it.
    node: Option<Node>,
    contact_point: String,
    certificates: Option<Certificates>,
    // After the node: its folder goes last.
    _scratch: Option<Scratch>,
}

impl Cassandra {
    /// Start it at a free port and wait until it accepts CQL. Where `BEAMLINE_TEST_CQL` names a server, that one is taken as
    /// it is, with whatever is in it; it has no [`Cassandra::node`].
    pub fn start() -> Result<Self, ServerError> {
        match env::var(NAMED) {
            Ok(contact_point) if !contact_point.is_empty() => {
                Ok(Self { node: None, contact_point, certificates: None, _scratch: None })
            }
            _ => Self::start_at(free_port()),
        }
    }

    /// Start it at a port.
    pub fn start_at(port: u16) -> Result<Self, ServerError> {
        Self::begin(Scratch::new("cassandra")?, port, QUICK, None)
    }

    /// Start it at a port, with the data it has in a folder.
    pub fn start_in(folder: &Path, port: u16) -> Result<Self, ServerError> {
        Self::begin(Scratch::kept(folder)?, port, QUICK, None)
    }

    /// Start it as it is meant to be measured: with the compiler that takes its time.
    pub fn start_to_measure() -> Result<Self, ServerError> {
        Self::begin(Scratch::new("cassandra")?, free_port(), &[], None)
    }

    /// Start one that accepts only TLS, and asks for a password: [`Cassandra::username`], [`Cassandra::ca_file`].
    pub fn start_secured() -> Result<Self, ServerError> {
        let scratch = Scratch::new("cassandra")?;
        let certificates = Certificates::create(scratch.folder("certificates")?)?;
        let cassandra = Self::begin(scratch, free_port(), QUICK, Some(certificates))?;
        let start = Instant::now();
        while !cassandra.node().log().contains("Created default superuser role") {
            cassandra.node().check()?;
            if start.elapsed() > ROLE_LIMIT {
                return Err(ServerError::Options(format!("Cassandra has no role after {ROLE_LIMIT:?}")));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(cassandra)
    }

    /// The folder of its jars, among which is a Java driver.
    pub fn jars() -> Result<PathBuf, ServerError> {
        Ok(home()?.join("lib"))
    }

    fn begin(
        scratch: Scratch,
        port: u16,
        options: &[&str],
        certificates: Option<Certificates>,
    ) -> Result<Self, ServerError> {
        let node = Node::new(recipe(&home()?, &scratch, port, options, certificates.as_ref())?);
        node.start()?;
        let contact_point = format!("127.0.0.1:{port}");
        Ok(Self { node: Some(node), contact_point, certificates, _scratch: Some(scratch) })
    }

    /// The address for clients: a host and a port.
    pub fn contact_point(&self) -> String {
        self.contact_point.clone()
    }

    /// Who may log in to a secured one, and do everything.
    pub fn username(&self) -> &'static str {
        ROLE
    }

    /// The password of [`Cassandra::username`].
    pub fn password(&self) -> &'static str {
        ROLE
    }

    /// The authority that signed its certificate.
    ///
    /// # Panics
    /// When it is not secured.
    pub fn ca_file(&self) -> PathBuf {
        self.certificates().ca()
    }

    /// An authority that signed nothing.
    ///
    /// # Panics
    /// When it is not secured.
    pub fn other_ca_file(&self) -> PathBuf {
        self.certificates().other_ca()
    }

    fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("a Cassandra of `start_secured`")
    }

    /// Its process.
    ///
    /// # Panics
    /// Where `BEAMLINE_TEST_CQL` names it: what somebody else has started is not hurt.
    pub fn node(&self) -> &Node {
        self.node.as_ref().expect("a Cassandra that was started here")
    }
}

fn home() -> Result<PathBuf, ServerError> {
    artifacts::folder("cassandra", VERSION, |folder| {
        artifacts::fetch_jars(include_str!("../artifacts/cassandra/pom.xml"), folder)
    })
}

/// What `cassandra.yaml` needs on top.
fn security(certificates: &Certificates) -> String {
    format!(
        "authenticator: PasswordAuthenticator
client_encryption_options:
  enabled: true
  optional: false
  ssl_context_factory: {{class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}}
  keystore: {}
",
        certificates.server().display()
    )
}

fn recipe(
    home: &Path,
    scratch: &Scratch,
    port: u16,
    options: &[&str],
    certificates: Option<&Certificates>,
) -> Result<Recipe, ServerError> {
    let state = scratch.path().to_string_lossy();
    let text = include_str!("../artifacts/cassandra/cassandra.yaml")
        .replace("@STATE@", &state)
        .replace("@CQL@", &port.to_string())
        .replace("@STORAGE@", &free_port().to_string())
        .replace("@SYNC@", if options.is_empty() { PERIODIC } else { SYNCED })
        + &certificates.map(security).unwrap_or_default();
    let settings = scratch.write("cassandra.yaml", &text)?;
    let log_settings = scratch.write("logback.xml", include_str!("../artifacts/cassandra/logback.xml"))?;
    let jvm_options: PathBuf = scratch.write("jvm.options", include_str!("../artifacts/cassandra/jvm.options"))?;

    let mut args: Vec<String> = [
        // A small first heap: as root, the server locks all of it into memory.
        "-Xms128m",
        "-Xmx1G",
        "-XX:+UseG1GC",
        "-Xss512k",
        "-XX:+ExitOnOutOfMemoryError",
        "-Dcassandra-foreground=yes",
        "-Dcassandra.ring_delay_ms=0",
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.superuser_setup_delay_ms=0",
        "-Dcassandra.memtable_row_overhead_computation_step=100",
    ]
    .map(str::to_owned)
    .to_vec();
    args.extend(options.iter().map(|option| (*option).to_owned()));
    args.extend([
        format!("@{}", jvm_options.display()),
        format!("-Dcassandra.config=file://{}", settings.display()),
        format!("-Dcassandra.storagedir={state}/data"),
        format!("-Dlogback.configurationFile={}", log_settings.display()),
        format!("-Dcassandra.jmx.local.port={}", free_port()),
        "-cp".to_owned(),
        home.join("lib/*").to_string_lossy().into_owned(),
        "org.apache.cassandra.service.CassandraDaemon".to_owned(),
    ]);
    Ok(Recipe {
        name: "cassandra".to_owned(),
        program: "java".to_owned(),
        args,
        envs: Vec::new(),
        log: scratch.path().join("log"),
        // The log says so a moment too early.
        ready: vec![Ready::Port(port)],
    })
}
