//! Kafka in KRaft mode: one node, or a cluster of three.

mod listeners;
mod properties;
mod rights;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use self::listeners::Listeners;
use crate::{
    Node, Proxy, ServerError, artifacts,
    certificates::Certificates,
    free_port,
    node::{Ready, Recipe},
    process,
    scratch::Scratch,
};

const VERSION: &str = "4.4.0";
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qg";

/// Who may log in to a secured cluster: `admin` may do everything, `beamline` has every right by rule, and `reader`
/// may read and not write.
const USERS: [&str; 3] = ["admin", "beamline", "reader"];
const PASSWORD: &str = "a-password-for-tests";

/// What kind of cluster to start.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// How many nodes: 1 or 3. Three replicate everything, and accept writes while two are in step.
    pub nodes: usize,
    /// A second listener of each node behind a proxy: [`Kafka::bootstrap_proxied`], [`Kafka::proxy`].
    pub proxied: bool,
    /// For measurements: the full compiler and a bigger heap, at the price of a slower start.
    pub measured: bool,
    /// Listeners with TLS and passwords, and rights for the users: [`Kafka::bootstrap_sasl`] and what is near it.
    pub secured: bool,
    /// Broker properties that replace or extend the usual ones.
    pub properties: Vec<(String, String)>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self { nodes: 1, proxied: false, measured: false, secured: false, properties: Vec::new() }
    }
}

/// A running cluster. Topics are created by those who need them: the brokers do not create any on their own.
#[derive(Debug)]
pub struct Kafka {
    nodes: Vec<Node>,
    listeners: Vec<Listeners>,
    certificates: Option<Certificates>,
    // After the nodes: their folder goes last.
    scratch: Scratch,
}

impl Kafka {
    /// Start a cluster at free ports and wait until all its nodes are ready.
    pub fn start(options: KafkaOptions) -> Result<Self, ServerError> {
        Self::start_at(&options, free_port())
    }

    /// Start a node at each of the ports, one or three, with the data they have in a folder.
    pub fn start_in(folder: &Path, ports: &[u16]) -> Result<Self, ServerError> {
        let options = KafkaOptions { nodes: ports.len(), ..KafkaOptions::default() };
        Self::begin(&options, ports, Scratch::kept(folder)?)
    }

    /// One node that all tests of this process share. It ends with the process.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(KafkaOptions::default()) {
            Ok(kafka) => kafka,
            Err(error) => panic!("{error}"),
        })
    }

    /// Start a cluster whose first node listens at `port`.
    pub fn start_at(options: &KafkaOptions, port: u16) -> Result<Self, ServerError> {
        Self::begin(options, &[port], Scratch::new("kafka")?)
    }

    /// The first nodes listen at `ports`, the others at free ones.
    fn begin(options: &KafkaOptions, ports: &[u16], scratch: Scratch) -> Result<Self, ServerError> {
        if options.nodes != 1 && options.nodes != 3 {
            return Err(ServerError::Options(format!("a cluster has 1 or 3 nodes, not {}", options.nodes)));
        }
        let class_path = class_path(&scratch)?;
        let certificates =
            if options.secured { Some(Certificates::create(scratch.folder("certificates")?)?) } else { None };
        let listeners = (0..options.nodes)
            .map(|index| Listeners::new(options, ports.get(index).copied().unwrap_or_else(free_port)))
            .collect::<Result<Vec<Listeners>, ServerError>>()?;
        let files = (0..options.nodes)
            .map(|index| {
                let folder = scratch.folder(&format!("node-{}", index + 1))?;
                let data = folder.join("data");
                let text = properties::node(options, index, &listeners, &data, certificates.as_ref());
                scratch.write(&format!("node-{}/server.properties", index + 1), &text)
            })
            .collect::<Result<Vec<PathBuf>, ServerError>>()?;
        format_storage(&class_path, options, &files)?;

        let nodes: Vec<Node> = files
            .iter()
            .enumerate()
            .map(|(index, file)| Node::new(recipe(&class_path, options, index, file)))
            .collect();
        nodes.iter().try_for_each(Node::launch)?;
        nodes.iter().try_for_each(Node::await_ready)?;
        let kafka = Self { nodes, listeners, certificates, scratch };
        if options.secured {
            kafka.listeners[0].address("PLAINTEXT").map_or(Ok(()), |address| rights::give(&address))?;
        }
        Ok(kafka)
    }

    /// The folder with the data of all nodes.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The addresses of all nodes in plain text, where everybody may do everything.
    pub fn bootstrap(&self) -> String {
        self.addresses("PLAINTEXT")
    }

    /// The addresses of the nodes' proxies. Clients that begin here stay behind the proxies.
    pub fn bootstrap_proxied(&self) -> String {
        self.addresses("PROXIED")
    }

    /// The addresses for TLS. Who shows [`Kafka::client_cert_file`] is `beamline`; who shows nothing may do everything.
    pub fn bootstrap_tls(&self) -> String {
        self.addresses("TLS")
    }

    /// The addresses for TLS where the certificate has expired.
    pub fn bootstrap_expired(&self) -> String {
        self.addresses("EXPIRED")
    }

    /// The addresses for TLS with a password, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. The users are `admin`,
    /// `beamline`, who has all rights by rule, and `reader`, who may read and not write.
    pub fn bootstrap_sasl(&self) -> String {
        self.addresses("SASL")
    }

    /// The addresses for a password without TLS.
    pub fn bootstrap_sasl_plaintext(&self) -> String {
        self.addresses("SASLPLAIN")
    }

    /// Forbid a user of a secured cluster to read a topic, whatever else he is allowed; or take that back.
    ///
    /// # Errors
    /// Where the cluster does not take it.
    ///
    /// # Panics
    /// When the cluster is not secured.
    pub fn forbid_reading(&self, user: &str, topic: &str, is: bool) -> Result<(), ServerError> {
        let address = self.listeners[0].address("PLAINTEXT").expect("a node has a listener in plain text");
        rights::forbid_reading(&address, user, topic, is)
    }

    /// The password of every user.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The authority that signed the nodes' certificates.
    ///
    /// # Panics
    /// When the cluster is not secured; so do the others that name files.
    pub fn ca_file(&self) -> PathBuf {
        self.certificates().ca()
    }

    /// An authority that signed nothing.
    pub fn other_ca_file(&self) -> PathBuf {
        self.certificates().other_ca()
    }

    /// A certificate for the user `beamline`.
    pub fn client_cert_file(&self) -> PathBuf {
        self.certificates().client()
    }

    /// The key to [`Kafka::client_cert_file`].
    pub fn client_key_file(&self) -> PathBuf {
        self.certificates().client_key()
    }

    /// A node, from 0 on.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The proxy in front of a node, from 0 on.
    ///
    /// # Panics
    /// When the cluster is not proxied.
    pub fn proxy(&self, index: usize) -> &Proxy {
        self.listeners[index].proxy.as_ref().expect("a cluster with `proxied`")
    }

    /// Cut all proxies: the whole cluster is away.
    pub fn cut(&self) {
        self.listeners.iter().filter_map(|node| node.proxy.as_ref()).for_each(Proxy::cut);
    }

    /// Heal all proxies.
    pub fn heal(&self) -> Result<(), ServerError> {
        self.listeners.iter().filter_map(|node| node.proxy.as_ref()).try_for_each(Proxy::heal)
    }

    fn addresses(&self, listener: &str) -> String {
        let addresses: Option<Vec<String>> = self.listeners.iter().map(|node| node.address(listener)).collect();
        addresses.expect("a cluster with that listener: `proxied` or `secured`").join(",")
    }

    fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("a cluster with `secured`")
    }
}

