//! Kafka in KRaft mode: one node, or a cluster of three.

mod properties;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Node, ServerError, artifacts, free_port,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const VERSION: &str = "4.4.0";
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qg";

/// What kind of cluster to start.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// How many nodes: 1 or 3. Three replicate everything, and accept writes while two are in step.
    pub nodes: usize,
    /// For measurements: the full compiler and a bigger heap, at the price of a slower start.
    pub measured: bool,
    /// Broker properties that replace or extend the usual ones.
    pub properties: Vec<(String, String)>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { nodes: 1, measured: false, properties: Vec::new() }
    }
}

/// A running cluster. Topics are created by those who need them: the brokers do not create any on their own.
#[derive(Debug)]
pub struct Kafka {
    nodes: Vec<Node>,
    ports: Vec<Ports>,
    // After the nodes: their folder goes last.
    _scratch: Scratch,
}

/// Where a node listens.
#[derive(Clone, Debug)]
struct Ports {
    plain: u16,
    controller: u16,
}

impl Ports {
    fn new() -> Self {
        Self { plain: free_port(), controller: free_port() }
    }
}

impl Kafka {
    /// Start a cluster and wait until all its nodes are ready.
    pub fn start(options: KafkaOptions) -> Result<Self, ServerError> {
        if options.nodes != 1 && options.nodes != 3 {
            return Err(ServerError::Options(format!("a cluster has 1 or 3 nodes, not {}", options.nodes)));
        }
        let home = home()?;
        let scratch = Scratch::new("kafka")?;
        let ports: Vec<Ports> = (0..options.nodes).map(|_| Ports::new()).collect();
        let files = (0..options.nodes)
            .map(|index| {
                let folder = scratch.folder(&format!("node-{}", index + 1))?;
                let text = properties::node(&options, index, &ports, &folder.join("data"));
                scratch.write(&format!("node-{}/server.properties", index + 1), &text)
            })
            .collect::<Result<Vec<PathBuf>, ServerError>>()?;
        format_storage(&home, &files)?;

        let nodes: Vec<Node> =
            files.iter().enumerate().map(|(index, file)| Node::new(recipe(&home, &options, index, file))).collect();
        nodes.iter().try_for_each(Node::launch)?;
        nodes.iter().try_for_each(Node::await_ready)?;
        Ok(Self { nodes, ports, _scratch: scratch })
    }

    /// The addresses of all nodes, as clients want them.
    pub fn bootstrap(&self) -> String {
        addresses(self.ports.iter().map(|ports| ports.plain))
    }

    /// A node, from 0 on.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

fn addresses(ports: impl Iterator<Item = u16>) -> String {
    let addresses: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
    addresses.join(",")
}

/// Where the broker's jars are.
fn home() -> Result<PathBuf, ServerError> {
    artifacts::folder("kafka", VERSION, |folder| {
        artifacts::fetch_jars(include_str!("../artifacts/kafka/pom.xml"), folder)?;
        let log_settings = folder.join("log4j2.properties");
        let text = include_str!("../artifacts/kafka/log4j2.properties");
        std::fs::write(&log_settings, text).map_err(ServerError::file(&log_settings))
    })
}

/// Prepare the data folders. The broker's own tool has to do it: it also switches on what the version can do, such as
/// the newer group protocol and the newer transactions.
fn format_storage(home: &Path, files: &[PathBuf]) -> Result<(), ServerError> {
    std::thread::scope(|scope| {
        let tools: Vec<_> = files
            .iter()
            .map(|file| {
                scope.spawn(move || {
                    let mut command = Command::new("java");
                    command.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]).args(class_path(home));
                    command.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]).arg(file);
                    process::run(&mut command).map(|_| ())
                })
            })
            .collect();
        tools.into_iter().try_for_each(|tool| tool.join().expect("a tool that does not panic"))
    })
}

fn recipe(home: &Path, options: &KafkaOptions, index: usize, file: &Path) -> Recipe {
    let heap = match (options.measured, options.nodes) {
        (true, _) => ["-Xms1g", "-Xmx1g"],
        (false, 1) => ["-Xms256m", "-Xmx512m"],
        (false, _) => ["-Xms128m", "-Xmx384m"],
    };
    let mut args: Vec<String> = heap.map(str::to_owned).to_vec();
    args.push("-XX:+UseG1GC".to_owned());
    if !options.measured {
        args.push("-XX:TieredStopAtLevel=1".to_owned());
    }
    args.extend(class_path(home));
    args.extend(["kafka.Kafka".to_owned(), file.to_string_lossy().into_owned()]);
    Recipe {
        name: format!("kafka node {}", index + 1),
        program: "java".to_owned(),
        args,
        envs: Vec::new(),
        log: file.with_file_name("log"),
        ready: Ready::Line("Kafka Server started"),
    }
}

fn class_path(home: &Path) -> [String; 3] {
    let log_settings = home.join("log4j2.properties");
    let jars = home.join("lib/*");
    [
        format!("-Dlog4j2.configurationFile={}", log_settings.display()),
        "-cp".to_owned(),
        jars.to_string_lossy().into_owned(),
    ]
}
