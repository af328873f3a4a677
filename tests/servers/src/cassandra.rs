//! Cassandra, one node.

use std::path::PathBuf;

use crate::{
    Node, ServerError, artifacts, free_port,
    node::{Ready, Recipe},
    scratch::Scratch,
};

const VERSION: &str = "5.0.9";

/// A running Cassandra. Acknowledged rows survive [`Node::kill`].
#[derive(Debug)]
pub struct Cassandra {
    node: Node,
    port: u16,
    // After the node: its folder goes last.
    _scratch: Scratch,
}

impl Cassandra {
    /// Start it at a free port and wait until it accepts CQL.
    pub fn start() -> Result<Self, ServerError> {
        Self::start_at(free_port())
    }

    /// Start it at a port.
    pub fn start_at(port: u16) -> Result<Self, ServerError> {
        // Quicker to start, and slower at work.
        Self::start_with(port, &["-XX:TieredStopAtLevel=1"])
    }

    /// Start it as it is meant to be measured: with the compiler that takes its time.
    pub fn start_to_measure() -> Result<Self, ServerError> {
        Self::start_with(free_port(), &[])
    }

    /// The folder of its jars, among which is a Java driver.
    pub fn jars() -> Result<PathBuf, ServerError> {
        Ok(home()?.join("lib"))
    }

    fn start_with(port: u16, options: &[&str]) -> Result<Self, ServerError> {
        let home = home()?;
        let scratch = Scratch::new("cassandra")?;
        let node = Node::new(recipe(&home, &scratch, port, options)?);
        node.start()?;
        Ok(Self { node, port, _scratch: scratch })
    }

    /// The address for clients: a host and a port.
    pub fn contact_point(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

fn home() -> Result<PathBuf, ServerError> {
    artifacts::folder("cassandra", VERSION, |folder| {
        artifacts::fetch_jars(include_str!("../artifacts/cassandra/pom.xml"), folder)
    })
}

fn recipe(home: &std::path::Path, scratch: &Scratch, port: u16, options: &[&str]) -> Result<Recipe, ServerError> {
    let state = scratch.path().to_string_lossy();
    let text = include_str!("../artifacts/cassandra/cassandra.yaml")
        .replace("@STATE@", &state)
        .replace("@CQL@", &port.to_string())
        .replace("@STORAGE@", &free_port().to_string());
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
        ready: Ready::Port(port),
    })
}