/// Where the broker's jars are.
fn home() -> Result<PathBuf, ServerError> {
    artifacts::folder("kafka", VERSION, |folder| {
        artifacts::fetch_jars(include_str!("../artifacts/kafka/pom.xml"), folder)
    })
}

/// Prepare the data folders. The broker's own tool has to do it: it also switches on what the version can do, such as
/// the newer group protocol and the newer transactions.
fn format_storage(class_path: &[String], options: &KafkaOptions, files: &[PathBuf]) -> Result<(), ServerError> {
    std::thread::scope(|scope| {
        let tools: Vec<_> = files
            .iter()
            .map(|file| {
                scope.spawn(move || {
                    let mut command = Command::new("java");
                    command.args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]).args(class_path);
                    command.args(["kafka.tools.StorageTool", "format", "--ignore-formatted"]);
                    command.args(["-t", CLUSTER_ID, "-c"]).arg(file);
                    if options.secured {
                        command.args(passwords());
                    }
                    process::run(&mut command).map(|_| ())
                })
            })
            .collect();
        tools.into_iter().try_for_each(|tool| tool.join().expect("a tool that does not panic"))
    })
}

/// The passwords that SCRAM compares with are part of the cluster's data.
fn passwords() -> Vec<String> {
    let of_user = |user| {
        ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(|mechanism| format!("{mechanism}=[name={user},password={PASSWORD}]"))
    };
    USERS.into_iter().flat_map(of_user).flat_map(|entry| ["--add-scram".to_owned(), entry]).collect()
}

fn recipe(class_path: &[String], options: &KafkaOptions, index: usize, file: &Path) -> Recipe {
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
    args.extend(class_path.iter().cloned());
    args.extend(["kafka.Kafka".to_owned(), file.to_string_lossy().into_owned()]);
    Recipe {
        name: format!("kafka node {}", index + 1),
        program: "java".to_owned(),
        args,
        envs: Vec::new(),
        log: file.with_file_name("log"),
        ready: vec![Ready::Line("Kafka Server started")],
    }
}

/// The options of every Java process here: where the jars are, and what is logged.
fn class_path(scratch: &Scratch) -> Result<[String; 3], ServerError> {
    let jars = home()?.join("lib/*");
    let log_settings = scratch.write("log4j2.properties", include_str!("../artifacts/kafka/log4j2.properties"))?;
    let log_settings = format!("-Dlog4j2.configurationFile={}", log_settings.display());
    Ok([log_settings, "-cp".to_owned(), jars.to_string_lossy().into_owned()])
}
